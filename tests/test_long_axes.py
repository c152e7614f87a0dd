"""Sums over long axes, in float32: they err by what pairwise addition errs, never one by one.

What is exact is the same loss of the same numbers in float64, whose sums have 29 bits to spare.
With WEIGHTEDCE_LONG=1 every loss in every mode, over 128,000 classes and 10,000,000 elements.
"""

import inspect
from functools import cache, partial
from math import log2

import numpy as np
import pytest

import weightedce as w
from libraries import LONG, MODES
from weightedce.backends import backend_of
from weightedce.backends.adding import PIECE, in_pieces, spread_in_pieces
from weightedce.validation import oracle, ulp

CLASSES, ROWS, ELEMENTS = 128_000, 4, 10_000_000
NO_MATRIX = ("expected_cost",)  # its costs are one number for each pair of classes
DEFINED = oracle.BINARY | oracle.MULTICLASS | oracle.BATCH
every_mode = pytest.mark.parametrize(
    ("library", "mode"), [pytest.param(*x, id=f"{x[0].name}-{x[1]}") for x in MODES]
)


def hold(got, exact, size, order=0, scale=None):
    """Compare with numbers of float64; ``scale``: what an ulp is of, where terms cancel.

    As short ones, and an ulp for each level of a sum in pairs: a gradient is made of two sums.
    """
    got, exact = np.asarray(got, "float64"), np.asarray(exact)
    unit = np.spacing(np.abs(exact if scale is None else scale).astype("float32"))
    worst = float(np.max(np.abs(got - exact) / np.maximum(unit, 2.0**-149)))
    allowed = ulp.PER_ELEMENT + (1 + order) * log2(size)
    assert worst <= allowed, f"{worst:.0f} ulp of {allowed:.0f} allowed"


@pytest.mark.parametrize(
    ("shape", "axis"),
    [((30_000, 3), 0), ((2, 30_000, 3), 1), ((3, 30_000), -1), ((30_000, 3), None)],
)
@every_mode
def test_sums(library, mode, shape, axis):
    if mode == "compile" and not LONG:
        pytest.skip("a minute of a C++ compiler")
    x = np.random.default_rng(0).uniform(0.5, 1.0, shape).astype("float32")

    def total(z, _):
        return backend_of(z).sum(z * z, axis)

    got = library.evaluate(mode, total, x, [np.zeros(1)], dtype="float32")
    exact = np.sum(x.astype("float64") ** 2, axis=axis)
    assert np.max(np.abs(got - exact) / np.spacing(exact.astype("float32"))) <= 8


@pytest.mark.parametrize(
    "size", [1, PIECE, PIECE + 1, 2 * PIECE - 1, PIECE**2, PIECE**2 + PIECE + 1]
)
@pytest.mark.parametrize("keepdims", [False, True])
def test_pieces_are_the_whole(size, keepdims):
    x = np.random.default_rng(0).integers(0, 9, (2, size, 3))
    np.testing.assert_array_equal(in_pieces(np, x, 1, keepdims), x.sum(axis=1, keepdims=keepdims))


@pytest.mark.parametrize("size", [1, PIECE, PIECE + 1, PIECE**2 + PIECE + 1])
def test_pieces_are_as_wide_as_the_whole(size):
    x = np.arange(6.0).reshape(2, 1, 3)
    wide = spread_in_pieces(np, x, x.shape, size, 1)
    np.testing.assert_array_equal(wide, np.broadcast_to(x, (2, size, 3)))


@every_mode
def test_derivatives_of_one_number_for_all_classes(library, mode):
    if 1 not in library.orders(mode) or (mode == "compile" and not LONG):
        pytest.skip("no derivatives, or half a minute of a C++ compiler")
    share = np.full((ROWS, CLASSES), 0.1, "float32")  # equal ones: all are rounded the same way

    def total(z, y):
        backend = backend_of(z)
        return backend.sum(backend.spread(z * z, CLASSES, 1) * y)

    got = library.evaluate(mode, total, np.ones((ROWS, 1), "float32"), [share], 1, "float32")
    hold(got, 2 * share.sum(axis=1, keepdims=True, dtype="float64"), CLASSES)


@pytest.mark.parametrize("labels", [False, True])
def test_arrays_that_lie_in_another_order(labels):
    """NumPy goes through memory, so of a transposed array it adds other rows than it seems."""
    rng = np.random.default_rng(0)
    z = np.asfortranarray(rng.normal(size=(3, 30_000)).astype("float32"))
    y = rng.integers(0, 30_000, 3) if labels else rng.dirichlet(np.ones(30_000), 3)
    loss = partial(w.cross_entropy, targets=y, target_range="any", reduction="none")
    hold(loss(z), loss(z.astype("float64")), 30_000)


