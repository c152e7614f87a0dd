"""The way back from any loss: whoever minimises it over the population gets the population."""

import mpmath as mp
import numpy as np
import pytest
from scipy.optimize import brentq, minimize, root

import weightedce as w

Z = np.linspace(-6.0, 6.0, 25)
ETA = np.array([0.01, 0.2, 0.5, 0.7, 0.97])
WEIGHTS = {"pos_weight": 5.0, "neg_weight": 0.5}
BINARY = [
    (w.binary_cross_entropy, WEIGHTS),
    (w.binary_cross_entropy, {"label_smoothing": 0.01, **WEIGHTS}),
    (w.binary_cross_entropy, {"label_smoothing": 0.01, "smoothing_weight": "class", **WEIGHTS}),
    (w.binary_focal_loss, {"gamma": 2.0, "alpha": 0.25}),
    (w.binary_focal_loss, {"gamma": 0.5}),
    (w.asymmetric_loss, {"gamma_pos": 0.0, "gamma_neg": 2.0, "clip": 0.0}),
    (w.confusion_cross_entropy, {"tp": 1.0, "tn": 1.0, "fp": 2.0, "fn": 3.0, "assignment": "soft"}),
]


@pytest.mark.parametrize(("loss", "options"), BINARY)
def test_the_minimiser_of_a_population_gives_the_population(loss, options):
    for eta in ETA:

        def slope(z, eta=eta):
            both = w.derivatives(loss, [z, z], [1.0, 0.0], **options).first
            return eta * both[0] + (1 - eta) * both[1]

        best = brentq(slope, -40, 40, xtol=1e-14)
        found = w.undo_loss(loss, np.array([best]), **options)
        assert 1 / (1 + np.exp(-found[0])) == pytest.approx(eta, rel=1e-9)


CLASSES = [
    (w.cross_entropy, {"class_weight": [1.0, 2.0, 4.0, 8.0]}),
    (w.cross_entropy, {"class_weight": [1.0, 2.0, 4.0, 8.0], "label_smoothing": 0.05}),
    (w.cross_entropy, {"label_smoothing": 0.05, "smoothing_weight": "class"}),
    (w.focal_loss, {"gamma": 2.0, "class_weight": [1.0, 2.0, 4.0, 8.0]}),
    (w.focal_loss, {"gamma": 1.0, "label_smoothing": 0.02}),
    (w.generalized_cross_entropy, {"q": 0.3}),
    (w.poly_cross_entropy, {"epsilon": 0.5}),
    (w.logit_adjusted_cross_entropy, {"prior": [0.4, 0.3, 0.2, 0.1]}),
    (w.ldam_cross_entropy, {"counts": [40, 30, 20, 10], "scale": 2.0}),
    (w.vector_scaling_cross_entropy, {"scale": [1.0, 0.5, 2.0, 1.5], "shift": [0, 1, 2, 0.5]}),
]
SHARES = np.array([0.4, 0.3, 0.2, 0.1])


@pytest.mark.parametrize(("loss", "options"), CLASSES)
def test_the_same_over_classes(loss, options):
    labels = np.arange(4.0)

    def of_population(z):
        found = w.derivatives(loss, np.tile(z, (4, 1)), labels, sample_weight=SHARES, **options)
        return found.loss.sum(), found.first.sum(axis=0)

    best = minimize(of_population, np.zeros(4), jac=True, method="BFGS", options={"gtol": 1e-10})
    found = np.exp(w.undo_loss(loss, best.x[None], **options)[0])
    np.testing.assert_allclose(found, SHARES, rtol=1e-6)
    assert found.sum() == pytest.approx(1, abs=1e-15)


def test_seesaw_which_takes_labels_alone_is_undone_where_its_slope_is_0():
    options = {"counts": [40, 30, 20, 10]}

    def slope(z):
        rows, labels = np.tile(z, (4, 1)), np.arange(4.0)
        first = w.derivatives(w.seesaw_loss, rows, labels, **options).first
        return SHARES @ first + z.sum()  # logits that sum to 0

    best = root(slope, np.zeros(4), tol=1e-12).x
    found = np.exp(w.undo_loss(w.seesaw_loss, best[None], **options)[0])
    np.testing.assert_allclose(found, SHARES, rtol=1e-8)


def test_it_is_undo_pos_weight():
    z = np.linspace(-600, 600, 1001)
    found = w.undo_loss(w.binary_cross_entropy, z, pos_weight=9.0, neg_weight=0.5)
    expected = w.undo_pos_weight(z, 9.0, neg_weight=0.5)
    np.testing.assert_allclose(found, expected, rtol=4e-16, atol=4e-15)
    alpha = w.undo_loss(w.binary_focal_loss, z, gamma=0.0, alpha=0.9)
    np.testing.assert_allclose(alpha, w.undo_pos_weight(z, 9.0), rtol=4e-16, atol=1e-14)


def test_it_is_undo_class_weight():
    z, weight = np.random.default_rng(0).normal(size=(9, 5)) * 20, [1.0, 2.0, 4.0, 8.0, 0.5]
    expected = w.undo_class_weight(z, weight)
    expected -= np.logaddexp.reduce(expected, axis=1, keepdims=True)
    found = w.undo_loss(w.cross_entropy, z, class_weight=weight)
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=4e-15)  # however small a share
    assert found.min() < -50
    moved = w.undo_loss(w.cross_entropy, z.T, class_weight=weight, axis=0)
    np.testing.assert_array_equal(moved, found.T)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_it_is_the_calibration_map_of_focal_losses(gamma):
    """Charoenphakdee et al. 2021, theorem 11: h(v) / (h(v) + h(1 - v)), h(v) = v / phi(v)."""
    z = np.linspace(-20, 20, 81)
    with mp.workdps(60):

        def h(v):
            return v / ((1 - v) ** gamma - gamma * (1 - v) ** (gamma - 1) * v * mp.log(v))

        expected = []
        for x in z:
            v = 1 / (1 + mp.exp(-mp.mpf(x)))
            expected.append(float(mp.log(h(v)) - mp.log(h(1 - v))))
    found = w.undo_loss(w.binary_focal_loss, z, gamma=gamma)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-14)
    pair = np.stack([np.zeros_like(z), z], axis=1)
    of_two = w.undo_loss(w.focal_loss, pair, gamma=gamma)
    np.testing.assert_allclose(of_two[:, 1] - of_two[:, 0], expected, rtol=1e-12, atol=1e-13)


