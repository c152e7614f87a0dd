"""Inputs on which other libraries are known to go wrong, named by what goes wrong there."""

import numpy as np
import pytest

import weightedce as w
from weightedce.boosting import Objective
from weightedce.validation import ulp
from weightedce.validation.cases import Case


def gradient(library, loss, z, *arrays, **options):
    return library.evaluate(
        library.modes[0], lambda z, *rest: loss(z, *rest, **options), z, list(arrays), order=1
    )


def test_a_zero_head_is_pushed_by_its_positives(differentiable):
    """tf.nn.weighted_cross_entropy_with_logits: 0 instead of -1 at logit 0, y = 1, weight 2."""
    z, y = np.zeros((4, 1)), np.array([[1], [1], [0], [0]])
    got = gradient(differentiable, w.binary_cross_entropy, z, y, pos_weight=2.0, reduction="sum")
    np.testing.assert_array_equal(got, [[-1], [-1], [0.5], [0.5]])


def test_small_losses_keep_their_digits(differentiable):
    """logsumexp(z) - z_y is 0 in float32 at logits (20, 0, 0)."""
    z, y = np.array([[20, 0, 0]], "float32"), np.array([0])
    value = differentiable.evaluate("eager", w.cross_entropy, z, [y])
    assert value == pytest.approx(4.122307244877116e-09, rel=1e-6)
    got = gradient(differentiable, w.cross_entropy, z, y)
    assert got[0] == pytest.approx([-4.122307e-09, 2.0611537e-09, 2.0611537e-09], rel=1e-6)


def test_large_logits_keep_their_digits():
    """F.softplus switches formula at 20."""
    got = w.binary_cross_entropy(np.array([21.0]), np.array([1.0]))
    assert got == pytest.approx(7.582560422162382e-10, rel=1e-15)


@pytest.mark.parametrize("z", [-120.0, -500.0, 500.0])
def test_saturated_wrong_answers_still_learn(differentiable, z):
    """Keras clips probabilities at 1e-7, where the gradient ends."""
    y = np.array([1.0 if z < 0 else 0.0])
    assert gradient(differentiable, w.binary_cross_entropy, np.array([z]), y) == np.sign(z)


def test_labels_and_probabilities_divide_alike():
    """torch divides by the weights for labels and by N for the same labels one-hot."""
    z, labels = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0, 0])
    for reduction in ("mean", "weighted_mean"):
        options = {"class_weight": [3.0, 1.0], "reduction": reduction}
        found = w.cross_entropy(z, np.eye(2)[labels], **options)
        assert w.cross_entropy(z, labels, **options) == pytest.approx(found, rel=4e-16)


def test_torchs_number_has_a_name(library):
    """torch: (1-e) w_y (-lp_y) + (e/K) sum_c w_c (-lp_c), over the sum of w_y."""
    random = np.random.default_rng(0)
    z, y = random.normal(size=(8, 3)), random.integers(0, 3, 8)
    weight, e = np.array([1.0, 2.0, 5.0]), 0.1
    lp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    per = -(1 - e) * weight[y] * lp[np.arange(8), y] - e / 3 * (weight * lp).sum(axis=1)
    options = {"class_weight": weight.tolist(), "label_smoothing": e, "smoothing_weight": "class"}
    z, y_ = library.array(z), library.array(y)
    got = w.cross_entropy(z, y_, reduction="weighted_mean", **options)
    assert float(got) == pytest.approx(per.sum() / weight[y].sum(), rel=1e-14)


def test_a_multi_label_row_is_not_its_argmax():
    """Keras's class_weight takes the argmax of a multi-label row."""
    z, y = np.zeros((1, 4)), np.array([[1, 0, 1, 0]])
    got = w.binary_cross_entropy(z, y, pos_weight=[2.5, 10, 5, 20], reduction="none")
    np.testing.assert_allclose(got, np.log(2) * np.array([[2.5, 1, 5, 1]]), rtol=1e-15)


def test_smoothing_a_single_column():
    """optax.smooth_labels on an (N, 1) column gives [1.0, .1]."""
    got = w.binary_cross_entropy(
        np.array([[1.0], [1.0]]), np.array([[1], [0]]), label_smoothing=0.2, reduction="none"
    )
    right, wrong = np.log1p(np.exp(-1)), np.log1p(np.exp(1))
    expected = [[0.9 * right + 0.1 * wrong], [0.1 * right + 0.9 * wrong]]
    np.testing.assert_allclose(got, expected, rtol=1e-15)


