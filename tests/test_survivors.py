"""Laws that no test saw broken, found by mutants of the core."""

import numpy as np
import pytest

import weightedce as w
from libraries import LONG
from test_semantics import LABELS, Y, Z, value
from weightedce.call import asked

RANDOM = np.random.default_rng(0)
# the core is one for all libraries: what changes in it, NumPy sees
numpy_alone = pytest.mark.parametrize("library", ["numpy"], indirect=True)
CLASSES = {
    "cross_entropy": {},
    "focal_loss": {},
    "poly_cross_entropy": {},
    "generalized_cross_entropy": {},
    "ldam_cross_entropy": {"counts": [9, 5, 1]},
    "balanced_softmax_cross_entropy": {"counts": [9, 5, 1]},
    "logit_adjusted_cross_entropy": {"prior": [0.6, 0.3, 0.1]},
    "vector_scaling_cross_entropy": {"counts": [9, 5, 1]},
    "seesaw_loss": {"counts": [9, 5, 1]},
}
OUTCOMES = {"tp": [1.0, 2.0, 3.0], "fn": 2.0, "fp": 0.5}
BINARY = {
    "binary_cross_entropy": {},
    "binary_focal_loss": {},
    "asymmetric_loss": {},
    "confusion_cross_entropy": OUTCOMES,
    "distribution_balanced_loss": {"counts": [9, 5, 1], "total": 20.0},
}
OVERLAPS = {
    "recall_specificity_loss": {},
    "tversky_loss": {"fp_weight": 0.25, "fn_weight": 0.75},
    "focal_tversky_loss": {},
    "f_beta_loss": {"beta": 2.0},
    "dice_loss": {},
    "lovasz_loss": {},
    "soft_confusion": {},
}
COSTS = [[0.0, 1.0, 2.0], [3.0, 0.0, 1.0], [9.0, 5.0, -1.0]]
WEIGHTS = {"pos_weight": [2.0, 3.0, 4.0], "neg_weight": [0.5, 1.0, 0.25]}
SHARED = {
    "sample_weight": [1.0, 2.0, 0.5, 3.0],
    "mask": [False, True, True, True],
    "label_smoothing": 0.2,
    "smoothing_weight": "class",
}


IGNORED = {"labels": np.array([2, 0, 7, 1]), "binary": np.where(np.arange(12) == 5, 7, Y.ravel())}


def outcome(name, **options):
    """Return what a loss gives for targets with a 7 among them, or that it refuses."""
    labels, binary = IGNORED["labels"], IGNORED["binary"].reshape(4, 3)
    given = (CLASSES | BINARY | OVERLAPS).get(name, {})
    arrays = (Z, labels if name in CLASSES else binary)
    if name == "expected_cost":
        arrays = Z, labels, COSTS
    if name == "linear_cross_entropy":
        arrays = Z, np.eye(3) + 0.1, labels
    try:
        return np.asarray(getattr(w, name)(*arrays, **given, **options))
    except ValueError:
        return None


@pytest.mark.parametrize(
    "name", [*CLASSES, "expected_cost", "linear_cross_entropy", *BINARY, *OVERLAPS]
)
def test_no_option_is_lost(name):
    weights = WEIGHTS if name in BINARY | OVERLAPS else {"class_weight": [1.0, 2.0, 5.0]}
    every = {**SHARED, **weights, "ignore_index": 7}
    if name not in OVERLAPS:  # which have no reduction, or one over the labels
        every["reduction"] = "sum"
    whole = outcome(name, **every)
    assert np.isfinite(whole).all()
    for option in every:
        left = outcome(name, **{k: v for k, v in every.items() if k != option})
        assert left is None or not np.array_equal(left, whole), option


@pytest.mark.parametrize("name", CLASSES)
def test_the_classes_lie_along_the_last_axis(name):
    z, labels = RANDOM.normal(size=(2, 4, 3)), RANDOM.integers(0, 3, (2, 4))
    loss, options = getattr(w, name), {**CLASSES[name], "class_weight": [1.0, 2.0, 5.0]}
    rows = loss(z.reshape(8, 3), labels.reshape(8), reduction="none", **options)
    got = loss(z, labels, reduction="none", **options)
    np.testing.assert_allclose(got, rows.reshape(2, 4), rtol=1e-14)


