"""Laws that tie the losses together, on drawn batches, and the drawn batches against the oracle."""

from functools import cache

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import weightedce as w
from libraries import DIFFERENTIABLE, LIBRARIES, LONG
from test_truth import CORE, LOSSES, assert_close
from weightedce.validation import oracle, strategies, ulp

DTYPES = st.sampled_from(["float64", "float32"])


def loss_of(case, **options):
    function = getattr(w, case.loss)

    def loss(z, y, sample_weight=None, mask=None):
        given = case.options | options
        return function(z, y, sample_weight=sample_weight, mask=mask, **given)

    return loss


def arrays_of(case):
    y = case.targets if case.targets.dtype.kind == "i" else case.targets.astype(case.dtype)
    return case.logits.astype(case.dtype), [y, case.sample_weight.astype(case.dtype), case.mask]


# The other losses take the same factors from the same batch, so fewer batches will do.
FEWER = settings(max_examples=max(6, settings().max_examples // 8))


@pytest.mark.parametrize("name", CORE)
@settings(max_examples=settings().max_examples // 2)
@given(data=st.data(), dtype=DTYPES)
def test_drawn_batches_are_within_tolerance(name, data, dtype):
    hold_to_the_oracle(data.draw(strategies.cases(name)).rounded(dtype))


@pytest.mark.parametrize("name", sorted(set(LOSSES) - set(CORE)))
@FEWER
@given(data=st.data(), dtype=DTYPES)
def test_drawn_batches_of_the_family_are_within_tolerance(name, data, dtype):
    hold_to_the_oracle(data.draw(strategies.cases(name)).rounded(dtype))


def hold_to_the_oracle(case):
    """Compare value and gradient, eager, in each library whose path the batch may decide.

    NumPy and torch look at it in every loss, TensorFlow at distributions. JAX looks at nothing,
    and would compile every operation for every shape that is drawn: it is among the compiled.
    """
    z, arrays = arrays_of(case)
    loss = loss_of(case, reduction="none")
    limits = case.tolerance(ulp.PER_ELEMENT)
    graphs = not LONG and z.shape[-1:] != (3,)  # TensorFlow's eager code makes one for each K
    left = ("jax", "tensorflow") if graphs else ("jax",)
    taken = [library for library in LIBRARIES.values() if library.name not in left]
    for library in taken:
        got = library.evaluate(library.modes[0], loss, z, arrays)
        assert got.shape == case.logits.shape[: got.ndim]
        if got.size:
            assert_close(got, case.value(), limits, case.dtype, library.name)
    limits = case.tolerance(ulp.PER_ELEMENT, per_logit=True)
    for library in taken:
        if not library.differentiable:
            continue
        got = library.evaluate("eager", loss, z, arrays, order=1)
        assert got.shape == z.shape
        if got.size:
            assert_close(got, case.gradient(), limits, case.dtype, library.name)


POSITIVE = {"pos_weight": [2.5, 10.0, 0.0], "neg_weight": 0.25}
CLASSES = {"class_weight": [2.5, 10.0, 0.0]}
FIXED = {"label_smoothing": 0.1, "smoothing_weight": "class"}


@cache
def fixed(name):
    """Return a loss with fixed options, one object a loss, so that it is compiled once."""
    table = oracle.BINARY if name in oracle.BINARY else oracle.MULTICLASS
    weights = POSITIVE if name in oracle.BINARY else CLASSES
    options = table[name].variants[0] | weights | FIXED

    def loss(z, y, sample_weight, mask):
        function = getattr(w, name)
        return function(z, y, sample_weight=sample_weight, mask=mask, reduction="none", **options)

    return loss, options


COMPILED = [
    pytest.param(library, mode, loss, id=f"{library.name}-{mode}-{loss}")
    for library in DIFFERENTIABLE.values()
    for mode in library.modes[1:]
    for loss in (LOSSES if LONG else CORE)
    if mode != "compile" or (LONG and loss in CORE)  # Inductor: half a minute
]


@pytest.mark.parametrize(("library", "mode", "name"), COMPILED)
@FEWER
@given(data=st.data())
def test_drawn_batches_compiled(library, mode, name, data):
    """One compilation serves all batches of a shape: data must not leak into the graph."""
    case = data.draw(strategies.cases(name, shape=(3, 3)))
    loss, options = fixed(name)
    case.options.clear()
    case.options.update(options)
    case = case.rounded("float64")
    z, arrays = arrays_of(case)
    with library.scope("float64"):
        given = [library.array(x) for x in (z, *arrays)]
        value, gradient = library.prepared(mode, loss, (0, 1), len(given))(*given)
    limits = case.tolerance(ulp.PER_ELEMENT)
    assert_close(library.numpy(value), case.value(), limits, "float64", "value")
    limits = case.tolerance(ulp.PER_ELEMENT, per_logit=True)
    assert_close(library.numpy(gradient), case.gradient(), limits, "float64", "gradient")


finite = st.floats(-50, 50)


def batch(data, n=5, k=3):
    z = np.array(data.draw(st.lists(finite, min_size=n * k, max_size=n * k))).reshape(n, k)
    labels = np.array(data.draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n)))
    return z, labels


OPTIONS = st.fixed_dictionaries(
    {
        "class_weight": st.sampled_from([None, 2.0, [1.0, 2.5, 10.0], [0.0, 1.0, 1e6]]),
        "label_smoothing": strategies.smoothings,
        "smoothing_weight": strategies.policies,
        "reduction": st.sampled_from(["none", "sum", "mean", "weighted_mean"]),
    }
)


@given(data=st.data(), options=OPTIONS)
def test_labels_and_their_one_hot_form_are_one(data, options):
    z, labels = batch(data)
    one_hot = np.eye(3, dtype=bool)[labels]
    expected = w.cross_entropy(z, labels, **options)
    for dtype in (bool, int, float):
        got = w.cross_entropy(z, one_hot.astype(dtype), **options)
        # labels have a block of their own, which rounds in other places
        np.testing.assert_allclose(got, expected, rtol=1e-15)


@given(data=st.data(), options=OPTIONS)
def test_classes_in_another_order_weigh_the_same(data, options):
    z, labels = batch(data)
    order = np.array([2, 0, 1])
    weight = options.pop("class_weight")
    moved = np.asarray(weight)[order].tolist() if isinstance(weight, list) else weight
    got = w.cross_entropy(z[:, order], np.argsort(order)[labels], class_weight=moved, **options)
    expected = w.cross_entropy(z, labels, class_weight=weight, **options)
    np.testing.assert_allclose(got, expected, rtol=1e-14)


@given(data=st.data(), pos=st.floats(0, 100), neg=st.floats(0, 100), e=strategies.smoothings)
def test_swapping_classes_swaps_weights(data, pos, neg, e):
    z, labels = batch(data)
    y = (labels > 0)[:, None] * np.ones((1, 3))
    got = w.binary_cross_entropy(z, y, pos_weight=pos, neg_weight=neg, label_smoothing=e)
    swapped = w.binary_cross_entropy(-z, 1 - y, pos_weight=neg, neg_weight=pos, label_smoothing=e)
    np.testing.assert_allclose(got, swapped, rtol=1e-14)


@given(data=st.data(), e=strategies.smoothings, policy=strategies.policies)
def test_weight_one_is_no_weight(data, e, policy):
    z, labels = batch(data)
    smooth = {"label_smoothing": e, "smoothing_weight": policy, "reduction": "none"}
    plain = w.cross_entropy(z, labels, **smooth)
    ones = w.cross_entropy(z, labels, class_weight=[1.0] * 3, sample_weight=np.ones(5), **smooth)
    np.testing.assert_array_equal(plain, ones)
    y = (z > 0).astype(float)
    plain = w.binary_cross_entropy(z, y, **smooth)
    ones = w.binary_cross_entropy(z, y, pos_weight=1, neg_weight=[1, 1, 1], mask=y >= 0, **smooth)
    np.testing.assert_array_equal(plain, ones)


@given(data=st.data(), k=st.integers(1, 5), policy=strategies.policies)
def test_pos_weight_repeats_the_positives(data, k, policy):
    z, _labels = batch(data, k=1)
    y = np.array(data.draw(st.lists(st.booleans(), min_size=5, max_size=5)))[:, None]
    repeats = np.where(y[:, 0], k, 1)
    options = {"label_smoothing": 0.2, "smoothing_weight": "target", "reduction": "weighted_mean"}
    got = w.binary_cross_entropy(z, y, pos_weight=float(k), **options)
    repeated = w.binary_cross_entropy(
        z.repeat(repeats, axis=0), y.repeat(repeats, axis=0), **options
    )
    np.testing.assert_allclose(got, repeated, rtol=1e-13)


@given(data=st.data(), options=OPTIONS, cut=st.integers(0, 5))
def test_totals_of_parts_are_the_total_of_the_whole(data, options, cut):
    z, labels = batch(data)
    options["reduction"] = "total"
    mask, sample = np.arange(5) != 2, np.arange(5.0)
    whole = w.cross_entropy(z, labels, mask=mask, sample_weight=sample, **options)
    parts = [
        w.cross_entropy(z[i], labels[i], mask=mask[i], sample_weight=sample[i], **options)
        for i in (slice(0, cut), slice(cut, 5))
    ]
    assert isinstance(sum(parts), w.LossTotal)
    np.testing.assert_allclose(sum(parts), whole, rtol=1e-13)
    for reduction in ("mean", "weighted_mean"):
        options["reduction"] = reduction
        direct = w.cross_entropy(z, labels, mask=mask, sample_weight=sample, **options)
        np.testing.assert_allclose(getattr(sum(parts), reduction)(), direct, rtol=1e-13)


@given(data=st.data(), weights=st.tuples(st.floats(0, 100), st.floats(0, 100)))
def test_two_classes_are_the_sigmoid_of_the_difference(data, weights):
    z, labels = batch(data, k=2)
    smooth = {"label_smoothing": 0.3, "reduction": "none"}
    softmax = w.cross_entropy(z, labels, class_weight=list(weights), **smooth)
    neg, pos = weights
    sigmoid = w.binary_cross_entropy(
        z[:, 1] - z[:, 0], labels, pos_weight=pos, neg_weight=neg, **smooth
    )
    np.testing.assert_allclose(softmax, sigmoid, rtol=1e-13)


@given(data=st.data(), options=OPTIONS)
def test_a_sample_weight_scales_one_loss(data, options):
    z, labels = batch(data)
    options["reduction"] = "none"
    scale = np.array([0.0, 1.0, 2.0, 0.25, 7.0])
    plain = w.cross_entropy(z, labels, **options)
    got = w.cross_entropy(z, labels, sample_weight=scale, **options)
    np.testing.assert_allclose(got, scale * plain, rtol=1e-13)
