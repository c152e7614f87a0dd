"""Objectives without a booster: shapes, signs, weights, starts, curvature above 0, errors."""

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize

import weightedce as w
from weightedce.boosting import Objective

RANDOM = np.random.default_rng(0)
Z, Y = RANDOM.normal(size=40) * 3, RANDOM.integers(0, 2, 40).astype("float32")
ROWS, LABELS = RANDOM.normal(size=(40, 3)), RANDOM.integers(0, 3, 40).astype(float)
WEIGHT = RANDOM.random(40)
FOCAL = Objective(w.binary_focal_loss, gamma=2.0, pos_weight=3.0)
CONVEX = Objective(w.binary_cross_entropy, pos_weight=3.0, label_smoothing=0.1)
CLASSES = Objective(w.cross_entropy, classes=3, class_weight=[1.0, 2.0, 5.0])


def data(labels, weight=None):
    """Return what XGBoost and LightGBM have labels and weights in."""
    return SimpleNamespace(get_label=lambda: labels, get_weight=lambda: weight)


def test_gradient_and_curvature_are_the_derivatives():
    found = CONVEX(Z.astype("float32"), data(Y, np.array([], "float32")))
    expected = w.derivatives(
        w.binary_cross_entropy, Z.astype("float32").astype(float), Y, **CONVEX.given
    )
    np.testing.assert_array_equal(found[0], expected.first)
    np.testing.assert_array_equal(found[1], expected.second)
    assert found[0].dtype == "float64"


@pytest.mark.parametrize("order", ["C", "F"])
def test_classes_come_in_either_order(order):
    found = CLASSES(np.asarray(ROWS, order=order), data(LABELS))
    expected = w.derivatives(w.cross_entropy, ROWS, LABELS, **CLASSES.given)
    np.testing.assert_allclose(found[0], expected.first, rtol=1e-15)
    np.testing.assert_allclose(found[1], 1.5 * expected.second, rtol=1e-15)  # K / (K - 1)


@pytest.mark.parametrize("objective", [FOCAL, CONVEX, CLASSES], ids=repr)
def test_weights_multiply(objective):
    margins, labels = (ROWS, LABELS) if objective.classes else (Z, Y)
    plain, weighted = objective.sklearn(labels, margins), objective(margins, data(labels, WEIGHT))
    by = WEIGHT.reshape(-1, *(1,) * (margins.ndim - 1))
    for a, b in zip(plain, weighted, strict=True):
        np.testing.assert_allclose(b, by * a, rtol=1e-14)


@pytest.mark.parametrize("z", [0.0, 3.0, 40.0, 800.0, 1e30])
@pytest.mark.parametrize("objective", [FOCAL, CONVEX, CLASSES], ids=repr)
def test_curvature_is_above_0_and_finite(objective, z):
    margins = np.array([z, -z])
    labels = np.array([0.0, 0.0, 1.0, 1.0])
    margins = np.tile(margins, 2)
    if objective.classes:
        margins = np.stack([margins, -margins, 0 * margins], axis=1)
    first, second = objective.sklearn(labels, margins)
    assert np.isfinite(first).all()
    assert np.isfinite(second).all()
    assert (second >= 1e-16).all()


def test_the_positive_curvature_is_gauss_newtons_where_the_loss_is_not_convex():
    """F'(L) p (1 - p), with L = softplus(z): F' = first / p."""
    z = np.linspace(-8, 8, 200)
    _, first, second = w.derivatives(w.binary_focal_loss, z, np.zeros(200), gamma=2.0)
    p = 1 / (1 + np.exp(-z))
    found = Objective(w.binary_focal_loss).sklearn(np.zeros(200), z)[1]
    negative = second < 0
    assert 30 < negative.sum() < 170
    np.testing.assert_allclose(found[negative], (first * (1 - p))[negative], rtol=1e-10)
    np.testing.assert_array_equal(found[z < 0], second[z < 0])
    assert (found >= 0.5 * first * (1 - p) * (1 - 1e-10)).all()
    three = Objective(w.focal_loss, classes=2, coupling=1.0)
    rows = np.stack([0 * z, z], axis=1)
    of_two = three.sklearn(np.zeros(200), rows)[1]
    np.testing.assert_allclose(of_two[:, 1], found, rtol=1e-9)


