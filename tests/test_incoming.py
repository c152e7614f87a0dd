"""What may come beside the logits of which library: each cell of the table in the docs."""

import array
from collections import Counter
from decimal import Decimal
from math import inf, nan

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import weightedce as w
from libraries import LIBRARIES, LONG, modes_of

Z = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, -1.0], [1.0, 2.0, 3.0], [0.0, 0.0, 1.0]])
LABELS = np.array([0, 2, 1, 2])
WEIGHT = np.array([1.0, 2.0, 5.0])
SAMPLE = np.array([1.0, 2.0, 0.0, 1.0])
MASK = np.array([True, True, True, False])


def _read_only(x):
    x = x.copy()
    x.setflags(write=False)
    return x


def _nullable(x):
    return pd.Series(x, dtype={"i": "Int64", "f": "Float64", "b": "boolean"}[x.dtype.kind])


class Lazy:
    """What only says how to become an array, as h5py and xarray do."""

    def __init__(self, x):
        self.x = x

    def __array__(self, dtype=None, copy=None):
        return self.x


FORMS = {
    "arrays of NumPy": lambda x: x,
    "of other dtypes": lambda x: x.astype(
        {"i": "uint16", "f": "float32", "b": "uint8"}[x.dtype.kind]
    ),
    "of floats": lambda x: x.astype("float64"),
    "of objects": lambda x: x.astype(object),
    "of another byte order": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "read-only": _read_only,
    "reversed views": lambda x: x[::-1].copy()[::-1],
    "lists": lambda x: x.tolist(),
    "tuples": lambda x: tuple(x.tolist()),
    "lists of NumPy's scalars": list,
    "array.array": lambda x: array.array("d", x),
    "pandas": pd.Series,
    "pandas, filtered": lambda x: pd.Series(x, index=np.arange(3, 3 + len(x))),
    "pandas, nullable": _nullable,
    "polars": pl.Series,
    "Arrow": pa.array,
    "Arrow, in chunks": lambda x: pa.chunked_array([x[:1], x[1:]]),
    "__array__": Lazy,
}


@pytest.mark.parametrize("form", FORMS)
def test_constants_go_beside_the_logits_of_any_library(library, form):
    of = FORMS[form]
    # the index of a column of weights says which class each is for: see below
    weight = WEIGHT if form == "pandas, filtered" else of(WEIGHT)
    options = {"class_weight": weight, "sample_weight": of(SAMPLE), "mask": of(MASK)}
    for dtype in ("float64", "float32"):
        z = library.array(Z.astype(dtype))
        got = w.cross_entropy(z, of(LABELS), **options)
        assert library.dtype_name(got) == dtype
        expected = w.cross_entropy(
            Z.astype(dtype), LABELS, class_weight=WEIGHT, sample_weight=SAMPLE, mask=MASK
        )
        np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-6)


@pytest.mark.parametrize("form", ["arrays of NumPy", "lists", "read-only"])
def test_constants_in_every_mode(differentiable, form):
    weight, sample, mask, labels = map(FORMS[form], (WEIGHT, SAMPLE, MASK, LABELS))

    def loss(z):
        options = {"class_weight": weight, "sample_weight": sample, "mask": mask}
        return w.cross_entropy(z, labels, label_smoothing=0.1, **options)

    slow = () if form == "read-only" or LONG else differentiable.slow
    for mode in [mode for mode in modes_of(differentiable) if mode not in slow]:
        got = differentiable.evaluate(mode, loss, Z, [])
        np.testing.assert_allclose(got, loss(Z), rtol=1e-14)