@pytest.mark.parametrize("name", BINARY)
def test_the_labels_lie_along_the_last_axis(name):
    z, y = RANDOM.normal(size=(2, 4, 3)), RANDOM.integers(0, 2, (2, 4, 3))
    loss, options = getattr(w, name), {**BINARY[name], **WEIGHTS}
    rows = loss(z.reshape(8, 3), y.reshape(8, 3), reduction="none", **options)
    got = loss(z, y, reduction="none", **options)
    np.testing.assert_allclose(got, rows.reshape(2, 4, 3), rtol=1e-14)


def test_features_lie_along_the_last_axis():
    hidden, weight = RANDOM.normal(size=(2, 4, 3)), RANDOM.normal(size=(5, 3))
    labels = RANDOM.integers(0, 5, (2, 4))
    got = w.linear_cross_entropy(hidden, weight, labels, reduction="none")
    expected = w.cross_entropy(hidden @ weight.T, labels, reduction="none")
    np.testing.assert_allclose(got, expected, rtol=1e-13)


def test_what_comes_after_training_lies_along_the_last_axis():
    z, weight = RANDOM.normal(size=(2, 4, 3)), [1.0, 2.0, 5.0]
    for function in (
        lambda z: w.undo_class_weight(z, weight),
        lambda z: w.undo_pos_weight(z, weight, neg_weight=weight[::-1]),
        lambda z: w.shift_prior(z, old_prior=weight, new_prior=weight[::-1]),
    ):
        np.testing.assert_array_equal(function(z), function(z.reshape(8, 3)).reshape(2, 4, 3))
    y = (z > 0).reshape(8, 3)
    np.testing.assert_array_equal(w.pos_weights(y.reshape(2, 4, 3)), w.pos_weights(y))


@pytest.mark.parametrize(
    ("loss", "targets"), [(w.cross_entropy, LABELS), (w.binary_cross_entropy, Y)]
)
def test_without_weights_the_weight_is_the_count(library, loss, targets):
    total = value(library, loss, Z, targets, reduction="total")
    assert total[1] == total[2] == targets.size
    means = [value(library, loss, Z, targets, reduction=r) for r in ("mean", "weighted_mean")]
    np.testing.assert_allclose(*means, rtol=1e-15)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("loss", "targets"), [(w.cross_entropy, LABELS), (w.binary_cross_entropy, Y)]
)
@pytest.mark.parametrize("mask", [None, [True, False, True, True]])
def test_a_total_is_of_one_dtype(library, loss, targets, dtype, mask):
    total = loss(library.array(Z, dtype), library.array(targets), mask=mask, reduction="total")
    assert {library.dtype_name(x) for x in total} == {dtype}


def test_sums_add_to_their_own_kind_only():
    total = w.cross_entropy(Z, LABELS, reduction="total")
    counts = w.soft_confusion(Z, Y)
    counter = w.ClassCounter(3).update(LABELS)
    for mine, others in ((total, (counts, 1)), (counts, (total, 1)), (counter, (total, 1))):
        for other in others:
            with pytest.raises(TypeError):
                mine + other
            with pytest.raises(TypeError):
                other + mine
        assert 0 + mine is mine


@pytest.mark.parametrize(
    ("loss", "targets"), [(w.cross_entropy, LABELS), (w.binary_cross_entropy, Y)]
)
@pytest.mark.parametrize("reduction", ["sum", "mean", "weighted_mean"])
@pytest.mark.parametrize("how", ["empty", "masked", "weightless"])
def test_nothing_left_is_zero_on_every_library(library, loss, targets, reduction, how):
    left = 0 if how == "empty" else 4
    options = {"masked": {"mask": [False] * 4}, "weightless": {"sample_weight": [0.0] * 4}}
    more = options.get(how, {})
    got = value(library, loss, Z[:left], targets[:left], reduction=reduction, **more)
    assert got == 0.0
    total = loss(library.array(Z[:left]), library.array(targets[:left]), reduction="total", **more)
    assert float(total.mean()) == float(total.weighted_mean()) == 0.0