@pytest.mark.parametrize(
    ("loss", "given"),
    [
        (w.logit_adjusted_cross_entropy, {"prior": [0.98, 0.01, 0.01]}),
        (w.vector_scaling_cross_entropy, {"scale": [0.1, 1.0, 1.0], "shift": [0.0, 0.0, 0.0]}),
        (w.ldam_cross_entropy, {"counts": [980, 10, 10]}),
    ],
)
def test_a_convex_loss_keeps_its_curvature(loss, given):
    """Of logits that it scales or shifts the margins' own p says nothing."""
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(200, 3)), rng.integers(0, 3, 200)
    both = [
        Objective(loss, 3, curvature=c, **given).sklearn(y, z)[1] for c in ("positive", "exact")
    ]
    np.testing.assert_array_equal(*both)


def test_a_curvature_that_rounding_takes_below_0_stops_nobody():
    """Far on the wrong side poly's terms cancel: what is left is -1e-32 and less."""
    z = np.array([[-5.14138652, 54.65853882], [-50.36262128, 60.55695099], [0.0, 1.0]])
    assert (w.derivatives(w.poly_cross_entropy, z, [0, 0, 0]).second < 0).any()
    first, second = Objective(w.poly_cross_entropy, 2).sklearn([0, 0, 0], z)
    assert (second > 0).all()
    assert np.abs(first).max() <= 1.0


UNEVEN = np.repeat([0, 1, 2], [900, 80, 20])


@pytest.mark.parametrize(
    ("loss", "given", "labels"),
    [
        (w.ldam_cross_entropy, {"counts": [900, 80, 20]}, UNEVEN),
        (w.ldam_cross_entropy, {"counts": [900, 80, 20], "scale": 10.0}, UNEVEN),
        (w.vector_scaling_cross_entropy, {"scale": [1, 5, 10.0], "shift": [0, 0, 0.0]}, UNEVEN),
        (w.generalized_cross_entropy, {"q": 0.5}, UNEVEN),
        (w.cross_entropy, {"label_smoothing": 0.1}, UNEVEN[:980]),
        (w.cross_entropy, {"ignore_index": -100}, np.append(UNEVEN, [-100, -100])),
    ],
)
def test_no_constant_near_the_start_has_less_loss(loss, given, labels):
    objective = Objective(loss, 3, **given)

    def mean(z):
        return objective.score(labels, np.tile(z, (len(labels), 1)))

    start = objective.start(labels)
    least = mean(start)
    for size in (0.0, 0.3, 1.0):
        moved = start + size * np.random.default_rng(1).normal(size=3)
        assert least <= minimize(mean, moved, method="BFGS").fun * (1 + 1e-12)


def test_the_start_at_a_jump_is_on_its_lower_side():
    objective = Objective(w.confusion_cross_entropy, tp=1.0, tn=0.2, fp=1.0, fn=9.0)
    labels = np.repeat([0.0, 1.0], [300, 7])
    start = objective.start(labels)
    low, high = (objective.score(labels, np.full(307, x)) for x in (start - 1e-6, start + 1e-6))
    assert objective.score(labels, np.full(307, start)) <= min(low, high) + 1e-6


def test_exact_curvature_is_never_silently_negative():
    exact = Objective(w.binary_focal_loss, curvature="exact")
    exact.sklearn([0.0], [0.0])
    with pytest.raises(ValueError, match=r"expected a convex loss for 'exact'.*'positive'"):
        exact.sklearn([0.0], [5.0])
    exact = Objective(w.focal_loss, classes=3, curvature="exact").catboost()
    with pytest.raises(ValueError, match="expected a convex loss for 'exact'"):
        exact.calc_ders_multi([5.0, 0.0, 0.0], 1.0, None)