def test_it_raises_what_is_sure_and_keeps_the_order():
    found = w.undo_loss(w.binary_focal_loss, Z, gamma=2.0)
    assert (np.diff(found) > 0).all()
    np.testing.assert_array_less(abs(Z[Z != 0]), abs(found[Z != 0]))
    np.testing.assert_allclose(found, -found[::-1], atol=1e-14)


def test_what_no_data_makes_a_model_say_has_probability_0_or_1():
    smooth = {"label_smoothing": 0.2}  # p is between 0.1 and 0.9
    z = w.logit(np.array([0.05, 0.1 + 1e-9, 0.5, 0.95]))
    found = w.undo_loss(w.binary_cross_entropy, z, **smooth)
    assert found[0] == -np.inf
    assert found[1] < -15
    assert abs(found[2]) < 1e-15
    assert found[3] == np.inf
    clipped = w.undo_loss(w.asymmetric_loss, w.logit(np.array([0.04, 0.2])), clip=0.05)
    assert clipped[0] == -np.inf
    assert np.isfinite(clipped[1])
    rows = np.log(np.array([[0.9, 0.09, 0.01], [0.4, 0.3, 0.3]]))
    found = w.undo_loss(w.cross_entropy, rows, label_smoothing=0.15)  # p is at least 0.05
    assert found[0, 2] == -np.inf
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(found[1]), (np.exp(rows[1]) - 0.05) / 0.85, rtol=1e-12)


def test_infinite_logits_and_nan():
    z = np.array([np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(w.undo_loss(w.binary_focal_loss, z), z)
    found = w.undo_loss(w.cross_entropy, np.array([[np.nan, 0.0], [0.0, 0.0]]))
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], -np.log(2))


@pytest.mark.parametrize("shape", [(), (3,), (3, 2), (0,)])
def test_shape_and_dtype_are_those_of_the_logits(shape):
    for dtype in ("float32", "float64"):
        z = np.full(shape, 1.5, dtype)
        found = w.undo_loss(w.binary_focal_loss, z)
        assert found.shape == shape
        assert found.dtype == dtype
    assert w.undo_loss(w.cross_entropy, np.zeros(3)).shape == (3,)
    assert w.undo_loss(w.cross_entropy, np.zeros((0, 3))).shape == (0, 3)
    assert w.undo_loss(w.cross_entropy, np.zeros((2, 3, 4)), axis=1).shape == (2, 3, 4)
    assert w.undo_loss(w.binary_focal_loss, [0.0, 1.0]).shape == (2,)


def test_labels_of_their_own_weight():
    z = np.zeros((2, 3))
    found = w.undo_loss(w.binary_cross_entropy, z, pos_weight=[1.0, 2.0, 4.0])
    np.testing.assert_allclose(found, np.tile(-np.log([1.0, 2.0, 4.0]), (2, 1)), atol=1e-15)


def test_errors():
    with pytest.raises(TypeError, match="a sum over examples, got dice_loss"):
        w.undo_loss(w.dice_loss, Z)
    with pytest.raises(TypeError, match="'gamma'"):
        w.undo_loss(w.binary_cross_entropy, Z, gamma=2.0)
    with pytest.raises(ValueError, match="class_weight: expected"):
        w.undo_loss(w.cross_entropy, np.zeros((2, 3)), class_weight=[1.0, 2.0])


def test_a_class_that_training_left_out_has_probability_0():
    z = np.array([[0.0, 1.0, 2.0], [3.0, -1.0, 0.5]])
    for given in ({"ignore_index": 0}, {"class_weight": [0.0, 2.0, 2.0]}):
        found = w.undo_loss(w.cross_entropy, z, **given)
        assert (found[:, 0] == -np.inf).all()
        p = np.exp(z[:, 1:])
        np.testing.assert_allclose(np.exp(found[:, 1:]), p / p.sum(1, keepdims=True), rtol=1e-14)
    logits = np.array([0.0, 1.0])
    never = w.undo_loss(w.binary_cross_entropy, logits, pos_weight=0.0)
    always = w.undo_loss(w.binary_cross_entropy, logits, ignore_index=0)
    assert (never.tolist(), always.tolist()) == ([-np.inf] * 2, [np.inf] * 2)


@pytest.mark.parametrize(
    ("loss", "given", "message"),
    [
        (
            w.cross_entropy,
            {"class_weight": "batch"},
            "class_weight: expected the weights of the tr",
        ),
        (w.cross_entropy, {"sample_weight": [1.0] * 4}, "sample_weight: expected none"),
        (w.binary_focal_loss, {"pos_weight": -1.0}, "pos_weight: expected finite numbers >= 0"),
        (w.binary_focal_loss, {"pos_weight": [1.0] * 3}, "pos_weight: expected a scalar or shape"),
        (w.cross_entropy, {"class_weight": [1.0] * 3}, "class_weight: expected"),
    ],
)
def test_what_is_wrong_is_named(loss, given, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        w.undo_loss(loss, np.zeros((4, 2)), **given)