def test_a_label_without_positives_has_recall_0(library):
    y = Y * [0.0, 1.0, 1.0]
    counts = w.soft_confusion(library.array(Z), library.array(y), axis=-1)
    p = 1 / (1 + np.exp(-Z))
    tp, fp = (y * p).sum(axis=0), ((1 - y) * p).sum(axis=0)
    tn = ((1 - y) * (1 - p)).sum(axis=0)
    recall = np.asarray(counts.recall())
    assert recall[0] == 0.0
    np.testing.assert_allclose(recall[1:], (tp / y.sum(axis=0).clip(1))[1:], rtol=1e-14)
    np.testing.assert_allclose(np.asarray(counts.precision()), tp / (tp + fp), rtol=1e-14)
    np.testing.assert_allclose(np.asarray(counts.specificity()), tn / (tn + fp), rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("ldam_cross_entropy", "counts"),
        ("balanced_softmax_cross_entropy", "counts"),
        ("logit_adjusted_cross_entropy", "prior"),
        ("vector_scaling_cross_entropy", "counts"),
    ],
)
@pytest.mark.parametrize("bad", [[1.0, -1.0, 1.0], [1.0, np.nan, 1.0], [1.0, 1.0], 1.0, [1.0]])
def test_one_number_a_class_and_none_below_0(name, option, bad):
    with pytest.raises(ValueError, match=option):
        getattr(w, name)(Z, LABELS, **{option: bad})


def test_an_absent_class_has_the_largest_margin():
    plain = {"reduction": "none", "scale": 1.0}
    absent = w.ldam_cross_entropy(Z, np.full(4, 2), counts=[9, 5, 0], **plain)
    rare = w.ldam_cross_entropy(Z, np.full(4, 2), counts=[9, 5, 1e-30], max_margin=0.5, **plain)
    np.testing.assert_allclose(absent, rare, rtol=1e-14)
    present = w.ldam_cross_entropy(Z, np.ones(4, int), counts=[9, 5, 0], **plain)
    expected = w.ldam_cross_entropy(Z, np.ones(4, int), counts=[9, 5, 5], **plain)
    np.testing.assert_allclose(present, expected, rtol=1e-14)