def own_options(name, classes):
    """Return the first variant of a loss, its numbers a class repeated."""
    known = inspect.signature(getattr(w, name)).parameters
    variant = DEFINED[name].variants[0]
    found = {k: v for k, v in variant.items() if k in known}
    # arrays: torch.compile goes through a list number by number
    return {k: np.resize(v, classes) if isinstance(v, tuple) else v for k, v in found.items()}


@cache
def over_classes(kind):
    rng = np.random.default_rng(1)
    z = (2 * rng.normal(size=(ROWS, CLASSES))).astype("float32")
    if kind == "distribution":
        return z, rng.dirichlet(np.ones(CLASSES), ROWS).astype("float32")
    return z, rng.integers(0, CLASSES, ROWS)


def is_short(library, mode, name, kind):
    """Whether the ordinary run takes it: the plain loss, where nobody waits for a compiler."""
    slow = (*library.slow, "function")
    return name == "cross_entropy" and kind == "smoothed" and mode not in slow


@pytest.mark.parametrize(
    ("library", "mode", "name", "kind"),
    [
        pytest.param(library, mode, name, kind, id=f"{library.name}-{mode}-{name}-{kind}")
        for library, mode in MODES
        for name in oracle.MULTICLASS
        if name not in NO_MATRIX
        for kind in ("labels", "smoothed", "distribution")
        if LONG or is_short(library, mode, name, kind)
    ],
)
def test_many_classes(library, mode, name, kind):
    z, y = over_classes(kind)
    own = own_options(name, CLASSES)
    if kind == "smoothed":
        own["label_smoothing"] = 0.1
    if kind == "distribution":
        own["target_range"] = "any"
        own = {k: v for k, v in own.items() if k in inspect.signature(getattr(w, name)).parameters}

    def loss(z, y):
        return getattr(w, name)(z, y, reduction="sum", **own)

    for order in library.orders(mode)[:2]:
        got = library.evaluate(mode, loss, z, [y], order, "float32")
        exact = library.evaluate("eager", loss, z.astype("float64"), [y], order, "float64")
        # a gradient is a difference: share of the class less its mass
        scale = None if order == 0 else np.maximum(np.abs(exact), 1 / CLASSES)
        hold(got, exact, CLASSES, order, scale)


def many_elements(name):
    """Return logits, targets and options of so many elements, or examples of few classes."""
    rng = np.random.default_rng(2)
    count = ELEMENTS if LONG else 500_000  # one by one: 477 and 195 ulp of 26
    if name in oracle.MULTICLASS:
        z = rng.normal(size=(count // 3, 3)).astype("float32")
        return z, rng.integers(0, 3, len(z)), DEFINED[name].variants[0]
    z = rng.normal(size=(count // 2, 2)).astype("float32")
    return z, rng.integers(0, 2, z.shape), DEFINED[name].variants[0]


def is_brief(library, mode, name):
    """Whether the ordinary run takes it: a graph of TensorFlow has the kernels of eager code."""
    graph = library.name == "tensorflow" and mode != "eager"
    return mode != "compile" and name in ("binary_cross_entropy", "dice_loss")[: 1 if graph else 2]


@pytest.mark.parametrize("reduction", ["mean", "weighted_mean"] if LONG else ["weighted_mean"])
@pytest.mark.parametrize(
    ("library", "mode", "name"),
    [
        pytest.param(library, mode, name, id=f"{library.name}-{mode}-{name}")
        for library, mode in MODES
        for name in DEFINED
        if LONG or is_brief(library, mode, name)
    ],
)
def test_many_elements(library, mode, name, reduction):
    z, y, variant = many_elements(name)
    known = inspect.signature(getattr(w, name)).parameters
    own = {k: v for k, v in variant.items() if k in known}
    batch = "axis" in known and known["axis"].default is None and name in oracle.BATCH
    if batch and reduction == "weighted_mean":
        own |= {"axis": -1}  # the sums of each label, along the rows
    elif not batch:
        own |= {"reduction": reduction}

    def loss(z, y):
        found = getattr(w, name)(z, y, **own)
        # of four counts the sum is that of all weights, whatever the logits
        return sum(i * x for i, x in enumerate(found)) if isinstance(found, tuple) else found

    for order in library.orders(mode)[:2]:
        got = library.evaluate(mode, loss, z, [y], order, "float32")
        exact = library.evaluate("eager", loss, z.astype("float64"), [y], order, "float64")
        scale = None if order == 0 else np.maximum(np.abs(exact), np.abs(exact).max() / 2)
        hold(got, exact, len(z), order, scale)
