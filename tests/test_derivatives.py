"""Value, gradient and curvature under plain NumPy, held to the textbook definitions in 600 digits.

The curvature is measured in ulp of itself, or where it crosses 0 of the third derivative: so it
is the crossing that is off by no more. `TERMS` is what else there is to say.
"""

import pickle
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

import weightedce as w
from weightedce.backends import jets
from weightedce.call.binary_batch import binary_batch
from weightedce.call.class_batch import class_batch
from weightedce.call.evaluation import evaluate
from weightedce.call.over_classes import over_classes
from weightedce.validation import oracle, ulp
from weightedce.validation.cases import Case

POINTS = [0.0, 1e-8, 0.5, 3.0, 12.0, 40.0, 90.0, 800.0, 1e30]
POINTS = [*POINTS, *(-z for z in POINTS[1:])]
ROWS = [  # with ties at the top, below it, and of all
    [0.0, 0.0, 0.0],
    [1e-8, 0.0, -1e-8],
    [20.0, 0.0, 0.0],
    [40.0, -40.0, 40.0],
    [3.0, -3.0, 0.5],
    [12.0, 0.0, -12.0],
    [800.0, -800.0, 0.0],
    [1e30, -1e30, 0.0],
    [1e30, 1e30, 0.0],
    [90.0, 0.0, -90.0],
    [39.7, -40.6, 0.3],
]
WEIGHTS = {
    True: {"pos_weight": [2.5, 1.0, 10.0], "neg_weight": 0.25},
    False: {"class_weight": [1.0, 2.5, 0.125]},
}
SMOOTH = {"label_smoothing": 0.125}
OF_CLASS = {"label_smoothing": 0.125, "smoothing_weight": "class"}
# Losses of which p is made of its logarithm: rounding that moves p, and its second derivative, by
# half an ulp a unit. Of the others what is smoothed, which goes through p_k class by class.
ROUNDED = ("ldam_cross_entropy", "expected_cost", "vector_scaling_cross_entropy")
# epsilon = 1 leaves 2 p^2 of terms of p (1 - p), which cancel: as exact as p (1 - p)
TERMS = {"poly_cross_entropy": "cross_entropy"}


def case_of(loss, own, dtype="float64", *, soft=False, masked=False, **options):
    binary = loss in oracle.BINARY
    if binary:
        z = np.repeat(np.array(POINTS), 3).reshape(-1, 3)
        y = np.broadcast_to([0.0, 1.0, 0.3 if soft else 1.0], z.shape)
    else:
        z = np.repeat(np.array(ROWS), 3, axis=0)
        y = np.arange(len(z)) % 3
        y = np.random.default_rng(0).dirichlet([0.5] * 3, len(z)) if soft else y
    more = {}
    if masked:
        more["sample_weight"] = np.arange(len(z)) % 4 / 2.0
        more["mask"] = np.arange(len(z)) % 5 > 0
    return Case(loss, z, y, options={**own, **options}, **more).rounded(dtype)


def ours(case):
    """Return the three with the dtype of the case; targets that are shares in it, too."""
    y = case.targets
    return w.derivatives(
        getattr(w, case.loss),
        case.logits.astype(case.dtype),
        y if y.dtype.kind == "i" else y.astype(case.dtype),
        sample_weight=case.sample_weight,
        mask=case.mask,
        **case.options,
    )


def curvature_of(case):
    """Return the exact curvature and the ulp that it may be off by."""
    exact = case.curvature()
    if case.loss in TERMS:
        given = {k: v for k, v in case.options.items() if k != "epsilon"}
        other = replace(case, loss=TERMS[case.loss], options=given).curvature()
        exact = [a._replace(scale=max(a.scale, b.scale)) for a, b in zip(exact, other, strict=True)]
    binary = case.loss in oracle.BINARY
    limits = np.array(case.tolerance(ulp.PER_ELEMENT, per_logit=True))
    smoothed = "label_smoothing" in case.options or case.targets.ndim > 1
    if case.loss in ROUNDED or (smoothed and not binary and case.loss != "cross_entropy"):
        scale = case.options.get("scale", 1.0)
        spread = np.ptp(case.logits, axis=1) * np.max(scale)
        limits = limits + np.repeat(np.minimum(spread, 1000.0), case.logits.shape[1])
    return exact, limits