@pytest.mark.parametrize("weight", [[2.0, 5.0], 3.0, np.array([0.0, 1.0])])
@numpy_alone
def test_class_weights_of_yes_and_no_are_those_of_two_classes(library, weight):
    z, y = Z[:, 0], Y[:, 0].astype(int)
    options = {"class_weight": weight, "reduction": "none"}
    costs = [[0.0, 1.0], [9.0, -1.0]]
    got = value(library, lambda z, y, **o: w.expected_cost(z, y, costs, **o), z, y, **options)
    pair = np.stack([np.zeros(4), z], axis=-1)
    two = value(library, lambda z, y, **o: w.expected_cost(z, y, costs, **o), pair, y, **options)
    np.testing.assert_allclose(got, two, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("weight", [[1.0, 2.0, 3.0], [[1.0, 2.0]], [1.0]])
def test_other_class_weights_of_yes_and_no_are_named(weight):
    with pytest.raises(ValueError, match="class_weight"):
        w.expected_cost(Z, Y, np.eye(2), class_weight=weight)


def test_integers_of_32_bits_are_taken_to_the_last():
    for index in (-(2**31), 2**31 - 1):
        assert w.cross_entropy(Z, LABELS, ignore_index=index) == w.cross_entropy(Z, LABELS)
    for index in (-(2**31) - 1, 2**31):
        with pytest.raises(ValueError, match="ignore_index"):
            w.cross_entropy(Z, LABELS, ignore_index=index)


def test_a_weight_without_rows_is_named():
    with pytest.raises(ValueError, match=r"weight: expected shape \(V, 3\).*got shape \(0, 3\)"):
        w.linear_cross_entropy(Z, np.zeros((0, 3)), LABELS)


@pytest.mark.parametrize(("loss", "options"), [(w.asymmetric_loss, {}), (w.binary_focal_loss, {})])
@pytest.mark.parametrize("more", [{}, {"clip": 0.0}])
@numpy_alone
def test_a_certain_right_answer_costs_nothing(library, loss, options, more):
    if loss is w.binary_focal_loss and more:
        pytest.skip("has no clip")
    z, y = np.array([-np.inf, np.inf]), np.array([0, 1])
    got = value(library, loss, z, y, reduction="none", **options, **more)
    np.testing.assert_array_equal(got, 0.0)


DEFAULTS = {
    "focal_loss": {"gamma": 2.0},
    "poly_cross_entropy": {"epsilon": 1.0},
    "generalized_cross_entropy": {"q": 0.7},
    "ldam_cross_entropy": {"max_margin": 0.5, "scale": 30.0},
    "logit_adjusted_cross_entropy": {"tau": 1.0},
    "vector_scaling_cross_entropy": {"gamma": 0.15, "tau": 1.0, "scale_by": "class"},
    "seesaw_loss": {"p": 0.8, "q": 2.0},
    "binary_focal_loss": {"gamma": 2.0},
    "asymmetric_loss": {"gamma_pos": 1.0, "gamma_neg": 4.0, "clip": 0.05},
    "confusion_cross_entropy": {"tn": 1.0, "threshold": 0.0, "assignment": "hard"},
    "distribution_balanced_loss": {
        "alpha": 0.1,
        "beta": 10.0,
        "mu": 0.3,
        "kappa": 0.05,
        "scale": 2.0,
    },
    "recall_specificity_loss": {"recall_weight": 0.5, "specificity_weight": 0.5},
    "focal_tversky_loss": {"fp_weight": 0.3, "fn_weight": 0.7, "gamma": 4 / 3},
    "f_beta_loss": {"beta": 1.0},
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_is_not_said_is_the_papers(name):
    given = {} if name in OVERLAPS else (CLASSES | BINARY)[name]
    arrays = Z, LABELS if name in CLASSES else Y
    got = getattr(w, name)(*arrays, **given)
    assert got == getattr(w, name)(*arrays, **given, **DEFAULTS[name])
    for option, number in DEFAULTS[name].items():
        if isinstance(number, float) and "recall" not in name:  # of those the ratio counts
            moved = {**DEFAULTS[name], option: number + 0.04}
            assert got != getattr(w, name)(*arrays, **given, **moved) or option == "threshold"


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("asymmetric_loss", {"clip": 1.0}),
        ("asymmetric_loss", {"clip": -0.1}),
        ("asymmetric_loss", {"gamma_pos": -1.0}),
        ("asymmetric_loss", {"gamma_neg": -1.0}),
        ("binary_focal_loss", {"alpha": 1.5}),
        ("binary_focal_loss", {"alpha": -0.5}),
        ("binary_focal_loss", {"alpha": 0.5, "neg_weight": 2.0}),
        ("poly_cross_entropy", {"epsilon": -1.5}),
        ("generalized_cross_entropy", {"q": 1.5}),
        ("ldam_cross_entropy", {"max_margin": -1.0}),
        ("ldam_cross_entropy", {"scale": 0.0}),
        ("logit_adjusted_cross_entropy", {"tau": -1.0}),
        ("vector_scaling_cross_entropy", {"gamma": -1.0}),
        ("vector_scaling_cross_entropy", {"tau": -1.0}),
        ("vector_scaling_cross_entropy", {"shift": 1.0}),
        ("seesaw_loss", {"p": -0.5}),
        ("seesaw_loss", {"q": 101.0}),
        ("tversky_loss", {"fn_weight": -1.0}),
        ("focal_tversky_loss", {"gamma": 0.0}),
        ("distribution_balanced_loss", {"scale": 0.0}),
        ("distribution_balanced_loss", {"kappa": -1.0}),
        ("distribution_balanced_loss", {"total": 0.5}),
        ("recall_specificity_loss", {"recall_weight": -1.0}),
        ("recall_specificity_loss", {"specificity_weight": -1.0}),
    ],
    ids=str,
)
def test_parameters_outside_their_range_are_named(name, bad):
    given = (CLASSES | BINARY | OVERLAPS)[name] | bad
    with pytest.raises(ValueError, match="|".join(bad)):
        getattr(w, name)(Z, LABELS if name in CLASSES else Y, **given)


def test_parameters_at_the_end_of_their_range_are_taken():
    for name, end in (
        ("asymmetric_loss", {"clip": 0.0, "gamma_pos": 0.0, "gamma_neg": 0.0}),
        ("binary_focal_loss", {"alpha": 1.0, "gamma": 0.0}),
        ("binary_focal_loss", {"alpha": 0.0}),
        ("poly_cross_entropy", {"epsilon": -1.0}),
        ("generalized_cross_entropy", {"q": 1.0}),
        ("ldam_cross_entropy", {"max_margin": 0.0}),
        ("logit_adjusted_cross_entropy", {"tau": 0.0}),
        ("vector_scaling_cross_entropy", {"gamma": 0.0, "tau": 0.0}),
        ("tversky_loss", {"fp_weight": 0.0, "fn_weight": 0.0}),
        ("f_beta_loss", {"beta": 0.0}),
    ):
        given = (CLASSES | BINARY | OVERLAPS)[name] | end
        assert np.isfinite(getattr(w, name)(Z, LABELS if name in CLASSES else Y, **given))


