"""Every kernel against exact numbers: the fixed cases, at the points where formulas break."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from interpreted import LONG, by_kernel, composed, off

from weightedce.backends.torch.triton.rows import finish
from weightedce.validation import hard_points, ulp
from weightedce.validation.binding import array_arguments, constants
from weightedce.validation.problems import CaseProblem

# where the interpreter looks for the maximum
pytestmark = pytest.mark.filterwarnings("ignore:All-NaN slice:RuntimeWarning")
LOSSES = (
    "cross_entropy",
    "focal_loss",
    "binary_cross_entropy",
    "binary_focal_loss",
    "asymmetric_loss",
    "poly_cross_entropy",
    "generalized_cross_entropy",
    "logit_adjusted_cross_entropy",
    "balanced_softmax_cross_entropy",
    "ldam_cross_entropy",
    "vector_scaling_cross_entropy",
)
COMPOSED = [  # of masses, with more than their logarithms
    f"{loss}-full-{i}"
    for loss, ways in {
        "focal_loss": 2,
        "poly_cross_entropy": 2,
        "generalized_cross_entropy": 3,
        "ldam_cross_entropy": 3,
    }.items()
    for i in range(1, ways + 1)
]
CASES = [
    pytest.param(case, id=f"{loss}-{name}")
    for loss in LOSSES
    for name, case in hard_points.cases(loss).items()
    if f"{loss}-{name}" not in COMPOSED and "each" not in name  # a smoothing of each class: too
]


def shorter(case):
    """Leave each second row of those that mix points, which are drawn, to the long run."""
    rows = np.arange(len(case.logits))
    rows = rows[(rows < 51) | (rows % 2 == 0) | LONG]
    by_row = {
        name: getattr(case, name)[rows]
        for name in ("logits", "targets", "sample_weight", "mask")
        if getattr(case, name) is not None
    }
    return replace(case, **by_row)


def given(case):
    arrays = array_arguments(case)
    return case.logits, arrays.pop("targets"), arrays | constants(case)


SOME = ("full-1", "full-3", "finite")
FEW = ("cross_entropy-full-1", "binary_cross_entropy-full-1")


@pytest.mark.parametrize(
    ("case", "dtype"),
    [pytest.param(*x.values, "float32", id=f"{x.id}-float32") for x in CASES]
    + [
        pytest.param(*x.values, "bfloat16", id=f"{x.id}-bfloat16")
        for x in CASES
        if (x.id.endswith(SOME) if LONG else x.id in FEW)
    ],
)
def test_value_and_gradient_are_the_truth(case, dtype):
    case = shorter(case).rounded(dtype)
    z, y, options = given(case)
    problem = CaseProblem("", case)
    for order, got in enumerate(by_kernel(case.loss, z, y, dtype=dtype, **options)):
        kind = ulp.result_dtype(dtype, order)
        found = ulp.distances(got, problem.expected(order), kind)
        assert (found <= problem.limits(order)).all()


# labels and elements; of numbers, a margin and a scale of each class, which are read by themselves
HALF = ("cross_entropy", "binary_cross_entropy", "asymmetric_loss", "ldam_cross_entropy")
HALF += ("vector_scaling_cross_entropy",)


@pytest.mark.parametrize(
    "case",
    [
        x
        for x in CASES
        if x.id.endswith("finite") and (LONG or x.id.removesuffix("-finite") in HALF)
    ],
)
def test_half_precision_is_read_as_it_is_and_its_gradient_rounded_once(case):
    z, y, options = given(case)
    z = np.clip(z, -1000, 1000).astype("float16")
    options = {
        k: v.astype("float16") if isinstance(v, np.ndarray) else v for k, v in options.items()
    }
    half = by_kernel(case.loss, z, y, dtype="float16", **options)
    single = by_kernel(case.loss, z.astype("float32"), y, **options)
    np.testing.assert_array_equal(half[0], single[0])
    np.testing.assert_array_equal(half[1], single[1].astype("float16"))


SIZES = [(7, 1), (9, 2), (130, 3), (3, 1000), (2, 1024), (2, 1025)]
HOW = ("plain", "sure", "rising", "far", "ties")


def logits_of(how, rows, classes):
    rng = np.random.default_rng(rows * classes)
    z = rng.normal(size=(rows, classes)).astype("float32")
    if how == "sure":  # all but one far below
        z -= 40.0
        z[:, -1] = 3.0
    elif how == "rising":  # the maximum changes in each block, up to the last class
        z += np.linspace(-60.0, 0.0, classes, dtype="float32")
    elif how == "far":
        z *= 60.0
    elif how == "ties":
        z = np.round(z)
    return z


BATCHES = [
    (*size, how)
    for size in SIZES
    for how in HOW
    if LONG or how == "rising" or size == (130, 3) or (size == (3, 1000) and how == "sure")
] + [(2, 50257 if LONG else 8193, "rising")]  # blocks of 4096, the last of one class


@pytest.mark.parametrize(("rows", "classes", "how"), [*BATCHES, (2, BATCHES[-1][1], "sure")])
def test_labels_of_few_and_of_many_classes(rows, classes, how):
    z = logits_of(how, rows, classes)
    y = np.array([0, classes - 1, *np.arange(rows)])[:rows] % classes
    found = by_kernel("cross_entropy", z, y, reduction="none")
    truth = composed("cross_entropy", z, y, reduction="none")
    assert off(found[0], truth[0]) <= ulp.PER_ELEMENT
    assert off(found[1], truth[1]) <= ulp.PER_ELEMENT


def turned(z):
    """Return logits with the classes apart, 32 of all rows in a block; side by side it is 4096."""
    return z.T[None]


@pytest.mark.parametrize("classes", [1, 3, 35, *[4100] * LONG])
@pytest.mark.parametrize("kind", ["labels", "soft"])
def test_limits_at_infinite_logits_and_nan_where_there_is_none(kind, classes):
    inf, nan = np.inf, np.nan
    rows = [[inf, inf, 0], [-inf] * 3, [inf, 0, -inf], [0, -inf, 0], [nan, 0, 0], [0, 0, inf]]
    z = np.repeat(np.array(rows, "float32"), 3, axis=0)
    y = np.tile([0, 1, 2], len(rows))
    if classes == 1:
        z, y = z[:, :1], 0 * y
    elif classes > 3:  # the last in another block than the first
        middle = np.repeat(z[:, 1:2], classes - 3, axis=1)
        middle[np.isinf(middle)] = -inf
        z, y = np.concatenate([z[:, :2], middle, z[:, 2:]], axis=1), y + (y == 2) * (classes - 3)
    if kind == "soft":
        y = np.eye(classes, dtype="float32")[y]
    value, gradient = composed("cross_entropy", z, y, reduction="none")
    if classes == 35:
        (found,), (slope,) = by_kernel(
            "cross_entropy", turned(z), turned(y), axis=1, reduction="none"
        )
        found = found, slope.T
    else:
        found = by_kernel("cross_entropy", z, y, reduction="none")
    gradient[np.isnan(value)] = nan  # as the oracle has it
    assert off(found[0], value) <= ulp.PER_ELEMENT
    assert off(found[1], gradient) <= ulp.PER_ELEMENT


def terms(z, y, weight, kind):
    """Return the larger of what a gradient of masses is the difference of."""
    own, rows = np.zeros(z.shape), np.arange(len(z))
    if kind == "soft":
        own[:] = y * weight
    else:
        own[rows, y] = (1 - SMOOTHING) * weight[y]
        share = SMOOTHING / z.shape[1]
        own += share * (weight[y][:, None] if kind == "target" else weight)
    p = np.exp(z - z.max(1, keepdims=True).astype("float64"))
    p /= p.sum(1, keepdims=True)
    whole = own.sum(1, keepdims=True)
    far = np.maximum(whole * p, own)
    return np.where(p > 0.5, np.maximum(whole * (1 - p), whole - own), far)


SMOOTHING = 0.125  # so that 1 - e is exact


# how the masses came about is one number a class: a logit of each size shows it
MASSES = [
    (*batch, kind)
    for kind in ("soft", "target", "class")
    for batch in BATCHES
    if kind == "soft" or (batch[2] == "rising" and (LONG or batch[1] < 8193))
]


@pytest.mark.parametrize(("rows", "classes", "how", "kind"), MASSES)
def test_masses_of_few_and_of_many_classes(rows, classes, how, kind):
    rng = np.random.default_rng(classes)
    z = logits_of(how, rows, classes)
    y = np.array([0, classes - 1, *np.arange(rows)])[:rows] % classes
    weight = rng.uniform(0.5, 2.0, classes).astype("float32")
    options = {"class_weight": weight, "label_smoothing": SMOOTHING, "smoothing_weight": kind}
    if kind == "soft":
        y = rng.dirichlet(np.full(classes, 0.1), rows).astype("float32")
        options |= {"smoothing_weight": "target", "label_smoothing": 0.0}
    found = by_kernel("cross_entropy", z, y, reduction="none", **options)
    truth = composed("cross_entropy", z, y, reduction="none", **options)
    assert off(found[0], truth[0]) <= ulp.PER_ELEMENT
    assert off(found[1], truth[1], scale=terms(z, y, weight, kind)) <= ulp.PER_ELEMENT


@pytest.mark.parametrize(("rows", "classes"), [(130, 3), (7, 40), *[(4, 4100)] * LONG])
@pytest.mark.parametrize("how", ["rising", "far", "high"])
@pytest.mark.parametrize("smoothing", [0.0, SMOOTHING])
def test_what_a_prior_moves_keeps_its_digits(rows, classes, how, smoothing):
    rng = np.random.default_rng(classes)
    z = logits_of("far" if how == "high" else how, rows, classes)
    z += 3000.0 * (how == "high")
    counts = np.exp(rng.uniform(0.0, 12.0, classes)).astype("float32")
    # sums that are ties, but for their rounding, in the first block of classes and in the last
    z[:2, :] = -500.0
    for row, ends in enumerate(([0, -1], [0, -2])):
        z[row, ends] = 500.0 - 1.5 * np.log(counts[ends])
    y = np.array([0, classes - 1, *np.arange(rows)])[:rows] % classes
    options = {"prior": counts, "tau": 1.5, "reduction": "none", "label_smoothing": smoothing}
    if classes == 40:
        found = by_kernel("logit_adjusted_cross_entropy", turned(z), turned(y), axis=1, **options)
        found = found[0][0], found[1][0].T
    else:
        found = by_kernel("logit_adjusted_cross_entropy", z, y, **options)
    truth = composed("logit_adjusted_cross_entropy", z, y, **options)
    assert off(found[0], truth[0]) <= ulp.PER_ELEMENT
    own = np.zeros(z.shape)
    if smoothing:
        own += smoothing / classes
        own[np.arange(rows), y] += 1 - smoothing
        own = np.maximum(own, np.abs(truth[1]))
    assert off(found[1], truth[1], scale=own) <= ulp.PER_ELEMENT


@pytest.mark.parametrize("smoothing", [0.0, SMOOTHING])
def test_a_class_that_does_not_occur_has_no_part_in_it_at_whatever_logit(smoothing):
    inf, nan = np.inf, np.nan
    rows = [[inf, 0, 1], [0, inf, 1], [inf, inf, 0], [inf, -inf, 0], [-inf, 0, 1]]
    rows += [[inf, inf, inf], [inf, -inf, -inf], [nan, 0, 1]]
    z = np.repeat(np.array(rows, "float32"), 2, axis=0)
    y, options = np.tile([1, 2], len(rows)), {"reduction": "none", "label_smoothing": smoothing}
    options |= {"counts": [0.0, 3.0, 1.0]}
    found = by_kernel("balanced_softmax_cross_entropy", z, y, **options)
    value, gradient = composed("balanced_softmax_cross_entropy", z, y, **options)
    gradient[np.isnan(value)] = nan  # as the oracle has it
    assert off(found[0], value) <= ulp.PER_ELEMENT
    # to the logit of that class composed has 0 for smoothed mass, which no probability makes up for
    gradient[:, 0] = np.where(np.isnan(value), nan, -smoothing / 3)
    assert off(found[1], gradient) <= ulp.PER_ELEMENT


@pytest.mark.parametrize("margin", [0.0, 0.5, 40.0, 150.0])
def test_margins_keep_their_digits(margin):
    z = np.zeros((200, 3), "float32")
    z[:, 0] = np.concatenate([np.linspace(-160, 80, 196), [-1e-6, 1e-6, 0.5, 1.0]])
    z[::2, 1] = -2.0
    y, options = np.arange(200) % 2, {"counts": [1.0, 81.0, 16.0], "scale": 1.0}
    options |= {"max_margin": margin, "reduction": "none"}
    found = by_kernel("ldam_cross_entropy", z, y, **options)
    truth = composed("ldam_cross_entropy", z, y, **options)
    assert off(found[0], truth[0]) <= ulp.PER_ELEMENT
    assert off(found[1], truth[1]) <= ulp.PER_ELEMENT


def test_a_margin_that_float32_cannot_hold_is_composed():
    given = {"counts": [1.0, 2.0, 3.0], "max_margin": 10.0, "scale": 17.0}
    with pytest.raises(AssertionError, match="no kernel"):
        by_kernel("ldam_cross_entropy", np.zeros((2, 3), "float32"), np.array([0, 1]), **given)


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        (kind, how)
        for kind in ("labels", "target", "class", "soft")
        for how in HOW
        if LONG or how in ("rising", "sure")
    ],
)
def test_classes_that_do_not_lie_side_by_side(kind, how):
    rng = np.random.default_rng(0)
    rows, classes = 5, 65  # in blocks of 32
    z, y = logits_of(how, rows, classes), np.array([0, 64, 50, 31, 32])
    weight = rng.uniform(0.5, 2.0, classes).astype("float32")
    options = {"class_weight": weight, "reduction": "none"}
    if kind == "soft":
        y = rng.dirichlet(np.full(classes, 0.1), rows).astype("float32")
    elif kind != "labels":
        options |= {"label_smoothing": SMOOTHING, "smoothing_weight": kind}
    value, gradient = by_kernel("cross_entropy", turned(z), turned(y), axis=1, **options)
    truth = composed("cross_entropy", z, y, **options)
    assert off(value[0], truth[0]) <= ulp.PER_ELEMENT
    scale = 0.0 if kind == "labels" else terms(z, y, weight, kind)
    assert off(gradient[0].T, truth[1], scale=scale) <= ulp.PER_ELEMENT


@pytest.mark.parametrize("gamma", [0.3, 0.5, 1.0, 1.7, 2.0, 3.0, 4.0, 5.0])
def test_powers_keep_their_digits(gamma):
    z = np.concatenate([np.linspace(-85, 85, 150), [-1e-6, 1e-6]]).astype("float32")
    y = np.arange(len(z)) % 2 * 1.0
    found = by_kernel("binary_focal_loss", z, y, gamma=gamma, reduction="none")
    truth = composed("binary_focal_loss", z, y, gamma=gamma, reduction="none")
    limit = 2 * ulp.PER_ELEMENT if gamma < 3 else 4 * ulp.PER_ELEMENT
    assert max(off(x, t) for x, t in zip(found, truth, strict=True)) <= limit
    rows = np.stack([z, np.zeros_like(z)], axis=1)
    found = by_kernel("focal_loss", rows, y.astype(int), gamma=gamma, reduction="none")
    truth = composed("focal_loss", rows, y.astype(int), gamma=gamma, reduction="none")
    assert max(off(x, t) for x, t in zip(found, truth, strict=True)) <= limit


@pytest.mark.parametrize("q", [2.0**-10, 0.1, 0.5, 0.7, 1.0])
def test_powers_of_a_probability_keep_their_digits(q):
    z = np.zeros((160, 3), "float32")
    z[:, 0] = np.concatenate([np.linspace(-90, 90, 152), [-900, 900, -1e-6, 1e-6, 17, -17, 0, 40]])
    z[::2] += 700.1
    y = np.arange(160) % 2
    found = by_kernel("generalized_cross_entropy", z, y, q=q, reduction="none")
    truth = composed("generalized_cross_entropy", z, y, q=q, reduction="none")
    assert off(found[0], truth[0]) <= ulp.PER_ELEMENT
    assert off(found[1], truth[1]) <= ulp.PER_ELEMENT


def test_a_sum_of_many_loses_no_digits():
    # one number each that hides all that come after it
    partial = np.full((30_000, 3), [0.3, 0.3, 1.0], "float32")
    partial[:1024] = [1e7, 2e7, 2.0**24]
    loss, sums = torch.empty(()), torch.empty(2)
    finish[(1,)](torch.tensor(partial), loss, sums, len(partial), DIVISOR=0, BLOCK=1024)
    right = partial.sum(0, dtype="float64")
    assert off([loss.item(), *sums.tolist()], right) <= 4
    partial = partial[:2000]
    partial[7, 0] = np.inf
    finish[(1,)](torch.tensor(partial), loss, sums, len(partial), DIVISOR=2, BLOCK=1024)
    assert loss.item() == np.inf
