"""Class counts, weights by class, by label and by example."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

import weightedce as w
from libraries import LIBRARIES, modes_of

LABELS = np.array([[0, 2, 0], [0, 3, 2]])
COUNTS = st.lists(st.integers(0, 1000) | st.integers(0, 10**9), min_size=1, max_size=6)
# The textbook: a weight from n_k, n and K.
ESTIMATORS = {
    "balanced": (w.balanced, lambda n, total, k: total / (k * n)),
    "inverse_frequency": (w.inverse_frequency, lambda n, total, k: 1 / n),
    "square_root": (
        lambda counts, **options: w.inverse_frequency(counts, power=0.5, **options),
        lambda n, total, k: 1 / mpmath.sqrt(n),
    ),
    "effective_number": (
        w.effective_number,
        lambda n, total, k: (1 - mpmath.mpf(0.999)) / (1 - mpmath.mpf(0.999) ** n),
    ),
    "effective_number_near_1": (
        lambda counts, **options: w.effective_number(counts, beta=1 - 2.0**-40, **options),
        lambda n, total, k: mpmath.mpf(2) ** -40 / (1 - (1 - mpmath.mpf(2) ** -40) ** n),
    ),
    "log_damped": (
        w.log_damped,
        lambda n, total, k: 1 / mpmath.log(mpmath.mpf(1.02) + n / total),
    ),
}


@pytest.fixture(params=list(ESTIMATORS))
def estimator(request):
    return ESTIMATORS[request.param]


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


@given(labels=st.lists(st.integers(0, 3), min_size=1, max_size=50), data=st.data())
def test_balanced_is_exactly_scikit_learns(labels, data):
    present = np.unique(labels)
    expected = compute_class_weight("balanced", classes=present, y=labels)
    weights = w.balanced(w.class_counts(labels, 4))
    assert [weights[k] for k in present] == expected.tolist()
    assert all(weights[k] == 0 for k in range(4) if k not in present)
    assert w.sample_weights(labels, weights) == compute_sample_weight("balanced", labels).tolist()
    given = {k: data.draw(st.floats(0, 100)) for k in range(4)}
    assert w.sample_weights(labels, list(given.values())) == [given[y] for y in labels]
    assert w.sample_weights(labels, list(given.values())) == (
        compute_sample_weight({k: given[k] for k in present}, labels).tolist()
    )
    # weights from a part of the data, in which classes may be absent
    part = data.draw(st.lists(st.integers(0, len(labels) - 1), min_size=1))
    weights = w.balanced(w.class_counts([labels[i] for i in part], 4))
    expected = compute_sample_weight("balanced", labels, indices=part)
    assert w.sample_weights(labels, weights) == expected.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_balanced_is_exactly_scikit_learns_on_larger_data(seed):
    """Where one rounding more would show."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(7), rng.integers(1, 1000, 7))
    expected = compute_class_weight("balanced", classes=np.arange(7), y=labels)
    np.testing.assert_array_equal(w.balanced(w.class_counts(labels, 7)), expected)


@given(counts=COUNTS)
@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("normalize", [None, "samples", "classes"])
def test_estimators_are_the_textbooks(name, normalize, counts):
    function, definition = ESTIMATORS[name]
    with mpmath.workdps(40):
        total = mpmath.mpf(sum(counts))
        expected = [definition(mpmath.mpf(n), total, len(counts)) if n else 0 for n in counts]
        if normalize and total:
            scale = sum(counts) if normalize == "samples" else len(counts)
            by = counts if normalize == "samples" else [1] * len(counts)
            scale /= sum(a * b for a, b in zip(by, expected, strict=True))
            expected = [scale * weight for weight in expected]
        expected = [float(weight) for weight in expected]
    weights = function(counts, normalize=normalize)
    assert isinstance(weights, list)
    np.testing.assert_allclose(weights, expected, rtol=4e-15)
    assert all((weight > 0) == (n > 0) for weight, n in zip(weights, counts, strict=True))


def test_limits_of_the_estimators():
    counts = [5, 0, 20, 1]
    assert w.inverse_frequency(counts, power=0, normalize=None) == [1, 0, 1, 1]
    assert w.effective_number(counts, beta=0, normalize=None) == [1, 0, 1, 1]
    assert w.effective_number(counts, beta=1, normalize=None) == [1 / 5, 0, 1 / 20, 1]
    near = w.effective_number(counts, beta=1 - 1e-15, normalize=None)
    np.testing.assert_allclose(near, [1 / 5, 0, 1 / 20, 1], rtol=1e-13)
    np.testing.assert_allclose(w.inverse_frequency(counts), w.balanced(counts), rtol=1e-15)
    np.testing.assert_allclose(w.log_damped([1, 10**9], normalize=None)[0], 1 / np.log(1.02))