def test_a_logit_at_the_threshold_is_no_alarm():
    outcome = {"tp": 2.0, "fn": 3.0, "fp": 5.0, "tn": 7.0, "threshold": 0.5, "reduction": "none"}
    got = w.confusion_cross_entropy(np.array([0.5, 0.5]), np.array([1, 0]), **outcome)
    np.testing.assert_allclose(got, [3 * np.log1p(np.exp(-0.5)), 7 * np.log1p(np.exp(0.5))])


@pytest.mark.parametrize("axis", [0, 1, -1])
@numpy_alone
def test_costs_of_classes_along_any_axis(library, axis):
    z, labels = RANDOM.normal(size=(2, 4, 3)), RANDOM.integers(0, 3, (2, 4))
    options = {"class_weight": [1.0, 2.0, 5.0], "reduction": "none"}

    def loss(z, labels, **more):
        return w.expected_cost(z, labels, COSTS, **more)

    rows = value(library, loss, z.reshape(8, 3), labels.reshape(8), **options)
    for smoothing in (0.0, 0.1):
        more = {"axis": axis, "label_smoothing": smoothing, **options}
        got = value(library, loss, np.moveaxis(z, -1, axis), labels, **more)
        if not smoothing:
            np.testing.assert_allclose(got, rows.reshape(2, 4), rtol=1e-14)
        soft = np.moveaxis(np.eye(3)[labels], -1, axis)
        again = value(library, loss, np.moveaxis(z, -1, axis), soft, **more)
        np.testing.assert_allclose(got, again, rtol=1e-14)


