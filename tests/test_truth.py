"""Value, gradient and second derivative against the oracle: hard points, every library and mode."""

import itertools
from functools import cache, partial

import numpy as np
import pytest

import weightedce
from libraries import DIFFERENTIABLE, LIBRARIES
from weightedce.validation import ulp
from weightedce.validation.cases import HARD_POINTS, ZERO, Case

MORE_POINTS = (*HARD_POINTS, 0.3, -2.7, 20.0, -36.7, 1e-9, 700.1)


def binary_batch(options, soft=False, **weights):
    """Every point with every target, two labels."""
    targets = (0.0, 1.0, 0.3) if soft else (0.0, 1.0)
    rows = list(itertools.product(MORE_POINTS, targets))
    z = np.array([[z, -z] for z, _ in rows])
    y = np.array([[y, 1 - y] for _, y in rows])
    return Case("binary_cross_entropy", z, y, options=options, **weights)


def class_batch(options, soft=False, **weights):
    """Rows that mix the points, each with every label of three."""
    random = np.random.default_rng(1)
    rows = [[20.0, 0, 0], [0, 0, 0], [1000, -1000, 16.6], [np.inf, 0, 1], [-np.inf, 0, 0]]
    rows += random.choice(MORE_POINTS, (40, 3)).tolist()
    z = np.repeat(np.array(rows), 3, axis=0)
    labels = np.arange(len(z)) % 3
    targets = random.dirichlet([0.5] * 3, len(z)) if soft else labels
    return Case("cross_entropy", z, targets, options=options, **weights)


def some(n, *shape):
    random = np.random.default_rng(2)
    return random.choice([0.0, 0.5, 1.0, 7.3, 1e6], (n, *shape))


@cache
def cases():
    pos, neg = {"pos_weight": [2.5, 10.0]}, {"neg_weight": [0.3, 1.0]}
    smooth = {"label_smoothing": 0.1}
    wide = {"class_weight": [1.0, 2.5, 0.0]}
    n, m = len(binary_batch({}).logits), len(class_batch({}).logits)
    keep = np.arange(max(2 * n, m)) % 5 > 0
    return {
        "binary": binary_batch({}),
        "binary-weighted": binary_batch(pos | neg),
        "binary-soft": binary_batch(pos, soft=True),
        "binary-smooth": binary_batch(pos | neg | smooth),
        "binary-smooth-class": binary_batch(pos | smooth | {"smoothing_weight": "class"}),
        "binary-masked": binary_batch(pos, sample_weight=some(n), mask=keep[: 2 * n].reshape(n, 2)),
        "multi": class_batch({}),
        "multi-weighted": class_batch(wide),
        "multi-soft": class_batch(wide, soft=True),
        "multi-smooth": class_batch(wide | smooth),
        "multi-smooth-class": class_batch(wide | smooth | {"smoothing_weight": "class"}),
        "multi-masked": class_batch(wide, sample_weight=some(m), mask=keep[:m]),
    }


CASES = sorted(cases())
COMPILED = ("binary-weighted", "binary-masked", "multi-weighted", "multi-smooth-class")


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
    if order == 2:
        return [case.hessian(j) for j in range(case.logits.shape[-1])]
    return case.gradient() if order else case.value()


def assert_close(got, exact, dtype, limit, where):
    assert got.dtype == dtype, f"{where}: dtype {got.dtype}"
    worst = max(
        (ulp.ulps(float(g), e, dtype), i)
        for i, (g, e) in enumerate(zip(got.ravel(), exact, strict=True))
    )
    number, i = worst
    message = f"{where}: element {i}: got {got.ravel()[i]!r}, exact {float(exact[i][0])!r}"
    assert number <= limit, f"{message}, {number} ulp"


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
    assert_close(got, truth(name, dtype, 0), dtype, ulp.PER_ELEMENT, name)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("library", "mode", "name"), all_modes(DIFFERENTIABLE, CASES))
def test_gradient(library, mode, name, dtype):
    case = cases()[name].rounded(dtype)
    z, arrays = given(case)
    got = library.evaluate(mode, loss_of(name, dtype), z, arrays, order=1)
    assert_close(got, truth(name, dtype, 1), dtype, ulp.PER_ELEMENT, name)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("library", "mode", "name"),
    [p for p in all_modes(DIFFERENTIABLE, CASES) if p.values[1] != "compile"],
)
def test_second_derivative(library, mode, name, dtype):
    case = cases()[name].rounded(dtype)
    z, arrays = given(case)
    got = library.evaluate(mode, loss_of(name, dtype), z, arrays, order=2)
    for j, exact in enumerate(truth(name, dtype, 2)):
        if case.loss == "binary_cross_entropy":  # labels are independent
            exact = case.hessian(0)
            column = np.arange(len(exact)) % case.logits.shape[-1]
            exact = [e if c == j else ZERO for e, c in zip(exact, column, strict=True)]
        assert_close(got[j], exact, dtype, ulp.SECOND, f"{name}, column {j}")
