"""Median frequency weights; weights that begin at a step; those of a batch of decisions."""

import numpy as np
import pytest

import weightedce as w
from libraries import DIFFERENTIABLE, LIBRARIES

# JAX compiles below: one operation at a time takes it seconds
libraries = pytest.mark.parametrize("name", [name for name in LIBRARIES if name != "jax"])

# What countEachLabel says of MathWorks' building example and of CamVid, and their weights.
BUILDING = (
    [3.1485e5, 1.5979e5, 1.0312e6, 25313],
    [1.536e6, 1.536e6, 1.536e6, 9.216e5],
    [0.7538, 1.4852, 0.2301, 5.6252],
)
CAMVID = (
    [7.6801e7, 1.1737e8, 4.7987e6, 1.4054e8, 3.3614e7, 5.4259e7, 5.2242e6, 6.9211e6, 2.4437e7,
     3.4029e6, 2.5912e6],
    [4.8315e8, 4.8315e8, 4.8315e8, 4.8453e8, 4.7209e8, 4.479e8, 4.6863e8, 2.516e8, 4.8315e8,
     4.4444e8, 2.6196e8],
    [0.3182, 0.2082, 5.0924, 0.1744, 0.7103, 0.4175, 4.5371, 1.8386, 1.0, 6.6059, 5.1133],
)  # fmt: skip


@libraries
@pytest.mark.parametrize("table", [BUILDING, CAMVID], ids=["building", "camvid"])
def test_median_frequency_is_as_published(name, table):
    library = LIBRARIES[name]
    pixels, images, published = table
    np.testing.assert_allclose(w.median_frequency(pixels, images), published, atol=6e-5)
    got = w.median_frequency(library.array(np.array(pixels)), images)
    assert w.namespace_of(got) is w.namespace_of(library.array(np.zeros(1)))
    np.testing.assert_allclose(np.asarray(got), published, atol=6e-5)


def test_median_frequency_of_what_is_absent():
    assert w.median_frequency([5, 0, 1], [1, 0, 1]) == [0.6, 0.0, 3.0]
    assert w.median_frequency([0, 0], [0, 0]) == [0.0, 0.0]
    assert w.median_frequency([4, 2], {0: 2, 1: 2}, normalize="classes") == pytest.approx(
        [2 / 3, 4 / 3]
    )
    with pytest.raises(ValueError, match="images: expected above 0"):
        w.median_frequency([5, 1], [1, 0])
    with pytest.raises(ValueError, match=r"images: expected shape \(2,\)"):
        w.median_frequency([5, 1], [1, 1, 1])
    with pytest.raises(ValueError, match=r"images\[1\] = -1"):
        w.median_frequency([5, 1], [1, -1])


def compiled(name, f):
    if name == "jax":
        import jax

        return jax.jit(f)
    if name == "tensorflow":
        import tensorflow as tf

        return tf.function(f)
    return f


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_they_work_inside_a_compiled_step(name):
    library = DIFFERENTIABLE[name]
    counts, images = (library.array(np.array(x)) for x in ([600.0, 0, 20, 300], [10.0, 0, 2, 10]))
    median = compiled(name, w.median_frequency)(counts, images)
    np.testing.assert_allclose(np.asarray(median), [0.5, 0, 3, 1], rtol=1e-6)
    weight = library.array(np.array([0.5, 4.0]))
    switch = compiled(name, lambda step, weight: w.deferred(weight, step, start=160))
    ramp = compiled(name, lambda step: w.deferred([0.5, 4.0], step, start=160, over=20))
    for step in (0, 159, 160, 165, 500):
        here = library.array(np.array(step))
        for got, over in ((switch(here, weight), 0), (ramp(here), 20)):
            expected = w.deferred([0.5, 4.0], step, start=160, over=over)
            np.testing.assert_array_equal(np.asarray(got), expected)


def test_deferred_weights_are_one_before_and_themselves_after():
    weight = w.effective_number([5000, 50], beta=0.9999, normalize="classes")
    assert w.deferred(weight, 159, start=160) == [1.0, 1.0]
    assert w.deferred(weight, 160, start=160) == weight
    assert w.deferred([0.5, 4.0], 165, start=160, over=20) == [0.875, 1.75]
    np.testing.assert_array_equal(w.deferred(np.array([1, 4]), np.array(7), start=0), [1.0, 4.0])
    assert w.deferred(np.float32([1, 4]), 7, start=0).dtype == "float32"
    for wrong, kind, message in (
        (lambda: w.deferred([1, -1], 0, start=1), ValueError, r"class_weight\[1\] = -1"),
        (lambda: w.deferred({0: 2.0}, 0, start=1), TypeError, "class_weight: expected one number"),
        (lambda: w.deferred([1, 2], 0, start=-1), ValueError, "start: .*-1"),
        (lambda: w.deferred([1, 2], 0, start=1, over=-1), ValueError, "over: .*-1"),
        (lambda: w.deferred([1, 2], [0, 1], start=1), TypeError, "step: expected a number"),
        (lambda: w.deferred(2.0, 0, start=1), (TypeError, ValueError), "class_weight"),
    ):
        with pytest.raises(kind, match=message):
            wrong()


@libraries
def test_the_weights_of_a_batch_of_decisions(name):
    library = LIBRARIES[name]
    z, y = np.array([0.3, -2.0, 1.0, 0.5, -1.0]), np.array([0, 0, 1, 0, 255])
    options = {"ignore_index": 255, "label_smoothing": 0.1}
    args = library.array(z), library.array(y), [[0, 1], [9, 0]]
    got = w.expected_cost(*args, class_weight="batch", **options)
    expected = w.expected_cost(*args, class_weight=w.balanced([3, 1]), **options)
    np.testing.assert_allclose(float(got), float(expected), rtol=1e-14)
