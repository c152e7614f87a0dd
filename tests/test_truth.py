"""Value, gradient and second derivative against the oracle: hard points, every library and mode."""

import itertools
from functools import cache, partial

import numpy as np
import pytest

import weightedce
from libraries import DIFFERENTIABLE, LIBRARIES
from weightedce.validation import oracle, ulp
from weightedce.validation.cases import HARD_POINTS, ZERO, Case

MORE_POINTS = (*HARD_POINTS, 0.3, -2.7, 20.0, -36.7, 1e-9, 700.1)


LOSSES = [*oracle.BINARY, *oracle.MULTICLASS]
CORE = ("binary_cross_entropy", "cross_entropy")


def binary_batch(loss, options, soft=False, masked=False):
    """Every point with every target, two labels."""
    targets = (0.0, 1.0, 0.3) if soft else (0.0, 1.0)
    rows = list(itertools.product(MORE_POINTS, targets))
    z = np.array([[z, -z] for z, _ in rows])
    y = np.array([[y, 1 - y] for _, y in rows])
    return Case(loss, z, y, options=options, **(sample_and_mask(len(z), 2) if masked else {}))


def class_batch(loss, options, soft=False, masked=False):
    """Rows that mix the points, each with every label of three."""
    random = np.random.default_rng(1)
    rows = [[20.0, 0, 0], [0, 0, 0], [1000, -1000, 16.6], [np.inf, 0, 1], [-np.inf, 0, 0]]
    rows += random.choice(MORE_POINTS, (40, 3)).tolist()
    z = np.repeat(np.array(rows), 3, axis=0)
    labels = np.arange(len(z)) % 3
    targets = random.dirichlet([0.5] * 3, len(z)) if soft else labels
    return Case(loss, z, targets, options=options, **(sample_and_mask(len(z)) if masked else {}))


def sample_and_mask(n, *rest):
    sample = np.random.default_rng(2).choice([0.0, 0.5, 1.0, 7.3, 1e6], n)
    return {
        "sample_weight": sample,
        "mask": np.arange(n * max(rest, default=1)).reshape(n, *rest) % 5 > 0,
    }


@cache
def cases():
    """Every loss with every kind of option; further parameters of a loss with weights only."""
    smooth = {"label_smoothing": 0.1}
    policy = {"smoothing_weight": "class"}
    found = {}
    for loss in LOSSES:
        binary = loss in oracle.BINARY
        make = binary_batch if binary else class_batch
        weights = {"class_weight": [1.0, 2.5, 0.0]}
        if binary:
            weights = {"pos_weight": [2.5, 10.0], "neg_weight": [0.3, 1.0]}
        first, *others = (oracle.BINARY | oracle.MULTICLASS)[loss].variants
        found[f"{loss}-masked"] = make(loss, first | weights, masked=True)
        found[f"{loss}-policy"] = make(loss, first | weights | smooth | policy, soft=True)
        if loss in CORE:  # the others take the same factors from the same batch
            found[f"{loss}-plain"] = make(loss, first)
            found[f"{loss}-weighted"] = make(loss, first | weights)
            found[f"{loss}-soft"] = make(loss, first | weights, soft=True)
            found[f"{loss}-smooth"] = make(loss, first | weights | smooth)
        for i, variant in enumerate(others, 2):
            found[f"{loss}-variant{i}"] = make(loss, variant | weights)
    return found


CASES = list(cases())
COMPILED = [name for name in CASES if name.endswith("-masked")]  # Inductor takes its time


@cache
def loss_of(name, dtype):
    """Return the unreduced loss of a case with its options bound, one object a case."""
    case = cases()[name].rounded(dtype)
    bound = partial(getattr(weightedce, case.loss), reduction="none", **case.options)

    def loss(z, y, sample_weight=None, mask=None):
        return bound(z, y, sample_weight=sample_weight, mask=mask)

    return loss


def given(case):
    """Return logits and the other arrays in the case's dtype."""
    targets = case.targets
    arrays = [targets if targets.dtype.kind == "i" else targets.astype(case.dtype)]
    if case.sample_weight is not None:
        arrays += [case.sample_weight.astype(case.dtype), case.mask]
    return case.logits.astype(case.dtype), arrays


@cache
def truth(name, dtype, order):
    case = cases()[name].rounded(dtype)
    return case.gradient() if order else case.value()


def assert_close(got, exact, limits, dtype, where):
    assert got.dtype == dtype, f"{where}: dtype {got.dtype}"
    for i, (g, e, limit) in enumerate(zip(got.ravel(), exact, limits, strict=True)):
        number = ulp.ulps(float(g), e, dtype)
        message = f"{where}: element {i}: got {g!r}, exact {float(e.number)!r}, {number} ulp"
        assert number <= limit, f"{message} of {limit} allowed"


def all_modes(libraries, names):
    return [
        pytest.param(library, mode, name, id=f"{library.name}-{mode}-{name}")
        for library in libraries.values()
        for mode in library.modes
        for name in names
        if mode != "compile" or name in COMPILED
    ]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("library", "mode", "name"), all_modes(LIBRARIES, CASES))
def test_value(library, mode, name, dtype):
    case = cases()[name].rounded(dtype)
    z, arrays = given(case)
    got = library.evaluate(mode, loss_of(name, dtype), z, arrays)
    assert_close(got, truth(name, dtype, 0), case.tolerance(ulp.PER_ELEMENT), dtype, name)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("library", "mode", "name"), all_modes(DIFFERENTIABLE, CASES))
def test_gradient(library, mode, name, dtype):
    case = cases()[name].rounded(dtype)
    z, arrays = given(case)
    got = library.evaluate(mode, loss_of(name, dtype), z, arrays, order=1)
    limits = case.tolerance(ulp.PER_ELEMENT, per_logit=True)
    assert_close(got, truth(name, dtype, 1), limits, dtype, name)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("library", "mode", "name"),
    [p for p in all_modes(DIFFERENTIABLE, CASES) if p.values[1] != "compile"],
)
def test_second_derivative(library, mode, name, dtype):
    case = cases()[name].rounded(dtype)
    z, arrays = given(case)
    got = library.evaluate(mode, loss_of(name, dtype), z, arrays, order=2)
    limits = case.tolerance(ulp.SECOND, per_logit=True)
    for j, exact in enumerate(second_derivatives(name, dtype)):
        assert_close(got[j], exact, limits, dtype, f"{name}, column {j}")


@cache
def second_derivatives(name, dtype):
    """Return the exact columns; of a loss that cancels, with the weight as scale."""
    case = cases()[name].rounded(dtype)
    size = case.logits.shape[-1]
    if case.loss in oracle.BINARY:  # labels are independent
        diagonal = case.hessian(0)
        columns = [
            [e if i % size == j else ZERO for i, e in enumerate(diagonal)] for j in range(size)
        ]
    else:
        columns = [case.hessian(j) for j in range(size)]
    if not (oracle.BINARY | oracle.MULTICLASS)[case.loss].cancels:
        return columns
    return [[e._replace(scale=max(e.scale, e.mass)) for e in column] for column in columns]