LOSSES = {
    "linear": lambda a, c: w.linear_cross_entropy(
        a(Z), a(np.eye(3)), c(LABELS), bias=c(WEIGHT), class_weight=c(WEIGHT)
    ),
    "binary": lambda a, c: w.binary_cross_entropy(
        a(Z), c(Z > 0), pos_weight=c(WEIGHT), neg_weight=c(np.array(2)), sample_weight=c(SAMPLE)
    ),
    "confusion": lambda a, c: w.confusion_cross_entropy(a(Z), c(Z > 0), fn=c(WEIGHT)),
    "cost": lambda a, c: w.expected_cost(a(Z), c(LABELS), c(np.eye(3) - 1), class_weight=c(WEIGHT)),
    "prior": lambda a, c: w.logit_adjusted_cross_entropy(a(Z), c(LABELS), prior=c(WEIGHT)),
    "counts": lambda a, c: w.ldam_cross_entropy(a(Z), c(LABELS), counts=c(WEIGHT.astype(int))),
    "scale": lambda a, c: w.vector_scaling_cross_entropy(
        a(Z), c(LABELS), scale=c(WEIGHT), shift=c(-WEIGHT)
    ),
    "recall": lambda a, c: w.recall_specificity_loss(a(Z), c(Z > 0), mask=c(MASK)),
    "undo": lambda a, c: w.undo_class_weight(a(Z), c(WEIGHT)),
    "undo_pos": lambda a, c: w.undo_pos_weight(a(Z), c(WEIGHT), neg_weight=c(WEIGHT)),
    "shift": lambda a, c: w.shift_prior(a(Z), old_prior=c(WEIGHT), new_prior=c(SAMPLE[:3])),
    "sample_weights": lambda a, c: w.sample_weights(a(LABELS), c(WEIGHT)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_every_argument_may_be_a_constant(library, name):
    call = LOSSES[name]
    expected = np.asarray(call(library.array, library.array))
    for of in (np.asarray, np.ndarray.tolist, lambda x: x.astype(object)):
        np.testing.assert_allclose(np.asarray(call(library.array, of)), expected, rtol=1e-14)


@pytest.mark.parametrize("how", ["list of arrays", "tuple of numbers and arrays", "list of rows"])
def test_lists_of_arrays_are_stacked(differentiable, how):
    listed = LABELS.tolist()

    def loss(z, first, sample):
        weight = [first, 2.0 * first, 5.0] if how != "tuple" else (first, 2.0, 5)
        rows = [sample, 1.0 * sample] if how == "list of rows" else None
        labels = listed
        if rows is not None:
            z, labels = z[None] + 0.0 * sample[0], [labels]
            rows = rows[:1]
        return w.cross_entropy(z, labels, class_weight=weight, sample_weight=rows)

    expected = w.cross_entropy(
        Z, LABELS, class_weight=WEIGHT, sample_weight=SAMPLE if how == "list of rows" else None
    )
    slow = () if how == "list of rows" or LONG else differentiable.slow
    for mode in [mode for mode in modes_of(differentiable) if mode not in slow]:
        got = differentiable.evaluate(mode, loss, Z, [np.array(1.0), SAMPLE])
        np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_weights_by_class(library):
    z, y = library.array(Z), library.array(LABELS)
    expected = float(w.cross_entropy(z, y, class_weight=[1.0, 2.0, 5.0]))
    for weight in (
        {0: 1, 1: 2.0, 2: np.float32(5)},
        {2: 5, 1: 2},  # what is missing weighs 1, as in Keras
        {2.0: 5, np.int64(1): 2},
        pd.Series({2: 5.0, 1: 2.0, 0: 1.0}),
        pd.Series({2: 5.0, 1: 2.0}),
        {2: library.array(np.array(5.0)), 1: 2},
    ):
        found = float(w.cross_entropy(z, y, class_weight=weight))
        assert found == pytest.approx(expected, rel=1e-15)  # one with an array in it goes apart
    assert float(
        w.linear_cross_entropy(z, library.array(np.eye(3)), y, class_weight={2: 5, 1: 2})
    ) == pytest.approx(expected, rel=1e-14)
    labels = w.binary_cross_entropy(z, Z > 0, pos_weight={0: 3})
    assert float(labels) == float(w.binary_cross_entropy(z, Z > 0, pos_weight=[3.0, 1.0, 1.0]))
    counted = w.balanced_softmax_cross_entropy(z, y, counts=Counter([0, 2, 2]))
    assert float(counted) == float(w.balanced_softmax_cross_entropy(z, y, counts=[1, 0, 2]))


KEYS = {
    "unknown": (ValueError, r"class_weight.*0\.\.2.*7", {0: 1, 7: 2}),
    "name": (TypeError, "class_weight.*'a'", {"a": 1}),
    "negative": (TypeError, "class_weight.*-1", {-1: 1}),
    "twice": (ValueError, "class_weight.*once", pd.Series([1.0, 2.0], index=[1, 1])),
    "names": (TypeError, "class_weight.*'b'.*to_numpy", pd.Series({"b": 1.0})),
    "words": (ValueError, "class_weight.*'batch'.*'balanced'", "balanced"),
}


@pytest.mark.parametrize("name", KEYS)
def test_bad_classes_are_named(name):
    kind, message, weight = KEYS[name]
    with pytest.raises(kind, match=message):
        w.cross_entropy(Z, LABELS, class_weight=weight)


def test_weights_from_the_batch(differentiable):
    one_hot = np.eye(3)[LABELS]
    head = np.eye(3)

    def of(labels, **options):
        weight = w.balanced(w.class_counts(labels, 3, ignore_index=-1))
        return w.cross_entropy(Z, labels, class_weight=weight, **options)

    ignoring = np.where(LABELS == 2, -1, LABELS)
    weight = w.balanced(w.class_counts(np.where(MASK, LABELS, -1), 3, ignore_index=-1))
    focal = w.focal_loss(Z, LABELS, class_weight=weight, mask=MASK)
    cases = [
        (lambda z, y: w.focal_loss(z, y, class_weight="batch", mask=MASK), LABELS, focal),
        (lambda z, y: w.cross_entropy(z, y, class_weight="batch"), one_hot, of(LABELS)),
        (lambda z, y: w.cross_entropy(z, y, class_weight="batch"), LABELS, of(LABELS)),
        (
            lambda z, y: w.cross_entropy(z, y, class_weight="batch", ignore_index=2),
            LABELS,
            of(ignoring, ignore_index=-1),
        ),
    ]
    for mode in modes_of(differentiable):
        for loss, y, expected in cases[: 1 if mode != "eager" and not LONG else None]:
            got = differentiable.evaluate(mode, loss, Z, [y])
            np.testing.assert_allclose(got, expected, rtol=1e-14)
    linear = w.linear_cross_entropy(
        differentiable.array(Z), differentiable.array(head), LABELS, class_weight="batch"
    )
    np.testing.assert_allclose(np.asarray(linear), of(LABELS), rtol=1e-14)


def test_a_batch_in_blocks_has_one_weight():
    """Large enough to be taken by blocks of rows, as targets with a class axis are."""
    rng = np.random.default_rng(0)
    z, labels = rng.normal(size=(2**15, 4)), rng.integers(0, 4, 2**15) ** 2 // 3
    one_hot = np.eye(4)[labels]
    expected = w.cross_entropy(z, labels, class_weight=w.balanced(w.class_counts(labels, 4)))
    assert w.cross_entropy(z, one_hot, class_weight="batch") == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (3, 1, 1), (1, 3), (3, 1), (3,), (1, 1), ()])