def test_catboost_has_the_signs_of_minus_the_loss_and_weights_in_chunks():
    made = FOCAL.catboost()
    first, second = FOCAL.sklearn(Y, Z, WEIGHT)
    found = made.calc_ders_range(Z, Y, WEIGHT)
    np.testing.assert_array_equal(found, -np.stack([first, second], axis=1))
    assert made.calc_ders_range(Z[:5], Y[:5], None).shape == (5, 2)
    made.anything = 1  # which CatBoost sets


def test_catboost_of_classes_has_the_whole_matrix():
    z = np.array([0.5, -1.0, 2.0])
    p = np.exp(z) / np.exp(z).sum()
    first, second = CLASSES.catboost().calc_ders_multi(z.tolist(), 2.0, 0.5)
    by = 0.5 * 5.0
    np.testing.assert_allclose(first, -by * (p - [0, 0, 1]), rtol=1e-14)
    np.testing.assert_allclose(second, -by * (np.diag(p) - np.outer(p, p)), rtol=1e-13)
    smooth = Objective(w.cross_entropy, classes=3, label_smoothing=0.3).catboost()
    first, second = smooth.calc_ders_multi(z, 2.0, None)
    np.testing.assert_allclose(first, [0.1, 0.1, 0.8] - p, rtol=1e-13)
    np.testing.assert_allclose(second, np.outer(p, p) - np.diag(p), rtol=1e-13)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_catboosts_matrix_of_a_loss_that_is_not_convex_is_semidefinite(label):
    z = np.array([4.0, -3.0, 1.0])
    _, second = Objective(w.focal_loss, classes=3).catboost().calc_ders_multi(z, label, None)
    assert np.linalg.eigvalsh(-second).min() > -1e-15
    np.testing.assert_allclose(second, second.T, atol=1e-17)


# --- starts, metrics, and back ---


def test_the_start_of_known_losses():
    labels = np.r_[np.ones(10), np.zeros(90)]
    start = Objective(w.binary_cross_entropy, pos_weight=9.0).start(labels)
    assert start == pytest.approx(np.log(9 * 10 / 90), abs=1e-15)
    start = Objective(w.binary_cross_entropy).start(labels, np.where(labels, 4.0, 1.0))
    assert start == pytest.approx(np.log(40 / 90), rel=1e-14)
    labels = np.r_[np.zeros(50), np.ones(30), np.full(20, 2)]
    found = Objective(w.cross_entropy, classes=3).start(labels)
    share = np.log([0.5, 0.3, 0.2])
    np.testing.assert_allclose(found, share - share.mean(), rtol=1e-14)


@pytest.mark.parametrize(
    "objective",
    [
        FOCAL,
        CONVEX,
        Objective(w.asymmetric_loss, clip=0.0),
        CLASSES,
        Objective(w.focal_loss, classes=3, class_weight=[1.0, 2.0, 9.0]),
        Objective(w.ldam_cross_entropy, classes=3, counts=[30, 8, 2], scale=2.0),
        Objective(w.focal_loss, classes=3, label_smoothing=0.1, gamma=1.0),
    ],
    ids=repr,
)
def test_the_start_is_the_least_loss_of_a_constant(objective):
    labels = LABELS if objective.classes else Y

    def loss(z):
        margins = np.broadcast_to(z, (40, 3)) if objective.classes else np.full(40, z[0])
        return objective.score(labels, margins)

    start = objective.start(labels)
    best = minimize(loss, np.atleast_1d(start) + 0.5, tol=1e-12)
    assert loss(np.atleast_1d(start)) <= best.fun * (1 + 1e-12)
    first = objective.sklearn(labels, np.broadcast_to(start, (40, *np.shape(start))))[0]
    assert abs(first.sum(axis=0)).max() < 1e-9


