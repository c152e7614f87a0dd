"""Losses on soft counts: recall and specificity, Tversky, F-beta, Dice."""

import mpmath as mp
import numpy as np
import pytest

import weightedce as w
from weightedce.validation import truth

RANDOM = np.random.default_rng(0)
Z = RANDOM.normal(size=(6, 3)) * 3
Y = RANDOM.integers(0, 2, (6, 3))
S = RANDOM.uniform(0.5, 2, 6)
LOSSES = {
    "recall": (w.recall_specificity_loss, {"recall_weight": 3.0, "specificity_weight": 1.0}),
    "missed": (w.recall_specificity_loss, {"recall_weight": 1, "specificity_weight": 0}),
    "tversky": (w.tversky_loss, {"fp_weight": 0.25, "fn_weight": 0.75}),
    "f2": (w.f_beta_loss, {"beta": 2.0}),
    "dice": (w.dice_loss, {}),
}


def definition(name, tp, fn, fp, tn):
    """Return the textbook formula, from counts."""
    if name == "recall":
        return 1 - (mp.mpf(3) / 4 * tp / (tp + fn) + mp.mpf(1) / 4 * tn / (tn + fp))
    if name == "missed":
        return 1 - tp / (tp + fn)
    if name == "tversky":
        return 1 - tp / (tp + fp / 4 + 3 * fn / 4)
    if name == "f2":
        return 1 - 5 * tp / (5 * tp + 4 * fn + fp)
    return 1 - 2 * tp / (2 * tp + fp + fn)


def exact(name, z, y, s):
    """Return value and gradient of one label's loss in mpmath."""

    def loss(logits):
        p = [1 / (1 + mp.exp(-mp.mpf(x))) for x in logits]
        tp = mp.fsum(a * b * c for a, b, c in zip(s, y, p, strict=True))
        fn = mp.fsum(a * b * (1 - c) for a, b, c in zip(s, y, p, strict=True))
        fp = mp.fsum(a * (1 - b) * c for a, b, c in zip(s, y, p, strict=True))
        tn = mp.fsum(a * (1 - b) * (1 - c) for a, b, c in zip(s, y, p, strict=True))
        return definition(name, tp, fn, fp, tn)

    with mp.workdps(200):
        h = truth.STEP
        z = [mp.mpf(x) for x in z]
        slopes = [
            (loss([x + h * (i == j) for i, x in enumerate(z)]) -
             loss([x - h * (i == j) for i, x in enumerate(z)])) / (2 * h)
            for j in range(len(z))
        ]  # fmt: skip
        return float(loss(z)), [float(x) for x in slopes]


@pytest.mark.parametrize("name", LOSSES)
def test_values_on_every_library(library, name):
    loss, options = LOSSES[name]
    z, y, s = map(library.array, (Z, Y, S))
    per = loss(z, y, sample_weight=s, axis=-1, reduction="none", **options)
    expected = [exact(name, Z[:, j], Y[:, j].tolist(), S)[0] for j in range(3)]
    np.testing.assert_allclose(np.asarray(per), expected, rtol=1e-14)
    mean = loss(z, y, sample_weight=s, axis=1, **options)
    np.testing.assert_allclose(float(mean), np.mean(expected), rtol=1e-14)
    pooled = loss(z, y, sample_weight=s, **options)
    one = exact(name, Z.ravel(), Y.ravel().tolist(), np.repeat(S, 3))[0]
    np.testing.assert_allclose(float(pooled), one, rtol=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients(differentiable, name):
    """Of each label's own loss; compiled code is held to the same truth in test_truth."""
    loss, options = LOSSES[name]

    def total(z, y, s):
        return loss(z, y, sample_weight=s, axis=-1, reduction="sum", **options)

    got = differentiable.evaluate("eager", total, Z, [Y, S], order=1)
    expected = np.stack([exact(name, Z[:, j], Y[:, j].tolist(), S)[1] for j in range(3)], axis=1)
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-17)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(8,), (4, 2), (2, 3, 4), (2, 3, 4, 2), ()])
def test_shapes_and_masks(library, name, shape):
    loss, options = LOSSES[name]
    z = np.random.default_rng(1).normal(size=shape)
    y = np.random.default_rng(2).integers(0, 2, shape)
    keep = np.random.default_rng(3).integers(0, 4, shape) > 0
    hidden = np.where(keep, z, np.nan)
    got = loss(library.array(hidden), library.array(y), mask=library.array(keep), **options)
    expected = loss(z[keep], y[keep], **options)
    np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-14)
    if shape:
        per = loss(library.array(z), library.array(y), axis=-1, reduction="none", **options)
        assert np.asarray(per).shape == shape[-1:]