def test_weights_shaped_for_broadcasting(library, shape):
    z = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    labels = np.arange(40).reshape(2, 4, 5) % 3
    given = np.resize(WEIGHT, shape)
    flat = np.broadcast_to(given.reshape(-1), (3,))
    expected = w.cross_entropy(z, labels, axis=1, class_weight=flat)
    z = library.array(z)
    for weight in (given, library.array(given)):
        got = w.cross_entropy(z, labels, axis=1, class_weight=weight)
        np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-14)
    with pytest.raises(ValueError, match=r"class_weight.*\(3,\).*\(2, 3\)"):
        w.cross_entropy(z, labels, axis=1, class_weight=np.ones((2, 3)))


NONE = {"negative": -1.0, "infinite": inf, "nan": nan}
HOW = {
    "list": np.ndarray.tolist,
    "NumPy": np.asarray,
    "pandas": pd.Series,
    "dict": lambda x: dict(enumerate(x.tolist())),
    "array": None,
}


@pytest.mark.parametrize("bad", NONE)
@pytest.mark.parametrize("how", HOW)
def test_weights_that_are_none_are_refused_where_they_can_be_read(library, how, bad):
    of = HOW[how] or library.array
    weight = np.array([0.5, NONE[bad], 2.0])
    z, y = library.array(Z), library.array(LABELS)
    calls = {
        "class_weight": lambda x: w.cross_entropy(z, y, class_weight=x),
        "pos_weight": lambda x: w.binary_cross_entropy(z, Z > 0, pos_weight=x),
        "fn": lambda x: w.confusion_cross_entropy(z, Z > 0, fn=x),
        "counts": lambda x: w.balanced(x),
    }
    if how != "dict":
        calls["sample_weight"] = lambda x: w.cross_entropy(z[:3, ...], y[:3], sample_weight=x)
        calls["prior"] = lambda x: w.logit_adjusted_cross_entropy(z, y, prior=x)
    for name, call in calls.items():
        with pytest.raises(ValueError, match=rf"{name}: .*>= 0, got {name}\[1\] = {NONE[bad]}"):
            call(of(weight))