def test_two_classes_along_a_named_axis_are_no_yes_and_no():
    z, costs = RANDOM.normal(size=(4, 2)), [[0.0, 1.0], [9.0, -1.0]]
    labels = np.array([0, 1, 1, 0])
    got = w.expected_cost(z, np.eye(2)[labels], costs, axis=-1, reduction="none")
    expected = w.expected_cost(z, labels, costs, reduction="none")
    np.testing.assert_allclose(got, expected, rtol=1e-14)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("one_hot", [False, True], ids=["labels", "one-hot"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@numpy_alone
def test_where_no_limit_exists_the_loss_is_nan(library, name, one_hot, smoothing):
    z = np.array([[np.inf, np.inf, 0.0], [-np.inf, -np.inf, -np.inf], [1.0, 2.0, 3.0]])
    labels = np.array([0, 2, 1])
    options = {**CLASSES[name], "label_smoothing": smoothing, "reduction": "none"}
    targets = np.eye(3)[labels] if one_hot else labels
    with np.errstate(invalid="ignore"):
        got = value(library, getattr(w, name), z, targets, **options)
    np.testing.assert_array_equal(np.isnan(got), [True, True, False])


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_where_no_limit_exists_the_gradient_is_nan(differentiable, name, smoothing):
    if differentiable.name == "jax" and not LONG and (smoothing or name != "cross_entropy"):
        pytest.skip("JAX compiles every operation of every loss")
    z = np.array([[np.inf, np.inf, 0.0], [-np.inf, -np.inf, -np.inf], [1.0, 2.0, 3.0]])
    options = {**CLASSES[name], "label_smoothing": smoothing, "reduction": "sum"}
    labels = np.array([0, 2, 1])

    def loss(z, y):
        return getattr(w, name)(z, y, **options)

    for targets in (labels, np.eye(3)[labels]):
        mode = "jit" if differentiable.name == "jax" else "eager"  # one program, not eighty
        slope = differentiable.evaluate(mode, loss, z, [targets], 1, "float64")
        np.testing.assert_array_equal(np.isnan(slope).all(axis=1), [True, True, False])
        assert np.isfinite(slope[2]).all()


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_a_numpy_integer_is_a_number_of_classes(dtype):
    size = np.dtype(dtype).type(3)
    assert w.class_counts([2, 2, 0], size) == [1, 0, 2]
    counter = w.ClassCounter(size).update([2, 2, 0])
    assert counter.counts == [1, 0, 2]
    assert type(counter.num_classes) is int
    with pytest.raises(ValueError, match=r"num_classes.*True"):
        w.ClassCounter(True)


def test_what_was_expected_is_said():
    for call, message in (
        (lambda: w.sample_weights([0, 2], [1.0, 1.0]), r"labels: expected values in 0\.\.1, got"),
        (lambda: w.logit(1.5), r"p: expected values in 0\.\.1, got"),
        (lambda: w.class_counts([3], 3), r"labels: expected values in 0\.\.2, got"),
        (lambda: w.ClassCounter(3).update([3]), r"labels: expected values in 0\.\.2, got"),
        (lambda: w.pos_weights([2.0]), r"targets: expected values in 0\.\.1, got"),
        (
            lambda: w.shift_prior(Z, old_prior=0.5, new_prior=1.5),
            r"new_prior: expected values in 0\.\.1, got",
        ),
        (
            lambda: w.linear_cross_entropy(Z, np.eye(3), LABELS + 1),
            r"targets: expected values in 0\.\.2, got",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            call()


ROWS = RANDOM.normal(size=(2, 4, 3)), RANDOM.normal(size=(5, 3)), RANDOM.integers(0, 5, (2, 4))


@pytest.mark.parametrize(
    "options",
    [
        {"mask": [True, False]},
        {"mask": RANDOM.uniform(size=(2, 4)) < 0.6},
        {"mask": [[1, 0, 1, 1]]},
        {"ignore_index": 1},
        {"sample_weight": [0.5, 2.0]},
        {"sample_weight": RANDOM.uniform(size=(2, 4))},
        {"class_weight": [1.0, 2.0, 0.5, 3.0, 1.0]},
        {"class_weight": 2.0},
        {"target_range": "any"},
    ],
    ids=str,
)
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "distribution"])
@pytest.mark.parametrize("reduction", ["none", "mean", "weighted_mean", "total"])
@numpy_alone
def test_rows_of_two_axes_are_rows(library, options, soft, reduction):
    if soft and "ignore_index" in options:
        pytest.skip("a distribution has no label to ignore")
    hidden, weight, labels = ROWS
    targets = np.eye(5)[labels] * (1.5 if "target_range" in options else 1.0) if soft else labels

    def ours(hidden, weight, targets, **more):
        return w.linear_cross_entropy(hidden, weight, targets, block_size=3, **more)

    given = {**options, "reduction": reduction}
    got = value(library, ours, hidden, weight, targets, **given)
    expected = w.cross_entropy(hidden @ weight.T, targets, **given)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_a_masked_row_of_a_linear_loss_may_hold_anything(library):
    hidden, weight, labels = ROWS
    keep = np.arange(8).reshape(2, 4) % 3 > 0
    soft = np.where(keep[..., None], np.eye(5)[labels], 99.0)
    wild = np.where(keep[..., None], hidden, np.nan)

    def ours(*arrays, **more):
        return w.linear_cross_entropy(*arrays, block_size=3, **more)

    expected = w.cross_entropy((hidden @ weight.T)[keep], labels[keep])
    for targets in (soft, np.where(keep, labels, 99)):
        got = value(library, ours, wild, weight, targets, mask=keep)
        np.testing.assert_allclose(got, expected, rtol=1e-12)
    with pytest.raises(ValueError, match=r"targets.*\[0, 0\] = 99"):
        value(library, ours, hidden, weight, np.where(keep, labels, 99))
    with pytest.raises(ValueError, match=r"targets.*\[0, 0, 0\] = 99"):
        value(library, ours, hidden, weight, soft, mask=np.ones((2, 4), bool))


def test_a_linear_loss_of_one_class_is_0(library):
    got = value(library, w.linear_cross_entropy, Z, Z[:1], np.zeros(4, int), reduction="none")
    np.testing.assert_array_equal(got, np.zeros(4))


def test_targets_of_any_range_are_taken_when_asked_for(library):
    y = Y * 3.0 - 1.0
    softplus = np.logaddexp(0.0, Z)
    got = value(library, w.binary_cross_entropy, Z, y, target_range="any", reduction="none")
    np.testing.assert_allclose(got, y * (softplus - Z) + (1 - y) * softplus, rtol=1e-13)
    q = np.eye(3)[LABELS] * 3.0 - 1.0
    minus_log_p = np.log(np.exp(Z).sum(axis=1, keepdims=True)) - Z
    got = value(library, w.cross_entropy, Z, q, target_range="any", reduction="none")
    np.testing.assert_allclose(got, (q * minus_log_p).sum(axis=1), rtol=1e-13)
    with pytest.raises(ValueError, match=r"target_range.*unit, any.*'all'"):
        w.binary_cross_entropy(Z, Y, target_range="all")


def test_counts_and_losses_mean_the_same_by_default():
    counts = w.soft_confusion(Z, Y)
    assert counts.recall_specificity_loss() == w.recall_specificity_loss(Z, Y)
    assert counts.tversky_loss() == w.tversky_loss(Z, Y) == w.dice_loss(Z, Y)
    assert w.f_beta_loss(Z, Y) == w.dice_loss(Z, Y)


@pytest.mark.parametrize(
    "name", sorted(set(BINARY) - {"distribution_balanced_loss"})
)  # one example
@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean", "total"])
def test_blocks_of_one_size_are_their_rows(name, reduction):
    """Two blocks as they are: their losses can be added by mistake, for "none" too."""
    n = 2**17
    z, y = RANDOM.normal(size=n), RANDOM.integers(0, 2, n)
    options = {**BINARY[name], "tp": 2.0} if "tp" in BINARY[name] else BINARY[name]
    loss = getattr(w, name)
    sample = RANDOM.uniform(size=n)
    got = loss(z, y, sample_weight=sample, reduction=reduction, **options)
    per = sample * np.concatenate(
        [
            loss(z[i : i + 999], y[i : i + 999], reduction="none", **options)
            for i in range(0, n, 999)
        ]
    )
    expected = {
        "none": per,
        "sum": per.sum(),
        "mean": per.sum() / n,
        "weighted_mean": per.sum() / sample.sum(),
        "total": (per.sum(), sample.sum(), n),
    }[reduction]
    assert np.shape(got) == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=1e-11)


@pytest.mark.parametrize("clip", [0.0, 0.05])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0])
@numpy_alone
def test_asymmetric_loss_of_every_power(library, gamma, clip):
    p = np.array([0.9, 0.5, 0.1, 0.01])
    z = np.log(p / (1 - p))
    m = np.maximum(p - clip, 0.0)
    options = {"clip": clip, "reduction": "none", "gamma_pos": gamma, "gamma_neg": gamma}
    got = value(library, w.asymmetric_loss, z, np.zeros(4), **options)
    np.testing.assert_allclose(got, m**gamma * -np.log1p(-m), rtol=1e-12)
    got = value(library, w.asymmetric_loss, z, np.ones(4), **options)
    np.testing.assert_allclose(got, (1 - p) ** gamma * -np.log(p), rtol=1e-12)