def test_a_masked_class_at_minus_infinity_costs_nothing(differentiable):
    z, y = np.array([[1.0, -np.inf, 0.0], [-np.inf, 2.0, 2.0]]), np.array([0, 2])
    value = differentiable.evaluate("eager", w.cross_entropy, z, [y])
    assert value == pytest.approx((np.log1p(np.exp(-1)) + np.log(2)) / 2, rel=1e-15)
    got = gradient(differentiable, w.cross_entropy, z, y)
    assert np.isfinite(got).all()
    assert got[0, 1] == got[1, 0] == 0


@pytest.mark.parametrize("level", [-1000.0, 1000.0, -1e30, 1e30])
def test_logits_far_from_zero_do_not_overflow(level):
    z = np.full((1, 2), level)
    assert w.cross_entropy(z, [0]) == np.log(2)  # a RuntimeWarning is an error here
    assert w.cross_entropy(np.array([[np.copysign(np.inf, level)]]), [0]) == 0


# --- objectives for boosters, written by hand: focal, gamma 2, unless it says something else ---


def off_by(z, y, **options):
    """Return by how many ulp gradient and curvature of a binary focal loss are off."""
    case = Case("binary_focal_loss", np.array([[z]]), np.array([[y]]), options=options)
    found = w.derivatives(w.binary_focal_loss, case.logits, case.targets, **options)
    exact = case.gradient(), case.curvature()
    return [
        ulp.ulps(got[0, 0], truth[0], "float64")
        for got, truth in zip(found[1:], exact, strict=True)
    ]


@pytest.mark.parametrize("z", [-20.0, -3.0, 0.0, 3.0, 20.0])
def test_positives_have_a_curvature(z):
    """bokbokbok's focal Hessian is 0 for positives, and 40 % off for negatives."""
    second = w.derivatives(w.binary_focal_loss, [z, -z], [1.0, 0.0], gamma=2.0).second
    assert second[0] == pytest.approx(second[1], rel=1e-14)  # one is the other's mirror
    assert second[0] != 0
    assert max(*off_by(z, 1.0, gamma=2.0), *off_by(z, 0.0, gamma=2.0)) <= ulp.PER_ELEMENT


@pytest.mark.parametrize("z", [-40.0, 40.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_saturated_margins_keep_their_derivatives(z, y):
    """bokbokbok clips p at 1e-6: 1e7 times too much; imbalance-xgboost has log(p + 1e-9)."""
    assert max(off_by(z, y, gamma=2.0)) <= ulp.PER_ELEMENT
    right = (z > 0) == bool(y)
    first = w.derivatives(w.binary_focal_loss, [z], [y], gamma=2.0).first[0]
    assert abs(first) == pytest.approx(3 * np.exp(-120.0) if right else 1.0, rel=1e-12)


@pytest.mark.parametrize("z", [-800.0, -40.0, 40.0, 800.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_no_margin_makes_nan(z, y):
    """imbalance-xgboost's curvature is NaN at (y = 1, -800), (0, 40), rahowa's from +-37 on."""
    for gamma in (0.5, 2.0):
        assert max(off_by(z, y, gamma=gamma)) <= ulp.PER_ELEMENT
        _, second = Objective(w.binary_focal_loss, gamma=gamma).sklearn([y], np.array([z]))
        assert 0 < second[0] < 1


def test_the_derivative_is_to_the_margin_not_to_the_probability():
    """A focal loss for CatBoost that is passed around differentiates by p: 300 % off at 0."""
    first, second = -Objective(w.binary_focal_loss).catboost().calc_ders_range([0.0], [0.0], None).T
    assert first[0] == pytest.approx(0.25 * (np.log(2) + 0.5), rel=1e-15)
    assert second[0] == pytest.approx(0.25 * 0.5 * (np.log(2) + 2.5), rel=1e-15)


def test_gradients_of_classes_sum_to_0():
    """imlightgbm takes the p of a softmax for that of K sigmoids: its sum is no gradient's."""
    z = np.array([[2.0, -1.0, 0.5]])
    first, _ = Objective(w.focal_loss, classes=3, class_weight=[0.25, 0.25, 0.25]).sklearn([0], z)
    assert abs(first.sum()) < 1e-16
    assert abs(first).max() > 1e-3


@pytest.mark.parametrize("z", [0.0, 5.0, 20.0])
def test_no_digit_is_lost_to_a_difference_quotient(z):
    """Of scipy.misc.derivative, dx 1e-6: half of the curvature at 5, 1e4 times too much at 20."""
    assert off_by(z, 1.0, gamma=1.0)[1] <= ulp.PER_ELEMENT