@pytest.mark.parametrize("name", LOSSES)
def test_counts_add_up_over_parts(library, name):
    loss, options = LOSSES[name]
    method = "recall_specificity_loss" if loss is w.recall_specificity_loss else "tversky_loss"
    weights = {"f2": {"fp_weight": 0.2, "fn_weight": 0.8}}.get(name, options)
    parts = [
        w.soft_confusion(library.array(Z[i]), library.array(Y[i]), axis=-1)
        for i in (slice(0, 1), slice(1, 4), slice(4, 6))
    ]
    total = sum(parts)
    assert isinstance(total, w.SoftConfusion)
    whole = loss(library.array(Z), library.array(Y), axis=-1, reduction="none", **options)
    np.testing.assert_allclose(
        np.asarray(getattr(total, method)(**weights)), np.asarray(whole), rtol=1e-14
    )


@pytest.mark.parametrize("target", [0, 1])
def test_an_absent_class_gives_neither_loss_nor_gradient(differentiable, target):
    y = np.full(6, target)
    present = {"recall_weight": float(target), "specificity_weight": 1.0 - target}

    def loss(z, y):
        return w.recall_specificity_loss(z, y)

    got = differentiable.evaluate("eager", loss, Z[:, 0], [y])
    half = w.recall_specificity_loss(Z[:, 0], y, **present) / 2
    np.testing.assert_allclose(got, half, rtol=1e-14)
    absent = {"recall_weight": 1.0 - target, "specificity_weight": float(target)}

    def nothing(z, y):
        return w.recall_specificity_loss(z, y, **absent)

    assert differentiable.evaluate("eager", nothing, Z[:, 0], [y]) == 0
    gradient = differentiable.evaluate("eager", nothing, Z[:, 0], [y], order=1)
    np.testing.assert_array_equal(gradient, np.zeros(6))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("how", ["empty", "masked"])
def test_nothing_left_is_zero(differentiable, name, how):
    loss, options = LOSSES[name]
    z, y = (Z[:0], Y[:0]) if how == "empty" else (np.full_like(Z, np.nan), Y)
    more = {} if how == "empty" else {"mask": [False] * 6}

    def call(z, y):
        return loss(z, y, **options, **more)

    assert differentiable.evaluate("eager", call, z, [y]) == 0
    gradient = differentiable.evaluate("eager", call, z, [y], order=1)
    np.testing.assert_array_equal(gradient, np.zeros_like(z))


def test_saturated_logits_keep_their_digits(differentiable):
    z, y = np.array([50.0, -50.0, np.inf, -np.inf]), np.array([1, 0, 1, 0])

    def loss(z, y):
        return w.recall_specificity_loss(z, y)

    value = differentiable.evaluate("eager", loss, z, [y])
    assert value == pytest.approx(np.exp(-50) / 2, rel=1e-14)
    gradient = differentiable.evaluate("eager", loss, z, [y], order=1)
    np.testing.assert_allclose(gradient, np.array([-1, 1, 0, 0]) * np.exp(-50) / 4, rtol=1e-14)


def test_dice_is_tversky_and_f1():
    dice = w.dice_loss(Z, Y)
    assert w.tversky_loss(Z, Y, fp_weight=0.5, fn_weight=0.5) == dice
    assert w.f_beta_loss(Z, Y, beta=1.0) == dice
    jaccard = w.tversky_loss(Z, Y, fp_weight=1, fn_weight=1)
    assert 1 - jaccard == pytest.approx((1 - dice) / (1 + dice), rel=1e-14)


def test_bad_weights_are_named():
    with pytest.raises(ValueError, match="recall_weight"):
        w.recall_specificity_loss(Z, Y, recall_weight=0, specificity_weight=0)
    with pytest.raises(ValueError, match=r"fp_weight.*-1"):
        w.tversky_loss(Z, Y, fp_weight=-1)
    with pytest.raises(ValueError, match=r"reduction.*mean, sum, none.*'total'"):
        w.dice_loss(Z, Y, reduction="total")
    with pytest.raises(ValueError, match=r"beta.*-1"):
        w.f_beta_loss(Z, Y, beta=-1)