def test_pos_weights_without_what_is_masked_and_what_is_ignored(library):
    y = np.array([[0, 1], [7, 0], [1, 7], [0, 0], [0, 1]])
    keep = np.array([True, True, True, True, False])
    got = w.pos_weights(library.array(y), mask=library.array(keep), ignore_index=7)
    np.testing.assert_array_equal(np.asarray(got), [2, 2])


@pytest.mark.parametrize("cap", [0.01, 0.5, 1.0, 30.0])
def test_any_softcap_caps(library, cap):
    hidden, weight, labels = ROWS
    z = cap * np.tanh(hidden @ weight.T / cap)
    got = value(library, w.linear_cross_entropy, hidden, weight, labels, softcap=cap)
    np.testing.assert_allclose(got, w.cross_entropy(z, labels), rtol=1e-13)


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan])
def test_no_parameter_is_infinite(number):
    if not np.isnan(number):  # which stands for what is unknown
        with pytest.raises(ValueError, match="expected"):
            w.binary_cross_entropy(Z, Y, ignore_index=number)
    for call in (
        lambda: w.confusion_cross_entropy(Z, Y, threshold=number),
        lambda: w.focal_loss(Z, LABELS, gamma=number),
        lambda: w.cost_threshold(fp=1, fn=1, tp=number),
        lambda: w.cost_threshold(fp=1, fn=1, tn=number),
        lambda: w.linear_cross_entropy(Z, np.eye(3), LABELS, z_loss=number),
        lambda: w.pos_weights(Y, cap=number),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()


def test_the_scale_of_a_class_that_does_not_occur_is_0():
    options = {"gamma": 1.0, "tau": 0.0, "reduction": "none"}
    got = w.vector_scaling_cross_entropy(Z, LABELS, counts=[2, 0, 4], **options)
    expected = w.cross_entropy(Z * [0.5, 0.0, 1.0], LABELS, reduction="none")
    np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_listed_weights_are_floats_beside_any_labels(library):
    got = w.sample_weights(library.array(LABELS), [1, 2, 3])
    assert "float" in library.dtype_name(got)
    np.testing.assert_array_equal(np.asarray(got), [3, 1, 2, 2])


def test_right_answers_cost_nothing_by_default():
    assert w.cost_threshold(fp=1, fn=9) == w.cost_threshold(tp=0, tn=0, fp=1, fn=9) == 0.1


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "distribution"])
@numpy_alone
def test_expected_costs_are_reduced_like_any_loss(library, soft, smoothing):
    given = {"class_weight": [1.0, 2.0, 5.0], "label_smoothing": smoothing}

    def loss(z, targets, **more):
        return w.expected_cost(z, targets, COSTS, **given, **more)

    targets = np.eye(3)[LABELS] if soft else LABELS
    per = value(library, loss, Z, targets, reduction="none")
    weight = np.array(given["class_weight"])[LABELS].sum()
    expected = {"sum": per.sum(), "mean": per.mean(), "weighted_mean": per.sum() / weight}
    for reduction, number in {**expected, "total": (per.sum(), weight, 4)}.items():
        got = value(library, loss, Z, targets, reduction=reduction)
        np.testing.assert_allclose(got, number, rtol=1e-14)


