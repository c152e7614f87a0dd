"""Laws that tie the family together, its known answers, and the minimisers of its losses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar

import weightedce as w
from weightedce.validation import strategies

COUNTS = [81, 16, 1]
OPTIONS = st.fixed_dictionaries(
    {
        "label_smoothing": strategies.smoothings,
        "smoothing_weight": strategies.policies,
        "reduction": st.sampled_from(["none", "sum", "mean", "weighted_mean"]),
    }
)
LOGITS = st.lists(st.floats(-50, 50), min_size=15, max_size=15).map(
    lambda z: np.array(z).reshape(5, 3)
)
LABELS = st.lists(st.integers(0, 2), min_size=5, max_size=5).map(np.array)
WEIGHT = [0.5, 2.0, 10.0]

LIMITS = {
    "focal gamma 0": (w.focal_loss, {"gamma": 0}),
    "poly epsilon 0": (w.poly_cross_entropy, {"epsilon": 0}),
    "logit adjusted tau 0": (w.logit_adjusted_cross_entropy, {"prior": COUNTS, "tau": 0}),
    "logit adjusted even prior": (w.logit_adjusted_cross_entropy, {"prior": [1, 1, 1]}),
    "balanced softmax even counts": (w.balanced_softmax_cross_entropy, {"counts": [7, 7, 7]}),
    "ldam margin 0": (w.ldam_cross_entropy, {"counts": COUNTS, "max_margin": 0, "scale": 1}),
    "seesaw p 0, q 0": (w.seesaw_loss, {"counts": COUNTS, "p": 0, "q": 0}),
    "scale 1": (w.vector_scaling_cross_entropy, {"scale": 1, "shift": 0}),
    "gamma 0, tau 0": (w.vector_scaling_cross_entropy, {"counts": COUNTS, "gamma": 0, "tau": 0}),
    "nothing given": (w.vector_scaling_cross_entropy, {}),
    "generalized q to 0": (w.generalized_cross_entropy, {"q": 1e-13}),
}


@pytest.mark.parametrize("name", LIMITS)
@given(z=LOGITS, y=LABELS, options=OPTIONS)
def test_what_gives_cross_entropy(name, z, y, options):
    loss, given = LIMITS[name]
    got = loss(z, y, class_weight=WEIGHT, **given, **options)
    expected = w.cross_entropy(z, y, class_weight=WEIGHT, **options)
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-20)


BINARY_LIMITS = {
    "focal gamma 0": (w.binary_focal_loss, {"gamma": 0}),
    "asymmetric": (w.asymmetric_loss, {"gamma_pos": 0, "gamma_neg": 0, "clip": 0}),
    "confusion": (w.confusion_cross_entropy, {}),
    "soft confusion": (w.confusion_cross_entropy, {"assignment": "soft"}),
}


@pytest.mark.parametrize("name", BINARY_LIMITS)
@given(z=LOGITS, y=LABELS, options=OPTIONS)
def test_what_gives_binary_cross_entropy(name, z, y, options):
    loss, given = BINARY_LIMITS[name]
    targets = np.eye(3)[y]
    got = loss(z, targets, pos_weight=WEIGHT, neg_weight=0.25, **given, **options)
    expected = w.binary_cross_entropy(z, targets, pos_weight=WEIGHT, neg_weight=0.25, **options)
    np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-300)


@given(z=LOGITS, y=LABELS, options=OPTIONS)
def test_other_laws_of_the_classes(z, y, options):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    error = 1 - p[np.arange(5), y]
    plain = {"reduction": "none"}
    np.testing.assert_allclose(w.generalized_cross_entropy(z, y, q=1, **plain), error, atol=1e-15)
    np.testing.assert_allclose(w.expected_cost(z, y, 1 - np.eye(3), **plain), error, atol=1e-15)
    by_label = w.vector_scaling_cross_entropy(z, y, scale=WEIGHT, scale_by="label", **options)
    by_hand = w.cross_entropy(z * np.array(WEIGHT)[y][:, None], y, **options)
    np.testing.assert_allclose(by_label, by_hand, rtol=1e-14)
    weighted = options | {"class_weight": WEIGHT}
    prior = np.array(COUNTS) / sum(COUNTS)
    adjusted = w.logit_adjusted_cross_entropy(z, y, prior=prior, **weighted)
    balanced = w.balanced_softmax_cross_entropy(z, y, counts=COUNTS, **weighted)
    shifted = w.vector_scaling_cross_entropy(z, y, shift=np.log(prior), **weighted)
    np.testing.assert_allclose(adjusted, balanced, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(adjusted, shifted, rtol=1e-12, atol=1e-14)


def test_a_class_of_prior_0_is_left_out():
    z, y = np.array([[1.0, 5.0, 0.0]]), np.array([0])
    expected = w.cross_entropy(z[:, [0, 2]], y)
    for loss, options in (
        (w.logit_adjusted_cross_entropy, {"prior": [0.5, 0.0, 0.5]}),
        (w.balanced_softmax_cross_entropy, {"counts": [7, 0, 7]}),
        (w.vector_scaling_cross_entropy, {"counts": [7, 0, 7], "gamma": 0.0}),
    ):
        assert loss(z, y, **options) == pytest.approx(expected, rel=1e-14)
        assert loss(z, [1], **options) == np.inf


@given(z=LOGITS, y=LABELS, a=st.floats(0, 9), b=st.floats(0, 9))
def test_other_laws_of_yes_and_no(z, y, a, b):
    targets, plain = np.eye(3)[y], {"reduction": "none"}
    by_target = w.binary_cross_entropy(z, targets, pos_weight=a, neg_weight=b, **plain)
    for assignment in ("hard", "soft"):
        outcome = {"tp": a, "fn": a, "fp": b, "tn": b, "assignment": assignment}
        got = w.confusion_cross_entropy(z, targets, **outcome, **plain)
        np.testing.assert_allclose(got, by_target, rtol=1e-13, atol=1e-300)
    alpha = w.binary_focal_loss(z, targets, alpha=0.3, **plain)
    weights = w.binary_focal_loss(z, targets, pos_weight=0.3, neg_weight=0.7, **plain)
    np.testing.assert_allclose(alpha, weights, rtol=1e-14)
    p = 1 / (1 + np.exp(-z))
    costs = [[0.0, a], [b, -1.0]]
    expected = np.where(targets == 1, b * (1 - p) - p, a * p)
    np.testing.assert_allclose(w.expected_cost(z, targets, costs, **plain), expected, atol=1e-14)
    pair = np.stack([np.zeros_like(z), z], axis=-1)
    two = w.expected_cost(pair, targets.astype(int), costs, **plain)
    np.testing.assert_allclose(two, expected, atol=1e-14)
    focal = w.focal_loss(pair, targets.astype(int), class_weight=[0.7, 0.3], **plain)
    np.testing.assert_allclose(focal, alpha, rtol=1e-12, atol=1e-300)


@given(z=LOGITS, y=LABELS, exponent=st.sampled_from([0.5, 1.0, 3.0]))
def test_focal_tversky_is_a_power_of_tversky(z, y, exponent):
    options = {"fp_weight": 0.25, "fn_weight": 2.0, "axis": -1, "reduction": "none"}
    plain = w.tversky_loss(z, np.eye(3)[y], **options)
    got = w.focal_tversky_loss(z, np.eye(3)[y], gamma=1 / exponent, **options)
    np.testing.assert_allclose(got, plain**exponent, rtol=1e-13)


def test_labels_are_rebalanced_by_the_others_of_the_example():
    z, y = np.array([[2.0, -1.0, 0.5], [0.0, 1.0, -3.0], [1.0, 0.0, 2.0]]), np.eye(3)[[0, 1, 1]]
    y[0, 2], y[2], n, total = 1.0, 0.0, np.array([900, 90, 9]), 1000
    with np.errstate(divide="ignore"):
        r = (1 / n) / (y / n).sum(axis=1, keepdims=True)
    weight = 0.1 + 1 / (1 + np.exp(-10 * (r - 0.3)))
    nu = 0.05 * np.log((total - n) / n)
    expected = weight * np.where(y, np.log1p(np.exp(nu - z)), np.log1p(np.exp(2 * (z - nu))) / 2)
    loss, options = w.distribution_balanced_loss, {"counts": n, "total": total}
    got = loss(z, y, reduction="none", **options)
    np.testing.assert_allclose(got, expected, rtol=1e-13)
    first = loss(z.T, y.T, axis=0, reduction="none", **options)
    np.testing.assert_allclose(first.T, expected, rtol=1e-13)
    masked = loss(z, y, mask=np.arange(3) != np.array([[2], [9], [9]]), reduction="none", **options)
    alone = loss(
        z[0], [1, 0, 0], reduction="none", **options
    )  # the label that is masked counts not
    np.testing.assert_allclose(masked[0], [*alone[:2], 0.0], rtol=1e-13)


# Known answers, computed by hand from the papers' formulas at p = 0.9, 0.5, 0.1.
P = np.array([0.9, 0.5, 0.1])
Z = np.log(P / (1 - P))
PAIR = np.stack([np.zeros(3), Z], axis=1)
ONES = np.ones(3, dtype=int)
KNOWN = {
    "focal 2": (w.binary_focal_loss(Z, ONES, reduction="none"), (1 - P) ** 2 * -np.log(P)),
    "focal alpha": (
        w.binary_focal_loss(Z, 1 - ONES, alpha=0.25, reduction="none"),
        0.75 * P**2 * -np.log(1 - P),
    ),
    "focal 2 of classes": (w.focal_loss(PAIR, ONES, reduction="none"), (1 - P) ** 2 * -np.log(P)),
    "asymmetric": (
        w.asymmetric_loss(Z, 1 - ONES, reduction="none"),
        np.maximum(P - 0.05, 0) ** 4 * -np.log(1 - np.maximum(P - 0.05, 0)),
    ),
    "asymmetric positive": (w.asymmetric_loss(Z, ONES, reduction="none"), (1 - P) * -np.log(P)),
    "poly": (
        w.poly_cross_entropy(PAIR, ONES, epsilon=2, reduction="none"),
        -np.log(P) + 2 * (1 - P),
    ),
    "generalized": (
        w.generalized_cross_entropy(PAIR, ONES, q=0.7, reduction="none"),
        (1 - P**0.7) / 0.7,
    ),
    "seesaw": (  # of M and C: 4^-0.8, and 9^2 where p = 0.1
        w.seesaw_loss(PAIR, ONES, counts=[1, 4], reduction="none"),
        np.log1p(4**-0.8 * np.maximum(1, (1 - P) / P) ** 2 * (1 - P) / P),
    ),
    "seesaw spares no frequent class": (
        w.seesaw_loss(PAIR, 1 - ONES, counts=[1, 4], q=0, reduction="none"),
        -np.log(1 - P),
    ),
    "ldam": (
        w.ldam_cross_entropy(PAIR, ONES, counts=[16, 1], scale=30, reduction="none"),
        np.log1p(np.exp(-30 * (Z - 0.5))),
    ),
    "ldam frequent": (
        w.ldam_cross_entropy(PAIR, 1 - ONES, counts=[16, 1], scale=30, reduction="none"),
        np.log1p(np.exp(30 * (Z + 0.25))),
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_answers(name):
    got, expected = KNOWN[name]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def expected_loss(loss, z, p, **options):
    """Return the loss at logits z under the true probabilities p."""
    return float(loss(np.asarray(z), p, **options))


TRUE = np.array([0.6, 0.3, 0.1])
MINIMISERS = {
    "weights tilt": (w.cross_entropy, {"class_weight": WEIGHT}, np.log(TRUE) + np.log(WEIGHT)),
    "logit adjustment": (
        w.logit_adjusted_cross_entropy,
        {"prior": COUNTS},
        np.log(TRUE) - np.log(COUNTS),
    ),
    "scales reparameterise": (
        w.vector_scaling_cross_entropy,
        {"scale": [1.0, 0.5, 0.25]},
        np.log(TRUE) * [1.0, 2.0, 4.0],
    ),
}


@pytest.mark.parametrize("name", MINIMISERS)
def test_minimisers(name):
    loss, options, optimum = MINIMISERS[name]
    found = minimize(
        lambda z: expected_loss(loss, [*z, 0.0], TRUE, **options), np.zeros(2), tol=1e-12
    )
    scale = np.asarray(options.get("scale", 1.0)) * np.ones(3)
    got = scale * [*found.x, 0.0]
    expected = scale * optimum
    np.testing.assert_allclose(got - got[2], expected - expected[2], atol=1e-4)


def test_minimiser_of_weighted_binary_cross_entropy():
    found = minimize_scalar(
        lambda z: expected_loss(w.binary_cross_entropy, z, np.array(0.2), pos_weight=9.0), tol=1e-12
    )
    assert found.x == pytest.approx(np.log(0.2 / 0.8) + np.log(9), abs=1e-5)


def test_logit_adjustment_reaches_the_best_balanced_error():
    """Two Gaussians, 50 to 1: the threshold that minimises the balanced error is the midpoint."""
    random = np.random.default_rng(0)
    n = 100_000
    y = (random.uniform(size=n) < 1 / 51).astype(int)
    x = random.normal(size=n) + 2.0 * y
    prior = np.bincount(y) / n

    def trained(**options):
        loss = w.logit_adjusted_cross_entropy

        def objective(theta):
            z = np.stack([np.zeros(n), theta[0] * x + theta[1]], axis=1)
            return float(loss(z, y, prior=prior, **options))

        slope, shift = minimize(objective, np.zeros(2)).x
        return -shift / slope

    assert trained(tau=1.0) == pytest.approx(1.0, abs=0.05)
    assert trained(tau=0.0) == pytest.approx(1.0 + np.log(50) / 2, abs=0.1)


BAD = {
    "gamma": (ValueError, "gamma.*-1", lambda: w.focal_loss(PAIR, ONES, gamma=-1)),
    "gamma-inf": (ValueError, "gamma.*inf", lambda: w.binary_focal_loss(Z, ONES, gamma=np.inf)),
    "alpha": (
        ValueError,
        "alpha.*both",
        lambda: w.binary_focal_loss(Z, ONES, alpha=0.5, pos_weight=2),
    ),
    "clip": (ValueError, "clip.*1.5", lambda: w.asymmetric_loss(Z, ONES, clip=1.5)),
    "q": (ValueError, "q.*0", lambda: w.generalized_cross_entropy(PAIR, ONES, q=0)),
    "prior": (
        ValueError,
        r"prior.*\(2,\).*\(3,\)",
        lambda: w.logit_adjusted_cross_entropy(PAIR, ONES, prior=[1, 2, 3]),
    ),
    "counts": (
        ValueError,
        "counts.*-1",
        lambda: w.balanced_softmax_cross_entropy(PAIR, ONES, counts=[1, -1]),
    ),
    "both": (
        ValueError,
        "counts.*both",
        lambda: w.vector_scaling_cross_entropy(PAIR, ONES, counts=[1, 2], scale=2),
    ),
    "by": (
        ValueError,
        "scale_by='label'.*distribution",
        lambda: w.vector_scaling_cross_entropy(PAIR, np.eye(2)[ONES], scale_by="label"),
    ),
    "costs": (
        ValueError,
        r"cost_matrix.*\(2, 2\).*\(3, 3\)",
        lambda: w.expected_cost(PAIR, ONES, np.eye(3)),
    ),
    "assignment": (
        ValueError,
        "assignment.*'none'",
        lambda: w.confusion_cross_entropy(Z, ONES, assignment="none"),
    ),
    "tp": (ValueError, "tp.*-1", lambda: w.confusion_cross_entropy(Z, ONES, tp=-1)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_parameters_are_named(name):
    kind, message, call = BAD[name]
    with pytest.raises(kind, match=message):
        call()
