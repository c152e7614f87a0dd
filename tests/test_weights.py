"""Class counts, balanced weights and sample weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

import weightedce as w
from libraries import LIBRARIES

LABELS = np.array([[0, 2, 0], [0, 3, 2]])


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_counts_on_every_library(library, dtype):
    counts = w.class_counts(library.array(LABELS.astype(dtype)), 5)
    assert w.namespace_of(counts) is w.namespace_of(library.array(LABELS))
    np.testing.assert_array_equal(np.asarray(counts), [3, 0, 2, 1, 0])
    ignoring = w.class_counts(library.array(LABELS.astype(dtype)), 5, ignore_index=2)
    np.testing.assert_array_equal(np.asarray(ignoring), [3, 0, 0, 1, 0])
    ignoring = w.class_counts(library.array(LABELS.astype(dtype)), 3, ignore_index=3)
    np.testing.assert_array_equal(np.asarray(ignoring), [3, 0, 2])
    empty = w.class_counts(library.array(LABELS[:0].astype(dtype)), 2)
    np.testing.assert_array_equal(np.asarray(empty), [0, 0])


@given(labels=st.lists(st.integers(0, 6), max_size=50))
def test_counts_are_bincount(labels):
    expected = np.bincount(labels, minlength=7).tolist()
    assert w.class_counts(labels, 7) == expected
    for library in LIBRARIES.values():
        counts = w.class_counts(library.array(np.array(labels, dtype=int)), 7)
        np.testing.assert_array_equal(np.asarray(counts), expected)


@given(labels=st.lists(st.integers(0, 3), min_size=1, max_size=50))
def test_balanced_is_exactly_scikit_learns(labels):
    present = np.unique(labels)
    expected = compute_class_weight("balanced", classes=present, y=labels)
    weights = w.balanced(w.class_counts(labels, 4))
    assert [weights[k] for k in present] == expected.tolist()
    assert all(weights[k] == 0 for k in range(4) if k not in present)
    assert w.sample_weights(labels, weights) == compute_sample_weight("balanced", labels).tolist()


@given(counts=st.lists(st.integers(0, 1000), min_size=1, max_size=6))
def test_normalisations(counts):
    n, k = sum(counts), len(counts)
    plain = w.balanced(counts, normalize=None)
    assert plain == pytest.approx([n / (k * c) if c else 0.0 for c in counts], rel=1e-15)
    samples = np.asarray(w.balanced(counts)) @ counts
    assert samples == pytest.approx(n, rel=1e-14)
    assert sum(w.balanced(counts, normalize="classes")) == pytest.approx(k if n else 0, rel=1e-14)


def test_balanced_on_every_library(library):
    weights = w.balanced(w.class_counts(library.array(LABELS), 4))
    assert w.namespace_of(weights) is w.namespace_of(library.array(LABELS))
    np.testing.assert_allclose(np.asarray(weights), w.balanced([3, 0, 2, 1]), rtol=1e-6)
    exact = w.balanced(library.array(np.array([3.0, 0.0, 2.0, 1.0])))
    np.testing.assert_array_equal(np.asarray(exact), w.balanced([3, 0, 2, 1]))
    per = w.sample_weights(library.array(LABELS), exact)
    np.testing.assert_array_equal(np.asarray(per), np.asarray(exact)[LABELS])
    listed = w.sample_weights(library.array(LABELS), w.balanced([3, 0, 2, 1]))
    np.testing.assert_allclose(np.asarray(listed), np.asarray(exact)[LABELS], rtol=1e-6)


def test_inside_a_compiled_step_with_a_class_absent(differentiable):
    """Question 5: weights from each batch."""

    def step(z, labels):
        weights = w.balanced(w.class_counts(labels, 4))
        return w.cross_entropy(
            z, labels, class_weight=weights, sample_weight=w.sample_weights(labels, weights)
        )

    z = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    labels = LABELS.ravel()
    weights = np.array(w.balanced([3, 0, 2, 1]))
    expected = w.cross_entropy(z, labels, class_weight=weights, sample_weight=weights[labels])
    for mode in differentiable.modes:
        got = differentiable.evaluate(mode, step, z, [labels])
        np.testing.assert_allclose(got, expected, rtol=1e-6)
        assert np.isfinite(differentiable.evaluate(mode, step, z, [labels], order=1)).all()


BAD = {
    "no-classes": (ValueError, "num_classes.*0", lambda: w.class_counts([0], 0)),
    "float-classes": (ValueError, "num_classes.*2.0", lambda: w.class_counts([0], 2.0)),
    "float-labels": (TypeError, "labels.*float64", lambda: w.class_counts(np.zeros(3), 2)),
    "listed-floats": (TypeError, r"labels.*\[0.5\]", lambda: w.class_counts([0.5], 2)),
    "outside": (ValueError, r"labels.*0\.\.1.*labels\[1\] = 2", lambda: w.class_counts([0, 2], 2)),
    "negative": (ValueError, r"labels\[0\] = -1", lambda: w.class_counts([-1], 2)),
    "negative-counts": (ValueError, "counts.*-1", lambda: w.balanced([1, -1])),
    "nan-counts": (ValueError, "counts.*nan", lambda: w.balanced([1, np.nan])),
    "table": (ValueError, r"counts.*\(2, 2\)", lambda: w.balanced(np.ones((2, 2)))),
    "number": (TypeError, "counts.*int", lambda: w.balanced(3)),
    "normalize": (ValueError, "normalize.*'mean'", lambda: w.balanced([1], normalize="mean")),
    "label": (ValueError, r"labels\[1\] = 2", lambda: w.sample_weights([0, 2], [1.0, 1.0])),
    "no-weights": (ValueError, r"class_weight.*\(0,\)", lambda: w.sample_weights([0], [])),
    "words": (TypeError, "class_weight.*str", lambda: w.sample_weights([0], ["a"])),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    kind, message, call = BAD[name]
    with pytest.raises(kind, match=message):
        call()