def test_one_logit_is_undone_too(library):
    got = value(library, lambda z: w.undo_pos_weight(z, 9.0, neg_weight=3.0), np.asarray(0.5))
    assert got.shape == ()
    assert got == pytest.approx(0.5 - np.log(3.0), rel=1e-15)
    shifted = value(
        library, lambda z: w.shift_prior(z, old_prior=0.5, new_prior=0.2), np.asarray(0.5)
    )
    assert shifted == pytest.approx(0.5 - np.log(4.0), rel=1e-14)


def test_a_distribution_outside_is_named_without_a_mask_too(library):
    with pytest.raises(ValueError, match=r"targets.*\[0, 0\] = 2"):
        value(library, w.linear_cross_entropy, Z, np.eye(3), np.full((4, 3), 2.0))


OF_COUNTS = [name for name in OVERLAPS if name not in ("lovasz_loss", "soft_confusion")]
OF_CLASSES = {"class_weight": [1.0, 5.0, 2.0], "background": 0, "absent": "count"}


@pytest.mark.parametrize("option", OF_CLASSES)
@pytest.mark.parametrize("name", OF_COUNTS)
def test_which_classes_a_mean_is_of_reaches_the_counts(name, option):
    labels, own = np.array([0, 1, 1, 0]), OVERLAPS[name]  # the last class is absent
    loss, of_counts = getattr(w, name), getattr(w.soft_confusion(Z, labels), name)
    given = {option: OF_CLASSES[option]}
    got = loss(Z, labels, **own, **given)
    assert got != loss(Z, labels, **own)
    assert got == of_counts(**own, **{"absent": "skip", "reduction": "mean", **given})


@numpy_alone
def test_weights_of_a_batch_of_images_without_the_last_class(library):
    labels = np.array([[0, 1, 1], [1, 0, 1]])
    z = RANDOM.normal(size=(2, 3, 3))
    expected = w.cross_entropy(z, labels, class_weight=w.balanced(w.class_counts(labels, 3)))
    got = value(library, w.cross_entropy, z, labels, class_weight="batch")
    np.testing.assert_allclose(got, expected, rtol=1e-15)


@pytest.mark.parametrize("of", [np.array, list])
def test_a_class_that_does_not_occur_is_taken_for_the_rarest(of):
    """Its margin in LDAM is theirs, and its count in seesaw is 1."""
    z, y = np.zeros((1, 3)), [2]
    found = [w.ldam_cross_entropy(z, y, counts=of([4.0, 1.0, n])) for n in (0.0, 1.0, 2.0)]
    assert found[0] == found[1] > found[2]
    rare = [w.seesaw_loss(Z, LABELS, counts=of([4.0, 1.0, n])) for n in (0.0, 1.0, 1.5)]
    assert rare[0] == rare[1] != rare[2]


def test_a_list_of_as_many_arrays_as_rows_may_be_rows_or_columns():
    pair = [np.array([1.0, 0.0]), np.array([0.0, 1.0])]
    with pytest.raises(ValueError, match="2 arrays, which may be rows or columns"):
        w.binary_cross_entropy(np.zeros((2, 2)), pair)
    one = w.binary_cross_entropy(np.zeros((1, 1)), [np.array([1.0])])
    assert one == pytest.approx(np.log(2))


def test_a_large_batch_goes_by_blocks(monkeypatch):
    """What fails there would be done once more as a whole, and nobody would notice."""
    monkeypatch.delattr(asked.Call, "whole")
    z = RANDOM.normal(size=(2**16, 3))
    expected = np.log1p(np.exp(-z)).mean()
    assert w.binary_cross_entropy(z, np.ones_like(z)) == pytest.approx(expected, rel=1e-12)