def test_weights_that_are_none_are_nan_where_they_cannot_be_read(differentiable):
    losses = (
        lambda z, x: w.cross_entropy(z, LABELS, class_weight=x),
        lambda z, x: w.binary_cross_entropy(z, Z > 0, neg_weight=x),
        lambda z, x: w.cross_entropy(z[:3], LABELS[:3], sample_weight=x),
        lambda z, x: w.cross_entropy(z, LABELS, class_weight=w.balanced(x)),
    )
    for mode in modes_of(differentiable, compiled=True):
        for loss in losses[3:] if mode in differentiable.slow and not LONG else losses:
            for bad in (-1.0, nan):
                weight = np.array([1.0, bad, 2.0])
                assert np.isnan(differentiable.evaluate(mode, loss, Z, [weight]))


def test_costs_may_be_negative_but_finite():
    assert w.expected_cost(Z, LABELS, -np.eye(3)) < 0
    with pytest.raises(ValueError, match=r"cost_matrix: expected finite numbers, got .*\[1, 1\]"):
        w.expected_cost(Z, LABELS, np.where(np.eye(3) * [0, 1, 0], np.inf, 0.0))


PAIRS = [(a, b) for a in LIBRARIES for b in LIBRARIES if a != b]


@pytest.mark.parametrize(("a", "b"), PAIRS)
@pytest.mark.parametrize("argument", ["targets", "class_weight", "sample_weight", "mask"])
def test_only_two_libraries_that_differentiate_do_not_mix(a, b, argument):
    a, b = LIBRARIES[a], LIBRARIES[b]
    arrays = {"targets": LABELS, "class_weight": WEIGHT, "sample_weight": SAMPLE, "mask": MASK}
    given = {k: (b if k == argument else a).array(v) for k, v in arrays.items()}

    def call():
        return w.cross_entropy(a.array(Z), **given)

    if a.differentiable and b.differentiable:
        names = {"torch": "PyTorch", "jax": "JAX", "tensorflow": "TensorFlow"}
        message = f"{argument}.*{names[a.name]}, got one of {names[b.name]}.*numpy"
        with pytest.raises(TypeError, match=message):
            call()
    else:
        np.testing.assert_allclose(np.asarray(call()), w.cross_entropy(Z, **arrays), rtol=1e-14)


def test_a_gradient_is_not_cut_in_silence():
    torch = pytest.importorskip("torch")
    weight = torch.ones(3, requires_grad=True)
    with pytest.raises(TypeError, match=r"class_weight.*NumPy, got one of PyTorch: no gradient"):
        w.cross_entropy(Z, LABELS, class_weight=weight)


@pytest.mark.skipif("jax" not in LIBRARIES, reason="JAX is not installed")
def test_integers_that_jax_has_no_room_for_are_no_other_class():
    import jax

    with jax.enable_x64(False):
        z = jax.numpy.asarray(Z)
        with pytest.raises(ValueError, match=r"targets\[1\]"):
            w.cross_entropy(z, np.array([0, 2**32, 1, 2]))


def test_decimals_are_numbers(library):
    z = library.array(Z)
    weight = [Decimal("1"), Decimal("2"), Decimal("5")]
    expected = float(w.cross_entropy(z, LABELS, class_weight=WEIGHT))
    for given in (weight, np.array(weight), pa.array(weight), pl.Series(weight)):
        assert float(w.cross_entropy(z, LABELS, class_weight=given)) == expected
    assert float(w.linear_cross_entropy(z, np.eye(3), LABELS, bias={1: 2})) == float(
        w.linear_cross_entropy(z, np.eye(3), LABELS, bias=[0.0, 2.0, 0.0])
    )
