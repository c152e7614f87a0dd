"""The numbers: those that Keras publishes, and those of its classes under random options."""

import itertools

import keras
import numpy as np
import pytest
from tools import masked, numpy, tensor

from weightedce import keras as ours

EYE = np.eye(3)
ROWS = np.array([[0.9, 0.05, 0.05], [0.5, 0.89, 0.6], [0.05, 0.01, 0.94]])
LOGITS = np.array([[8.0, 1.0, 1.0], [0.0, 9.0, 1.0], [2.0, 3.0, 5.0]])
SURE = np.array([[100.0, -100.0, -100.0], [-100.0, 100.0, -100.0], [-100.0, -100.0, 100.0]])
CORNERS, CORNER_LOGITS = [[1, 0], [1, 0]], [[1, 1], [1, 0]]
HUNDREDS = ([[1, 0, 1], [0, 1, 1]], [[100.0, -100.0, 100.0], [100.0, 100.0, -100.0]])
SAME = ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], SURE)
FOCAL = ([[1, 1, 0], [0, 1, 0]], [[1.5, -2.7, 2.9], [-3.8, 1.2, -4.5]])
B, C = ours.BinaryCrossentropy, ours.CategoricalCrossentropy
S, F = ours.SparseCategoricalCrossentropy, ours.BinaryFocalCrossentropy
CF = ours.CategoricalFocalCrossentropy
Z = {"from_logits": True}
SMOOTH = {"label_smoothing": 0.1}