def hold(case):
    found = ours(case)
    exact = case.value(), case.gradient()
    for name, got, expected, per_logit in zip(
        ("loss", "first"), found, exact, (False, True), strict=False
    ):
        limits = case.tolerance(ulp.PER_ELEMENT, per_logit=per_logit)
        hold_one(case, name, got, expected, np.array(limits))
    hold_one(case, "second", found.second, *curvature_of(case))
    return found


def hold_one(case, name, got, exact, limits):
    assert got.dtype == case.dtype
    off = ulp.distances(got.ravel(), ulp.Expected.of(exact), case.dtype)
    worst = int(np.argmax(off / limits))
    assert off[worst] <= limits[worst], (
        f"{case.loss} {case.options} {name}[{worst}]: {got.ravel()[worst]!r}, exact "
        f"{float(exact[worst].number)!r}, {off[worst]} ulp of {limits[worst]}"
    )


VARIANTS = [
    (name, own)
    for table in (oracle.BINARY, oracle.MULTICLASS)
    for name, definition in table.items()
    for own in definition.variants
]
IDS = [f"{name}-{'-'.join(map(str, own.values()))}" for name, own in VARIANTS]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("loss", "own"), VARIANTS, ids=IDS)
def test_truth_at_hard_points(loss, own, dtype):
    hold(case_of(loss, own, dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("loss", [*oracle.BINARY, *oracle.MULTICLASS])
def test_truth_with_every_option(loss, dtype):
    own = oracle.definition(loss).variants[0]
    weights = WEIGHTS[loss in oracle.BINARY]
    if loss == "seesaw_loss":  # of distributions it goes through the classes as labels: not here
        hold(case_of(loss, own, dtype, masked=True, **weights))
        with pytest.raises(TypeError, match="seesaw_loss"):
            hold(case_of(loss, own, dtype, soft=True, masked=True, **weights))
        return
    for more in ({}, SMOOTH, OF_CLASS):
        hold(case_of(loss, own, dtype, masked=True, **weights, **more))
        hold(case_of(loss, own, dtype, soft=True, masked=True, **weights, **more))


@pytest.mark.parametrize("classes", [1, 2, 5])
@pytest.mark.parametrize("loss", ["cross_entropy", "focal_loss", "generalized_cross_entropy"])
def test_few_classes(loss, classes):
    random = np.random.default_rng(1)
    z = random.choice(POINTS[:13], (4, classes)) + random.integers(0, 2, (4, classes))
    z[0] = 0.0
    y = np.minimum([0, 1, 4, 99], classes - 1)
    hold(Case(loss, z, y, options=oracle.definition(loss).variants[0]))


@pytest.mark.parametrize("loss", ["cross_entropy", "focal_loss"])
def test_a_hundred_classes(loss):
    """The label, the top, and one of the rest: each costs the truth 600 exponentials."""
    z, own = np.random.default_rng(2).normal(scale=9.0, size=(1, 100)), {"gamma": 2.0}
    own = own if loss == "focal_loss" else {}
    _, first, second = w.derivatives(getattr(w, loss), z, [7], **own)
    case = Case(loss, z, np.array([7]), options=own)
    [(row, masses, _, _)] = case._elements
    for k in (7, int(z.argmax()), 50):
        assert ulp.ulps(first[0, k], row.gradient(masses, k), "float64") <= 2 * ulp.PER_ELEMENT
        assert ulp.ulps(second[0, k], row.curvature(masses, k), "float64") <= 2 * ulp.PER_ELEMENT


def test_what_crosses_0_is_measured_by_how_far_off_the_crossing_is():
    """Focal, gamma 2, y = 0: q^2 r (2 s (2 r - q) + 5 q) is 0 near z = 2.77."""
    low, high = 2.0, 4.0
    for _ in range(60):
        middle = (low + high) / 2
        above = w.derivatives(w.binary_focal_loss, [middle], [0.0]).second[0] > 0
        low, high = (middle, high) if above else (low, middle)
    case = Case("binary_focal_loss", np.array([[low]]), np.array([[0.0]]), options={"gamma": 2.0})
    [exact] = case.curvature()
    assert abs(exact.number) < 1e-14 * exact.scale
    hold(case)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal_loss", "expected_cost"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_any_axis(loss, axis):
    own = oracle.definition(loss).variants[0]
    z = np.random.default_rng(0).normal(size=(4, 3, 2))
    y = np.arange(8).reshape(4, 2) % 3
    expected = w.derivatives(getattr(w, loss), z, y, axis=1, **own)
    moved = np.moveaxis(z, 1, axis)
    found = w.derivatives(getattr(w, loss), moved, y, axis=axis, **own)
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-14)
    for name in ("first", "second"):
        got = np.moveaxis(getattr(found, name), axis, 1)
        np.testing.assert_allclose(got, getattr(expected, name), rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("reduction", ["sum", "mean", "weighted_mean"])
def test_a_reduction_scales_all_three(reduction):
    z, y = np.random.default_rng(0).normal(size=(6, 3)), np.arange(6) % 3
    options = {"class_weight": [1.0, 2.0, 4.0], "mask": y > 0}
    each = w.derivatives(w.focal_loss, z, y, **options)
    found = w.derivatives(w.focal_loss, z, y, reduction=reduction, **options)
    assert found.loss == pytest.approx(w.focal_loss(z, y, reduction=reduction, **options))
    by = {"sum": 1.0, "mean": 4.0, "weighted_mean": 2 * 2.0 + 2 * 4.0}[reduction]
    np.testing.assert_allclose(found.first, each.first / by, rtol=1e-15)
    np.testing.assert_allclose(found.second, each.second / by, rtol=1e-15)


def test_nothing_counted_is_0():
    found = w.derivatives(
        w.binary_cross_entropy, np.ones(3), np.ones(3), mask=np.zeros(3), reduction="mean"
    )
    assert found.loss == 0
    assert not found.first.any()
    assert not found.second.any()


def test_infinite_logits_give_the_limit_and_nan_gives_nan():
    z = np.array([np.inf, -np.inf, np.inf, -np.inf, np.nan])
    loss, first, second = w.derivatives(w.binary_focal_loss, z, [1.0, 0.0, 0.0, 1.0, 0.0])
    np.testing.assert_array_equal(loss, [0, 0, np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(first, [0, 0, 1, -1, np.nan])
    np.testing.assert_array_equal(second, [0, 0, 0, 0, np.nan])
    z = np.array([[np.inf, 0.0, 1e30], [-np.inf, 0.0, 0.0], [0.0, np.nan, 0.0]])
    _, first, second = w.derivatives(w.focal_loss, z, [0, 1, 2], label_smoothing=0.0)
    assert not first[0].any()
    assert first[1, 0] == 0
    assert np.isfinite(second[:2]).all()
    assert np.isnan(first[2]).all()
    assert np.isnan(second[2]).all()


def test_masked_is_0_whatever_was_there():
    z, mask = np.array([np.nan, np.inf, 1.0]), np.array([False, False, True])
    for found in w.derivatives(w.binary_focal_loss, z, [1, 0, 1], mask=mask):
        assert not found[:2].any()
        assert found[2]
    z = np.array([[np.nan, 1.0], [0.0, 1.0]])
    for found in w.derivatives(w.cross_entropy, z, [-100, 1], ignore_index=-100):
        assert not found[0].any()
        assert found[1].all()


# --- what is not there yet ---


def exponential_loss(logits, targets, *, sample_weight=None, axis=-1, reduction="mean", **others):
    """exp(-z) for y = 1, exp(z) for y = 0: of Adaboost."""
    options = dict.fromkeys(("pos_weight", "neg_weight", "mask", "ignore_index")) | others
    smoothing = {"label_smoothing": 0.0, "smoothing_weight": "target"}

    def formula(b):
        return b.positive * b.xp.exp(-b.logits) + b.negative * b.xp.exp(b.logits)

    options |= {"sample_weight": sample_weight, "axis": axis} | smoothing
    return evaluate(binary_batch, formula, logits, targets, reduction, **options)


def squared_error_of_softmax(logits, targets, *, of_labels=False, axis=-1, reduction="mean"):
    """Half the square of 1 - p_y, or by way of all classes."""
    options = dict.fromkeys(("class_weight", "sample_weight", "mask", "ignore_index"))
    options |= {"axis": axis, "label_smoothing": 0.0, "smoothing_weight": "target"}

    def formula(b):
        xp = b.xp
        if of_labels:
            return over_classes(b, b.logits, lambda loss: 0.5 * (1.0 - xp.exp(-loss)) ** 2)
        powers = xp.exp(b.logits - xp.max(b.logits, axis=b.axis, keepdims=True))
        p = xp.sum(b.targets * powers, axis=b.axis) / xp.sum(powers, axis=b.axis)
        return 0.5 * xp.square(1.0 - p)

    return evaluate(class_batch, formula, logits, targets, reduction, **options)


def test_a_loss_that_was_not_there_works():
    z, y = np.array([0.5, -2.0, 30.0]), np.array([1.0, 0.0, 1.0])
    sign = 1 - 2 * y
    loss, first, second = w.derivatives(exponential_loss, z, y)
    np.testing.assert_allclose(loss, np.exp(sign * z), rtol=1e-15)
    np.testing.assert_allclose(first, sign * np.exp(sign * z), rtol=1e-15)
    np.testing.assert_allclose(second, np.exp(sign * z), rtol=1e-15)


@pytest.mark.parametrize("of_labels", [True, False])
def test_a_loss_over_classes_that_was_not_there_works(of_labels):
    z, y = np.array([[0.5, -2.0, 0.25], [1.0, 1.0, -1.0]]), np.array([0, 2])
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    hot = np.eye(3)[y]
    own = (p * hot).sum(axis=1, keepdims=True)
    slope = own * (hot - p)  # of p_y
    bend = own * ((hot - p) ** 2 - p * (1 - p))
    loss, first, second = w.derivatives(squared_error_of_softmax, z, y, of_labels=of_labels)
    np.testing.assert_allclose(loss, 0.5 * (1 - own[:, 0]) ** 2, rtol=1e-14)
    np.testing.assert_allclose(first, -(1 - own) * slope, rtol=1e-13)
    np.testing.assert_allclose(second, slope**2 - (1 - own) * bend, rtol=1e-13)


def of_operators(logits, targets, *, reduction="none"):
    """A loss of operators alone, and of the standard's namespace."""
    xp = logits.__array_namespace__()
    assert reduction == "none"
    z = xp.where(targets > 0, -logits, logits)
    root = xp.sqrt(1.0 + z * z)  # its derivatives are z / root and 1 / root^3
    return xp.maximum(xp.tanh(z), 0.0) + (root + z) / 2.0 - abs(z) / (2.0 - 0.0 * z)


def test_operators_of_a_loss_of_ones_own():
    z, y = np.array([0.75, -2.0]), np.array([0.0, 0.0])
    loss, first, second = w.derivatives(of_operators, z, y)
    root, t = np.sqrt(1 + z * z), np.tanh(z)
    above = z > 0
    np.testing.assert_allclose(loss, np.where(above, t, 0) + (root + z - abs(z)) / 2)
    slope = np.where(above, 1 - t**2, 0) + (z / root + 1 - np.sign(z)) / 2
    np.testing.assert_allclose(first, slope, rtol=1e-14)
    bend = np.where(above, -2 * t * (1 - t**2), 0) + 0.5 / root**3
    np.testing.assert_allclose(second, bend, rtol=1e-13)


@pytest.mark.parametrize("weight", [1.0, 25.0])
def test_the_solver_that_takes_them_is_logistic_regression(weight):
    random = np.random.default_rng(0)
    x = np.column_stack([np.ones(2000), random.normal(size=(2000, 3))])
    y = (random.random(2000) < 1 / (1 + np.exp(3 - x[:, 1]))).astype(float)

    def of(c):
        return w.derivatives(
            w.binary_cross_entropy, x @ c, y, pos_weight=weight, reduction="weighted_mean"
        )

    found = minimize(
        lambda c: (of(c).loss, x.T @ of(c).first),
        np.zeros(4),
        jac=True,
        hessp=lambda c, v: x.T @ (of(c).second * (x @ v)),
        method="trust-ncg",
    ).x
    for _ in range(3):  # SciPy ends where the loss, a sum, falls by no more than it is rounded
        found -= np.linalg.solve((x.T * of(found).second) @ x, x.T @ of(found).first)
    peer = LogisticRegression(
        C=np.inf, class_weight={0: 1, 1: weight}, solver="newton-cholesky", tol=1e-13
    ).fit(x[:, 1:], y)
    np.testing.assert_allclose(found, [*peer.intercept_, *peer.coef_[0]], rtol=1e-12, atol=1e-13)


# --- what is refused ---


@pytest.mark.parametrize(
    "loss",
    [
        w.dice_loss,
        w.tversky_loss,
        w.f_beta_loss,
        w.recall_specificity_loss,
        w.soft_confusion,
    ],
)
@pytest.mark.parametrize("shape", [(4,), (4, 3)])
def test_what_is_no_sum_over_examples_is_refused(loss, shape):
    z = np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
    with pytest.raises(TypeError, match=f"a sum over examples, got {loss.__name__}"):
        w.derivatives(loss, z, z > 0)
    if len(shape) > 1:
        with pytest.raises(TypeError, match="a sum over examples"):
            w.derivatives(loss, z, z > 0, axis=1)


def of_the_batch(logits, targets, *, reduction="none"):
    """Cross-entropy over its own mean: each example has to do with all."""
    loss = w.binary_cross_entropy(logits, targets, reduction=reduction)
    return loss / loss.__array_namespace__().sum(loss, axis=0)


def test_a_loss_that_looks_from_row_to_row_is_refused():
    with pytest.raises(TypeError, match="a sum over examples, got of_the_batch"):
        w.derivatives(of_the_batch, np.ones((3, 2)), np.ones((3, 2)))


def test_a_loss_without_logits_is_refused():
    with pytest.raises(TypeError, match=r"linear_cross_entropy: missing .*'targets'"):
        w.derivatives(w.linear_cross_entropy, np.ones((3, 2)), [0, 1, 0])


@pytest.mark.parametrize(
    ("error", "message", "change"),
    [
        (ValueError, r"reduction: expected one of none, sum", {"reduction": "total"}),
        (TypeError, r"logits: expected dtype float64", {"logits": np.ones(2, int)}),
        (ValueError, r"targets: expected shape \(2,\)", {"targets": [1, 0, 1]}),
        (ValueError, r"pos_weight: expected finite", {"pos_weight": -1.0}),
        (TypeError, r"binary_cross_entropy: .*'gamma'", {"gamma": 2.0}),
    ],
)
def test_errors_name_the_argument(error, message, change):
    given = {"logits": np.ones(2), "targets": [1, 0]} | change
    with pytest.raises(error, match=message):
        w.derivatives(w.binary_cross_entropy, **given)


def test_another_library_is_told_to_differentiate_by_itself(differentiable):
    own = {"jax": "jax.grad", "torch": "torch.autograd", "tensorflow": "tf.GradientTape"}
    logits = differentiable.array([1.0, 2.0])
    with pytest.raises(TypeError, match=rf"logits: .* {own[differentiable.name]}"):
        w.derivatives(w.binary_cross_entropy, logits, [1, 0])


# --- what comes in ---


@pytest.mark.parametrize("kind", [float, np.float32, np.int8, bool])
def test_labels_come_as_boosters_give_them(kind):
    z = np.array([[1.0, -1.0], [0.5, 2.0]])
    y = np.array([1, 0])
    expected = w.derivatives(w.focal_loss, z, y)
    for a, b in zip(w.derivatives(w.focal_loss, z, y.astype(kind)), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_no_whole_number_is_no_label():
    with pytest.raises(ValueError, match=r"targets: .*got targets\[1\] = 0.5"):
        w.derivatives(w.focal_loss, np.ones((2, 2)), [1.0, 0.5])


def test_lists_half_precision_and_one_number():
    found = w.derivatives(w.binary_cross_entropy, [0.0, 0.0], [0, 1])
    assert found.first.tolist() == [0.5, -0.5]
    half = w.derivatives(w.binary_cross_entropy, np.zeros(2, "float16"), [0, 1])
    assert half.second.dtype == "float32"
    one = w.derivatives(w.binary_cross_entropy, np.array(0.0), 1.0)
    assert (one.first, one.second) == (-0.5, 0.25)
    assert one.first.shape == one.loss.shape == ()
    row = w.derivatives(w.cross_entropy, np.zeros(4), 3)
    np.testing.assert_allclose(row.first, [0.25, 0.25, 0.25, -0.75])
    empty = w.derivatives(w.cross_entropy, np.zeros((0, 4)), np.zeros(0, int))
    assert empty.second.shape == (0, 4)


@pytest.mark.parametrize("n", [7, 70_001])
def test_blocks_of_rows_are_all_rows(n, monkeypatch):
    """Large batches are cut; what has an entry a row is cut with them, nothing else."""
    from weightedce.curvature import rows

    random = np.random.default_rng(0)
    z, y = random.normal(size=(n, 2)), random.integers(0, 2, n)
    options = {"sample_weight": random.random(n), "mask": random.random(n) > 0.2}
    calls = [
        (w.cross_entropy, z, y, options | {"class_weight": [1.0, 3.0]}),
        (w.cross_entropy, z, y, options | {"class_weight": "batch"}),
        (w.cross_entropy, z.T.copy(), y, options | {"axis": 0}),
        (w.binary_cross_entropy, z, y[:, None] == [0, 1], {"pos_weight": [1.0, 3.0]}),
        (w.binary_cross_entropy, z[:, 0], y, options | {"pos_weight": 3.0}),
        (w.binary_cross_entropy, z[:, 0], y, {"pos_weight": options["sample_weight"]}),
        (w.cross_entropy, z[:, 0], n - 1, {}),
        (w.cross_entropy, z[:, 0], 3, {}),
        (w.cross_entropy, z.T.copy(), np.eye(2)[y].T.copy(), {"axis": 0}),
    ]
    found = [w.derivatives(loss, *args, **given) for loss, *args, given in calls]
    monkeypatch.setattr(rows, "BLOCK", 10**9 if n > 7 else 4)
    for (loss, *args, given), cut in zip(calls, found, strict=True):
        for a, b in zip(cut, w.derivatives(loss, *args, **given), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14)


def test_an_error_in_a_block_says_where_in_the_batch_it_is():
    y = np.zeros(70_000, int)
    y[66_000] = 7
    with pytest.raises(ValueError, match=r"targets\[66000\] = 7"):
        w.derivatives(w.cross_entropy, np.zeros((70_000, 2)), y)


def test_nothing_that_comes_in_is_changed():
    z, y, weight = np.ones((3, 2)), np.array([0, 1, 0]), np.array([1.0, 2.0])
    copies = z.copy(), y.copy(), weight.copy()
    for loss in (w.cross_entropy, w.focal_loss):
        for array in w.derivatives(loss, z, y, class_weight=weight, label_smoothing=0.1):
            array[:] = 7
    for array, copy in zip((z, y, weight), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_derivatives_are_a_tuple_that_pickles():
    found = w.derivatives(w.binary_cross_entropy, np.zeros(2), [0, 1])
    again = pickle.loads(pickle.dumps(found))
    assert isinstance(again, w.Derivatives)
    np.testing.assert_array_equal(again.second, found.second)


def test_jets_are_told_at_the_door():
    from weightedce.backends import backend_of

    assert backend_of(jets().own(np.zeros(2), 0)) is jets().backend


def test_no_wing_is_opened_before_it_is_asked_for():
    code = "import weightedce, sys; print('weightedce.backends.jet' in sys.modules)"
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said == "False\n"


@pytest.mark.parametrize(
    ("loss", "limit"), [(w.binary_cross_entropy, 0.06), (w.binary_focal_loss, 0.15)]
)
def test_a_million_rows_take_no_longer_than_promised(loss, limit):
    """The processor's time, of the best of some, for others use the machine as well."""
    random = np.random.default_rng(0)
    z, y = random.normal(size=10**6).astype("f"), (random.random(10**6) < 0.1).astype("f")
    seconds = []
    for _ in range(7):
        start = time.process_time()
        w.derivatives(loss, z, y)
        seconds.append(time.process_time() - start)
    assert min(seconds) <= 2 * limit