@pytest.mark.parametrize("kind", [0.0, 1.0])
def test_the_start_of_one_class_alone_is_finite(kind):
    for objective in (FOCAL, Objective(w.binary_cross_entropy)):
        start = objective.start(np.full(9, kind))
        assert abs(start) > 10
        assert np.isfinite(start)
        assert (start > 0) == bool(kind)


def test_metrics_are_the_mean_loss():
    assert CONVEX.metric(Z, data(Y)) == (
        "binary_cross_entropy",
        pytest.approx(w.binary_cross_entropy(Z, Y, **CONVEX.given)),
    )
    each = w.cross_entropy(ROWS, LABELS.astype(int), reduction="none", **CLASSES.given)
    _, value, better = CLASSES.metric(LABELS, ROWS, WEIGHT)  # as LGBMClassifier asks
    assert value == pytest.approx((each * WEIGHT).sum() / WEIGHT.sum())
    assert better is False
    assert CLASSES.score(LABELS, ROWS, np.zeros(40)) == 0


def test_calibrated_is_the_way_back():
    np.testing.assert_array_equal(
        FOCAL.calibrated(Z), w.undo_loss(w.binary_focal_loss, Z, gamma=2.0, pos_weight=3.0)
    )
    assert CLASSES.calibrated(ROWS).shape == ROWS.shape


# --- objects ---


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
@pytest.mark.parametrize("objective", [FOCAL, CLASSES], ids=repr)
def test_objectives_copy_and_pickle(objective, again):
    margins, labels = (ROWS, LABELS) if objective.classes else (Z, Y)
    for made in (again(objective).sklearn, again(objective.sklearn)):
        for a, b in zip(made(labels, margins), objective.sklearn(labels, margins), strict=True):
            np.testing.assert_array_equal(a, b)
    again(objective.catboost())
    assert repr(again(objective)) == repr(objective)


def test_it_says_what_it_is():
    text = "Objective(cross_entropy, classes=3, class_weight=[1.0, 2.0, 5.0])"
    assert repr(CLASSES) == text


@pytest.mark.parametrize(
    ("error", "message", "given"),
    [
        (TypeError, "sample_weight: expected what the booster gives", {"sample_weight": 1.0}),
        (TypeError, "reduction: expected what the booster", {"reduction": "sum"}),
        (ValueError, "curvature: expected one of positive, exact", {"curvature": "none"}),
        (ValueError, "floor: expected", {"floor": 0.0}),
        (ValueError, "coupling: expected", {"coupling": -1.0}),
        (ValueError, "classes: expected at least 2", {"classes": 1}),
        (ValueError, "pos_weight: expected finite", {"pos_weight": -1.0}),
        (TypeError, "binary_cross_entropy: .*'gamma'", {"gamma": 1.0}),
    ],
)
def test_errors_come_at_once(error, message, given):
    with pytest.raises(error, match=message):
        Objective(w.binary_cross_entropy, **given)


def test_other_errors():
    with pytest.raises(TypeError, match="a sum over examples, got dice_loss"):
        Objective(w.dice_loss)
    with pytest.raises(ValueError, match="targets: expected shape"):
        Objective(w.binary_cross_entropy, classes=3)
    with pytest.raises(ValueError, match=r"classes: expected a number for Objective\(cross_ent"):
        Objective(w.cross_entropy)
    with pytest.raises(ValueError, match=r"expected margins of shape \(N, 3\), got \(40, 2\)"):
        CLASSES(ROWS[:, :2], data(LABELS))
    with pytest.raises(ValueError, match="labels: expected at least one"):
        FOCAL.start([])


def test_a_gradient_that_is_not_finite_is_an_error():
    z = np.array([0.0, np.nan])
    with pytest.raises(ValueError, match="a gradient with 1 of 2 that are none"):
        FOCAL.sklearn([0, 1], z)