# (loss, options, y_true, y_pred, sample_weight, value) of keras/src/losses/losses_test.py, 3.15.1
PUBLISHED = [
    (B, {}, EYE, EYE, None, 0.0),
    (B, Z, *SAME, None, 0.0),
    (B, {}, CORNERS, CORNER_LOGITS, None, 3.98559),
    (B, Z, *HUNDREDS, None, 33.33333),
    (B, {}, CORNERS, CORNER_LOGITS, 2.3, 9.16686),
    (B, Z, *HUNDREDS, 2.3, 76.66666),
    (B, {}, CORNERS, CORNER_LOGITS, [[1.2], [3.4]], 4.78271),
    (B, Z, *HUNDREDS, [4.0, 3.0], 100.0),
    (B, {**Z, "reduction": None}, *HUNDREDS, None, [0.0, 66.66666]),
    (B, {**Z, **SMOOTH}, [[1, 0, 1]], [[100.0, -100.0, -100.0]], None, (100 + 50 * 0.1) / 3),
    (C, {}, EYE, EYE, None, 0.0),
    (C, Z, EYE, SURE, None, 0.0),
    (C, {}, EYE, ROWS, None, 0.3239),
    (C, Z, EYE, LOGITS, None, 0.0573),
    (C, {}, EYE, ROWS, 2.3, 0.7449),
    (C, Z, EYE, LOGITS, 2.3, 0.1317),
    (C, {}, EYE, ROWS, [[1.2], [3.4], [5.6]], 1.0696),
    (C, Z, EYE, LOGITS, [[1.2], [3.4], [5.6]], 0.31829),
    (C, {**Z, "reduction": None}, EYE, LOGITS, None, [0.001822, 0.000459, 0.169846]),
    (C, {**Z, **SMOOTH}, [[1, 0, 0]], [[100.0, -100.0, -100.0]], None, 400 * 0.1 / 3),
    (S, {}, [[0], [1], [2]], EYE, None, 0.0),
    (S, {}, [0, 1, 2], ROWS, None, 0.3239),
    (S, Z, [0, 1, 2], LOGITS, None, 0.0573),
    (S, {}, [[0], [1], [2]], ROWS, 2.3, 0.7449),
    (S, Z, [[0], [1], [2]], LOGITS, [[1.2], [3.4], [5.6]], 0.31829),
    (S, {**Z, "reduction": None}, [[0], [1], [2]], LOGITS, None, [0.001822, 0.000459, 0.169846]),
    (S, {**Z, "ignore_class": -1, "reduction": None}, [[-1, 2]],
     [[[0.854, 0.698, 0.598], [0.088, 0.86, 0.018]]], None, [[0.0, 1.48012]]),
    (F, {"gamma": 2.0}, CORNERS, [[0.9, 0.8], [0.7, 0.2]], None, 0.268),
    (F, {"gamma": 2.0}, CORNERS, [[0.9, 0.8], [0.7, 0.2]], 1.23, 0.3296),
    (F, {"gamma": 2.0}, CORNERS, [[0.9, 0.8], [0.7, 0.2]], [[1.2], [3.4]], 0.34415),
    (F, {"gamma": 2.0, "reduction": None}, CORNERS, [[0.9, 0.8], [0.7, 0.2]], None,
     [0.515547, 0.020513]),
    (F, {**Z, "gamma": 3.0}, *FOCAL, None, 0.799),
    (F, {**Z, "gamma": 3.0}, *FOCAL, 3.21, 2.565),
    (F, {**Z, "gamma": 3.0}, *FOCAL, [[1.2], [3.4]], 0.95977),
    (CF, {}, EYE, EYE, None, 0.0),
    (CF, {}, EYE, ROWS, None, 0.02059),
    (CF, Z, EYE, LOGITS, None, 0.000345),
    (CF, {}, EYE, ROWS, 2.3, 0.047368),
    (CF, Z, EYE, LOGITS, [[1.2], [3.4], [5.6]], 0.001933),
    (CF, {**Z, "reduction": None}, EYE, LOGITS, None,
     [1.5096224e-09, 2.4136547e-11, 1.0360638e-03]),
    (CF, {**Z, "alpha": 0.25, "gamma": 2.0, **SMOOTH}, [[1, 0, 0]], [[4.9, -0.5, 2.05]], None,
     0.06685),
    (ours.CategoricalGeneralizedCrossEntropy, {}, [0, 1, 0, 1],
     [[0.7, 0.3], [0.2, 0.8], [0.6, 0.4], [0.4, 0.6]], None,
     2 - (0.7**0.5 + 0.8**0.5 + 2 * 0.6**0.5) / 2),
    (ours.CategoricalGeneralizedCrossEntropy, {"q": 0.8}, [0, 0], [[0.0, 1.0], [1.0, 0.0]], None,
     0.5 / 0.8),
    (ours.Dice, {}, np.tile([[1, 0, 1, 0], [0, 1, 0, 1]], (2, 1)),
     np.tile([[0, 1, 0, 1], [1, 0, 1, 1]], (2, 1)), None, 0.77777773),
    (ours.Dice, {"axis": (1, 2, 3), "reduction": None},
     np.tile([[[1.0], [1.0]], [[0.0], [0.0]]], (2, 1, 1, 1)),
     [[[[0.0], [1.0]], [[0.0], [1.0]]], [[[0.4], [0.0]], [[0.0], [0.9]]]], None, [0.5, 0.75757575]),
    (ours.Tversky, {"fp_weight": 0.8, "fn_weight": 0.2},  # of version 3.15.1: see check_behaviour
     np.tile([[1, 0, 1, 0], [0, 1, 0, 1]], (2, 1)),
     np.tile([[0, 1, 0, 1], [1, 0, 1, 1]], (2, 1)), None, 0.7916667),
    (ours.Tversky, {"fp_weight": 0.8, "fn_weight": 0.2, "axis": [1, 2, 3], "reduction": None},
     np.tile([[[1.0], [1.0]], [[0.0], [0.0]]], (2, 1, 1, 1)),
     [[[[0.0], [1.0]], [[0.0], [1.0]]], [[[0.4], [0.0]], [[0.0], [0.9]]]], None, [0.5, 0.7222222]),
]  # fmt: skip


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case[0].__name__)
def test_what_keras_publishes(case):
    loss, options, y_true, y_pred, weight, value = case
    weight = None if weight is None else np.asarray(weight)
    result = numpy(loss(**options)(np.asarray(y_true), np.asarray(y_pred), weight))
    assert result.shape == np.shape(value)
    np.testing.assert_allclose(result, value, rtol=1e-5, atol=5.1e-4)