def test_estimators_on_every_library(library, estimator):
    function, _ = estimator
    weights = function(w.class_counts(library.array(LABELS), 4))
    assert w.namespace_of(weights) is w.namespace_of(library.array(LABELS))
    np.testing.assert_allclose(np.asarray(weights), function([3, 0, 2, 1]), rtol=1e-6)
    exact = function(library.array(np.array([3.0, 0.0, 2.0, 1.0])))
    np.testing.assert_allclose(np.asarray(exact), function([3, 0, 2, 1]), rtol=1e-15)
    nothing = function(library.array(np.zeros(3)))
    np.testing.assert_array_equal(np.asarray(nothing), [0, 0, 0])


def test_balanced_on_every_library_is_exact(library):
    exact = w.balanced(library.array(np.array([3.0, 0.0, 2.0, 1.0])))
    np.testing.assert_array_equal(np.asarray(exact), w.balanced([3, 0, 2, 1]))
    per = w.sample_weights(library.array(LABELS), exact)
    np.testing.assert_array_equal(np.asarray(per), np.asarray(exact)[LABELS])
    listed = w.sample_weights(library.array(LABELS), w.balanced([3, 0, 2, 1]))
    np.testing.assert_allclose(np.asarray(listed), np.asarray(exact)[LABELS], rtol=1e-6)


def test_inside_a_compiled_step_with_a_class_absent(differentiable):
    """Question 5: weights from each batch, of every estimator: one program with a loss of all."""
    functions = [function for function, _ in ESTIMATORS.values()]

    def step(z, labels):
        counts = w.class_counts(labels, 4)
        weights = [function(counts) for function in functions]
        each = w.sample_weights(labels, weights[0])
        return w.cross_entropy(z, labels, class_weight=sum(weights), sample_weight=each)

    z = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    labels = LABELS.ravel()
    weights = [np.array(function([3, 0, 2, 1])) for function in functions]
    more = {"class_weight": sum(weights), "sample_weight": weights[0][labels]}
    expected = w.cross_entropy(z, labels, **more)
    # eager, the functions are held to NumPy above
    for mode in modes_of(differentiable, compiled=True):
        run = differentiable.prepare(mode, step, (0, 1))
        value, gradient = map(differentiable.numpy, run(*map(differentiable.array, (z, labels))))
        np.testing.assert_allclose(value, expected, rtol=1e-6)
        assert np.isfinite(gradient).all()
        assert np.any(gradient != 0)


@pytest.mark.parametrize("counts", [[3.0, 0.0, 2.0, 1.0], [0.0, 0.0]], ids=str)
def test_gradients_to_the_counts(differentiable, estimator, counts):
    """Against differences; an absent class gives none, and no NaN."""
    function, _ = estimator
    counts = np.array(counts)

    def loss(counts):
        return function(counts, normalize=None) ** 2

    steps = 1e-6 * np.eye(len(counts))[counts > 0]
    slopes = [(loss(counts + h) - loss(counts - h)).sum() / 2e-6 for h in steps]
    gradient = differentiable.evaluate("eager", loss, counts, [], order=1)
    np.testing.assert_allclose(gradient[counts > 0], slopes, rtol=1e-5, atol=1e-8)
    assert np.isfinite(gradient).all()


def test_effective_numbers_of_long_tailed_cifar10():
    """The counts of CIFAR-10-LT at imbalance 100, beta .9999: (1 - beta) / (1 - beta^n)."""
    counts = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    weights = w.effective_number(counts, beta=0.9999, normalize=None)
    assert 1 / weights[0] == pytest.approx(3934.845, rel=1e-6)  # of 5000
    assert 1 / weights[-1] == pytest.approx(49.8777, rel=1e-6)  # of 50
    scaled = w.effective_number(counts, beta=0.9999, normalize="classes")
    assert sum(scaled) == pytest.approx(10, rel=1e-14)
    assert scaled[-1] / scaled[0] == pytest.approx(78.8899, rel=1e-5)


def test_counts_in_half_precision_are_added_in_single():
    counts = np.array([30_000, 60_000], np.float16)  # 90,000 is none
    got = w.balanced(counts)
    assert got.dtype == np.float16
    np.testing.assert_allclose(got, w.balanced(counts.astype(float)), rtol=1e-3)


def test_sample_weights_are_scikit_learns(library):
    labels = np.array([0, 2, 1, 2, 2])
    for ours, theirs in (({0: 2.0}, {0: 2.0}), ({}, {}), ("batch", "balanced")):
        expected = compute_sample_weight(theirs, labels)
        got = w.sample_weights(library.array(labels), ours)
        np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-6)
        assert w.sample_weights(labels.tolist(), ours) == pytest.approx(expected.tolist())
    small = library.array(labels.astype("int8"))
    many = dict.fromkeys(range(300), 2.0)  # more classes than such labels
    np.testing.assert_array_equal(np.asarray(w.sample_weights(small, many)), 2.0)
    with pytest.raises(ValueError, match=r"labels.*-1"):
        w.sample_weights(library.array(labels - 1), {0: 2.0})
    for bad, message in ((2.0, r"expected shape \(K,\), got shape \(\)"), ("balanced", "'batch'")):
        with pytest.raises(ValueError, match=rf"class_weight: .*{message}"):
            w.sample_weights(library.array(labels), bad)
    assert w.sample_weights([0, 1], [[0.5, 4.0]]) == [0.5, 4.0]