RANDOM = np.random.default_rng(0)
P = RANDOM.uniform(0.02, 0.98, (6, 5)).astype("float32")
ONE_HOT = np.eye(5)[RANDOM.integers(0, 5, 6)]
YES_NO = RANDOM.integers(0, 2, (6, 5))
PEERS = [
    ("BinaryCrossentropy", {}, YES_NO),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, YES_NO),
    (
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5},
        YES_NO,
    ),
    ("CategoricalCrossentropy", {}, ONE_HOT),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, ONE_HOT),
    ("SparseCategoricalCrossentropy", {}, ONE_HOT.argmax(1)),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, ONE_HOT.argmax(1)),
    ("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.3, 0.4, 0.5]}, ONE_HOT),
    ("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.3, 0.4, 0.5], **SMOOTH}, ONE_HOT),
]
WEIGHTS = {
    "none": None,
    "number": 1.7,
    "vector": RANDOM.uniform(0, 2, 6).astype("float32"),
    "column": RANDOM.uniform(0, 2, (6, 1)).astype("float32"),
}
REDUCTIONS = ("sum_over_batch_size", "sum", "mean_with_sample_weight", None)


@pytest.mark.parametrize(("name", "options", "y_true"), PEERS)
@pytest.mark.parametrize("from_logits", [False, True])
def test_reductions_weights_and_masks_are_those_of_keras(name, options, y_true, from_logits):
    y_pred = np.log(P / (1 - P)) if from_logits else P
    mask = np.array([1, 1, 0, 1, 0, 1], bool)
    for reduction, (kind, weight), m in itertools.product(
        REDUCTIONS, WEIGHTS.items(), (None, mask)
    ):
        given = {**options, "from_logits": from_logits, "reduction": reduction}
        if kind == "number" and reduction == "mean_with_sample_weight":
            continue  # Keras divides a sum of N losses by one weight
        if (m is not None or "ignore_class" in options) and kind in ("number", "column"):
            continue  # Keras makes (6, 6) of a column, and fails on a number on PyTorch
        theirs = getattr(keras.losses, name)(**given)
        mine = getattr(ours, name)(**given)
        expected = numpy(theirs(y_true, tensor(y_pred) if m is None else masked(y_pred, m), weight))
        result = numpy(mine(y_true, tensor(y_pred) if m is None else masked(y_pred, m), weight))
        if kind == "column" and expected.ndim:
            expected = expected[:, 0] if expected.ndim == 2 else expected
        np.testing.assert_allclose(
            result, expected, rtol=3e-5, atol=1e-6, err_msg=f"{reduction} {kind} {m is not None}"
        )


def test_saturated_probabilities_cost_what_they_cost_in_keras():
    y_true, y_pred = np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]], "float32")
    result = numpy(B(reduction="none")(y_true, y_pred))
    np.testing.assert_allclose(result, [16.118095, 15.942385], rtol=1e-6)
    y_pred = np.array([[0.0, 1.0, 0.0]], "float32")
    np.testing.assert_allclose(numpy(C()([[1.0, 0.0, 0.0]], y_pred)), 16.118095, rtol=1e-6)


def test_focal_losses_of_logits_that_are_saturated_and_wrong():
    """Keras clips the probabilities of its focal losses; its binary one on TensorFlow does not."""
    options = {"gamma": 2.0, "from_logits": True}
    y, z = np.array([[1.0, 0.0]]), np.array([[-100.0, 0.0]], "float32")
    np.testing.assert_allclose(numpy(CF(alpha=1.0, **options)(y, z)), 100.0, rtol=1e-6)
    np.testing.assert_allclose(numpy(F(**options)(y[:, :1], z[:, :1])), 100.0, rtol=1e-6)
    theirs = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, **options)(y, tensor(z))
    np.testing.assert_allclose(numpy(theirs), 16.118, rtol=1e-4)
    theirs = keras.losses.BinaryFocalCrossentropy(**options)(y[:, :1], tensor(z[:, :1]))
    clipped = 100.0 if keras.backend.backend() == "tensorflow" else 16.118
    np.testing.assert_allclose(numpy(theirs), clipped, rtol=1e-4)


@pytest.mark.parametrize("shapes", [((6,), (6, 1)), ((6, 1), (6,)), ((6, 1), (6, 1))])
def test_a_last_axis_of_one_comes_and_goes(shapes):
    y_true, y_pred = (x[:, 0].reshape(s) for x, s in zip((YES_NO, P), shapes, strict=True))
    expected = numpy(keras.losses.BinaryCrossentropy()(y_true, y_pred))
    np.testing.assert_allclose(numpy(B()(y_true, y_pred)), expected, rtol=1e-5)


def test_time_steps():
    labels = np.array([[0, 1, 2], [2, 1, 0]])
    p = RANDOM.dirichlet(np.ones(3), (2, 3)).astype("float32")
    weight = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    for reduction in ("sum", "mean", "mean_with_sample_weight"):
        mine, theirs = (
            module.SparseCategoricalCrossentropy(reduction=reduction)(labels, p, weight)
            for module in (ours, keras.losses)
        )
        np.testing.assert_allclose(numpy(mine), numpy(theirs), rtol=1e-5)
    mask = np.array([[True, True, False], [False, True, True]])
    mine, theirs = (
        module.SparseCategoricalCrossentropy()(labels, masked(p, mask), weight)
        for module in (ours, keras.losses)
    )
    np.testing.assert_allclose(numpy(mine), numpy(theirs), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "mixed_bfloat16"])
def test_the_dtype_is_the_one_asked_for(dtype):
    loss = C(dtype=dtype)(EYE, tensor(ROWS))
    expected = {"mixed_bfloat16": "bfloat16"}.get(dtype, dtype)
    assert keras.backend.standardize_dtype(loss.dtype) == expected
    np.testing.assert_allclose(numpy(keras.ops.cast(loss, "float32")), 0.3239, rtol=1e-2)
