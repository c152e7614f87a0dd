"""Soft counts over classes: a softmax, macro and pooled, weights, a background, empty masks."""

import numpy as np
import pytest

import weightedce as w
from libraries import DIFFERENTIABLE, LIBRARIES
from weightedce.validation import ulp
from weightedce.validation.cases import Case

RANDOM = np.random.default_rng(7)  # the peers' values below are those of these numbers
Z = np.round(RANDOM.normal(size=(2, 3, 4, 4)) * 2, 2)
Y = RANDOM.integers(0, 3, (2, 4, 4))
ABSENT = np.where(Y == 2, 0, Y)
ALL = {
    "dice": (w.dice_loss, {}),
    "tversky": (w.tversky_loss, {"fp_weight": 0.3, "fn_weight": 0.7}),
    "f2": (w.f_beta_loss, {"beta": 2.0}),
    "recall": (w.recall_specificity_loss, {"recall_weight": 3.0, "specificity_weight": 1.0}),
}
every = pytest.mark.parametrize("name", ALL)


def one_hot(labels, axis=1):
    return np.moveaxis(np.eye(3)[labels], -1, axis)


def counts_of(z, q, axis=1):
    """Return the textbook counts of each class."""
    p = np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)
    others = tuple(i for i in range(z.ndim) if i != axis)
    pairs = ((q, p), (q, 1 - p), (1 - q, p), (1 - q, 1 - p))
    return [(a * b).sum(axis=others) for a, b in pairs]


def dice(tp, fn, fp, smooth=0.0):
    return 1 - (2 * tp + smooth) / (2 * tp + fn + fp + smooth)


@every
def test_labels_and_their_one_hot_form_give_the_same_on_any_axis(name):
    loss, own = ALL[name]
    labels = np.where(RANDOM.random(Y.shape) < 0.2, 255, Y)
    shares = one_hot(np.where(labels == 255, 0, labels))
    shares = np.where((labels == 255)[:, None], np.nan, shares)
    options = {
        **own,
        "class_weight": [1.0, 2.0, 4.0],
        "background": 0,
        "sample_weight": RANDOM.uniform(0.5, 2, 2),
        "mask": RANDOM.random(Y.shape) < 0.8,
        "label_smoothing": 0.1,
        "smooth": 0.5,
    }
    for reduction in ("mean", "weighted_mean", "sum", "none", "pooled"):
        given = {**options, "reduction": reduction}
        expected = loss(Z, labels, axis=1, ignore_index=(255, -1), **given)
        soft = loss(Z, shares, axis=1, link="softmax", ignore_index=np.nan, **given)
        np.testing.assert_allclose(soft, expected, rtol=1e-14)
        column = loss(Z, labels[:, None], axis=1, ignore_index=255, **given)
        np.testing.assert_array_equal(column, expected)
        last = loss(np.moveaxis(Z, 1, -1), labels, ignore_index=255, **given)
        np.testing.assert_allclose(last, expected, rtol=1e-13)


def test_two_classes_are_one_question():
    z, y = Z[:, :2], np.minimum(Y, 1)
    options = {"label_smoothing": 0.1, "sample_weight": [1.0, 3.0]}
    for smoothing in ("target", "class"):
        options["smoothing_weight"] = smoothing
        pair = w.soft_confusion(z, y, axis=1, pos_weight=2.0, neg_weight=0.5, **options)
        one = w.soft_confusion(z[:, 1] - z[:, 0], y, pos_weight=2.0, neg_weight=0.5, **options)
        np.testing.assert_allclose([count[1] for count in pair], one, rtol=1e-13)


def test_reductions_are_what_they_say():
    tp, fn, fp, _ = counts_of(Z, one_hot(Y))
    weight = np.array([1.0, 2.0, 4.0])
    each = dice(tp, fn, fp)

    def got(y=Y, **options):
        return w.dice_loss(Z, y, axis=1, **options)

    close = np.testing.assert_allclose
    close(got(reduction="none"), each, rtol=1e-13)
    close(got(), each.mean(), rtol=1e-13)
    close(got(class_weight=weight), (weight * each).mean(), rtol=1e-13)
    close(got(class_weight=weight, reduction="none"), weight * each, rtol=1e-13)
    mean = (weight * each).sum() / weight.sum()
    close(got(class_weight=weight, reduction="weighted_mean"), mean, rtol=1e-13)
    by_class = got(class_weight={1: 2, 2: 4}, reduction="weighted_mean")
    assert by_class == got(class_weight=weight, reduction="weighted_mean")
    close(got(background=0), each[1:].mean(), rtol=1e-13)
    close(got(background=(0, 2), reduction="sum"), each[1], rtol=1e-13)
    pooled = dice(tp.sum(), fn.sum(), fp.sum())
    close(got(reduction="pooled"), pooled, rtol=1e-13)
    generalized = dice(weight @ tp, weight @ fn, weight @ fp)  # Sudre (2017)
    close(got(class_weight=weight, reduction="pooled"), generalized, rtol=1e-13)
    inner = dice(tp[1:].sum(), fn[1:].sum(), fp[1:].sum())
    close(got(background=0, reduction="pooled"), inner, rtol=1e-13)
    counts = np.bincount(Y.ravel(), minlength=3)
    balanced = got(class_weight=w.balanced(counts), reduction="none")
    close(got(class_weight="batch", reduction="none"), balanced, rtol=1e-13)
    frequent = w.balanced(counts[1:], normalize="samples")
    found = got(class_weight="batch", background=0, reduction="none")
    close(found, [0, *(frequent * each[1:])], rtol=1e-13)


def test_an_absent_class_is_skipped_or_counts():
    tp, fn, fp, _ = counts_of(Z, one_hot(ABSENT))
    each = dice(tp, fn, fp)
    assert each[2] == 1.0
    assert w.dice_loss(Z, ABSENT, axis=1) == pytest.approx(each[:2].mean(), rel=1e-13)
    counting = w.dice_loss(Z, ABSENT, axis=1, absent="count", smooth=1.0)
    assert counting == pytest.approx(dice(tp, fn, fp, 1.0).mean(), rel=1e-13)
    labels = one_hot(ABSENT)
    skipping = w.dice_loss(Z, labels, axis=1, absent="skip", reduction="none")
    assert skipping[2] == 0.0
    assert w.dice_loss(Z[:, 2], labels[:, 2], absent="skip") == 0.0
    batch = w.dice_loss(Z, ABSENT, axis=1, class_weight="batch", reduction="none")
    np.testing.assert_allclose(batch, [*(w.balanced(np.bincount(ABSENT.ravel())) * each[:2]), 0])


def test_an_empty_mask_that_is_left_empty_costs_nothing_with_smooth():
    empty, far = np.zeros(8), np.full(8, -60.0)
    assert w.dice_loss(far, empty) == 1.0
    assert w.dice_loss(far, empty, smooth=1.0) < 1e-20
    assert w.dice_loss(np.zeros(8), empty, smooth=1.0) == pytest.approx(4 / 5)
    for loss, own in ALL.values():
        counts = w.soft_confusion(Z, Y, axis=1)
        by_hand = getattr(counts, loss.__name__)(smooth=2.0, absent="skip", reduction="mean", **own)
        assert loss(Z, Y, axis=1, smooth=2.0, **own) == by_hand
    a, b, s = 0.3, 0.7, 0.5
    tp, fn, fp, tn = w.soft_confusion(Z[:, 0], Y == 0)
    got = w.tversky_loss(Z[:, 0], Y == 0, fp_weight=a, fn_weight=b, smooth=s)
    assert got == pytest.approx(1 - (tp + s) / (tp + a * fp + b * fn + s), rel=1e-13)
    got = w.f_beta_loss(Z[:, 0], Y == 0, beta=2.0, smooth=s)
    assert got == pytest.approx(1 - (5 * tp + s) / (5 * tp + fp + 4 * fn + s), rel=1e-13)
    got = w.recall_specificity_loss(Z[:, 0], Y == 0, smooth=s)
    assert got == pytest.approx(fn / (tp + fn + s) / 2 + fp / (tn + fp + s) / 2, rel=1e-13)


def test_macro_recall_is_the_balanced_accuracy_of_sure_answers():
    decided = Z.argmax(axis=1)
    sure = np.where(one_hot(decided) > 0, 200.0, -200.0)
    recall = [(decided[k == Y] == k).mean() for k in range(3)]
    missed = {"recall_weight": 1, "specificity_weight": 0}
    got = w.recall_specificity_loss(sure, Y, axis=1, **missed)
    assert got == pytest.approx(1 - np.mean(recall), rel=1e-13)


@pytest.mark.parametrize("name", [name for name in DIFFERENTIABLE if name != "jax"])
def test_saturated_logits_keep_their_digits(name):
    differentiable = DIFFERENTIABLE[name]  # of JAX eagerly: it takes 8 s
    z, y = np.array([[50.0, 0.0, 0.0], [0.0, 50.0, 0.0], [0.0, 0.0, np.inf]]), np.arange(3)
    missed = {"recall_weight": 1, "specificity_weight": 0}

    def loss(z, y):
        return w.recall_specificity_loss(z, y, **missed)

    value = differentiable.evaluate("eager", loss, z, [y])
    assert value == pytest.approx(4 / 3 * np.exp(-50), rel=1e-14)
    slope = np.exp(-50) / 3 * np.array([[-2, 1, 1], [1, -2, 1], [0, 0, 0]])
    got = differentiable.evaluate("eager", loss, z, [y], order=1)
    np.testing.assert_allclose(got, slope, rtol=1e-13)


CASE = Case(
    "tversky_loss",
    np.round(RANDOM.normal(size=(5, 3)) * 3, 2),
    np.array([0, 1, 0, 0, 1]),
    options={"link": "softmax", "fp_weight": 0.25, "fn_weight": 0.75},
    mask=np.array([1, 1, 1, 0, 1], dtype=bool),
)
WAYS = [
    pytest.param(library, mode, id=f"{name}-{mode}")
    for name, library in DIFFERENTIABLE.items()
    for mode in {"jax": ["jit"], "torch": ["eager", "compile"], "tensorflow": ["eager"]}[name]
]


@pytest.mark.parametrize(("library", "mode"), WAYS)
def test_value_gradient_and_second_derivative_where_a_class_is_absent(library, mode):
    """By the mean over the classes that are there; against 600 digits."""

    def loss(z, y, keep):
        options = {"fp_weight": 0.25, "fn_weight": 0.75, "mask": keep}
        return w.tversky_loss(z, y, reduction="sum", **options)

    orders = library.orders(mode)[: 2 if mode == "compile" else 3]
    run = library.prepare(mode, loss, tuple(orders), 3)
    arrays = [library.array(x, "float64") for x in (CASE.logits, CASE.targets, CASE.mask)]
    for order, got in zip(orders, run(*arrays), strict=True):
        exact, found = CASE.expected(order), library.numpy(got)
        if order == 0:
            assert found == pytest.approx(float(sum(exact.number)), rel=1e-14)
            continue
        distances = ulp.distances(found, exact, "float64")
        assert (distances <= CASE.limits(order)).all(), (order, distances.max())


@pytest.mark.parametrize("name", ["numpy", "strict", *(["torch"] if "torch" in LIBRARIES else [])])
def test_counts_of_classes_add_up_over_parts_and_devices(name):
    library = LIBRARIES[name]
    z, y = library.array(Z), library.array(Y)
    options = {"class_weight": [1.0, 2.0, 4.0], "background": 0}
    whole = w.tversky_loss(z, y, axis=1, fp_weight=0.3, fn_weight=0.7, **options)
    parts = [w.soft_confusion(z[i : i + 1, ...], y[i : i + 1, ...], axis=1) for i in (0, 1)]
    total = sum(parts).across()
    macro = total.tversky_loss(
        fp_weight=0.3, fn_weight=0.7, absent="skip", reduction="mean", **options
    )
    np.testing.assert_allclose(float(macro), float(whole), rtol=1e-14)
    pooled = total.pooled(**options).dice_loss()
    other = w.dice_loss(z, y, axis=1, reduction="pooled", **options)
    np.testing.assert_allclose(float(pooled), float(other), rtol=1e-14)


# Of segmentation_models_pytorch 0.6.0, MONAI 1.6.1, kornia 0.9.0 (one image), torchmetrics 1.9.0
# (of decisions) and Keras 3.15.1 for Z and Y above; where ours says other than the defaults, the
# page of the loss says why.
BATCH, ONE = (Z, Y), (Z[:1], Y[:1])
SURE = (np.where(one_hot(Z.argmax(axis=1)) > 0, 200.0, -200.0), Y)
N = np.bincount(Y.ravel(), minlength=3).astype(float)
JACCARD = {"fp_weight": 1, "fn_weight": 1}
UNEVEN = {"fp_weight": 0.3, "fn_weight": 0.7}
LOST = {"recall_weight": 1, "specificity_weight": 0}
PEERS = {
    "smp dice": (0.697841303692, w.dice_loss, BATCH, {}),
    "smp dice, smooth=1": (0.636387032759, w.dice_loss, BATCH, {"smooth": 2}),
    "smp dice, classes": (0.624738235724, w.dice_loss, BATCH, {"background": 0}),
    "smp dice, ignored": (
        0.381148973316 * 3 / 2,
        w.dice_loss,
        BATCH,
        {"ignore_index": 0},
    ),
    "smp dice, absent": (0.408075337091 * 3 / 2, w.dice_loss, (Z, ABSENT), {}),
    "smp tversky": (0.703904492877, w.tversky_loss, BATCH, UNEVEN),
    "smp jaccard": (0.816867418909, w.tversky_loss, BATCH, JACCARD),
    "smp multilabel": (0.647670522648, w.dice_loss, (Z, one_hot(Y)), {}),
    "monai dice": (0.697840966304, w.dice_loss, BATCH, {"smooth": 1e-5}),
    "monai foreground": (0.624737938902, w.dice_loss, BATCH, {"smooth": 1e-5, "background": 0}),
    "monai weight": (
        1.304028209071,
        w.dice_loss,
        BATCH,
        {"smooth": 1e-5, "class_weight": [1, 2, 3]},
    ),
    "monai absent": (
        0.741408202716,
        w.dice_loss,
        (Z, ABSENT),
        {"smooth": 1e-5, "absent": "count"},
    ),
    "monai tversky": (0.703903799104, w.tversky_loss, BATCH, {**UNEVEN, "smooth": 1e-5}),
    "monai jaccard": (0.816867188944, w.tversky_loss, BATCH, {**JACCARD, "smooth": 5e-6}),
    "monai generalized": (
        0.756698834642,
        w.dice_loss,
        BATCH,
        {"reduction": "pooled", "class_weight": N**-2},
    ),
    "kornia dice": (0.740932618240, w.dice_loss, ONE, {"reduction": "pooled"}),
    "kornia macro": (0.738052423676, w.dice_loss, ONE, {}),
    "kornia weight": (
        0.703101287628,
        w.dice_loss,
        ONE,
        {"class_weight": [1, 2, 3], "reduction": "weighted_mean"},
    ),
    "kornia tversky": (0.747892313428, w.tversky_loss, ONE, UNEVEN),
    "keras dice": (0.687715181467, w.dice_loss, BATCH, {"reduction": "pooled"}),
    "keras dice, axis": (0.697841303692, w.dice_loss, BATCH, {}),
    "torchmetrics dice": (0.756734006734, w.dice_loss, SURE, {}),
    "torchmetrics recall": (0.772727272727, w.recall_specificity_loss, SURE, LOST),
}


@pytest.mark.parametrize("name", PEERS)
def test_values_of_peers(name):
    value, loss, batch, options = PEERS[name]
    assert loss(*batch, axis=1, **options) == pytest.approx(value, abs=2e-12)


BAD = {
    "link": (r"link: .*sigmoid, softmax.*'tanh'", lambda: w.dice_loss(Z, Y, link="tanh")),
    "axis": (r"pass axis=1", lambda: w.dice_loss(Z, Y)),
    "label": (r"targets\[0, 0, 0\] = 3", lambda: w.dice_loss(Z, Y * 0 + 3, axis=1)),
    "weights": (
        r"class_weight: .*shape \(3,\).*\(2,\)",
        lambda: w.dice_loss(Z, Y, axis=1, class_weight=[1, 2]),
    ),
    "one problem": (
        r"class_weight: .*one problem.*axis",
        lambda: w.dice_loss(Z, one_hot(Y), class_weight=[1, 2, 3]),
    ),
    "background": (r"background: .*0\.\.2, got 3", lambda: w.dice_loss(Z, Y, axis=1, background=3)),
    "pooled": (r"background: .*one", lambda: w.soft_confusion(Z, Z > 0).pooled(background=0)),
    "absent": (r"absent: .*skip, count", lambda: w.dice_loss(Z, Y, axis=1, absent="ignore")),
    "absent, no": (
        r"absent: .*skip, count, got False",
        lambda: w.dice_loss(Z, Y, axis=1, absent=False),
    ),
    "beta": (r"beta: .*<= 1000000000.0, got", lambda: w.f_beta_loss(Z, Y, axis=1, beta=1e200)),
    "smooth": (r"smooth: .*-1", lambda: w.tversky_loss(Z, Y, axis=1, smooth=-1)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    message, call = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("axis", [(1,), 1.0, "1", True, np.array([1])])
def test_an_axis_is_an_integer(axis):
    with pytest.raises(TypeError, match=r"axis: expected an integer, got"):
        w.dice_loss(Z, Y, axis=axis)


@pytest.mark.parametrize("name", LIBRARIES)
def test_several_classes_are_numbers_of_any_library(name):
    if name == "strict":
        pytest.skip("its integers are no Python's")
    several = LIBRARIES[name].array(np.array([0, 2]), "int64")
    found = w.dice_loss(Z, Y, axis=1, background=several)
    assert found == w.dice_loss(Z, Y, axis=1, background=[0, 2])
    found = w.dice_loss(Z, Y, axis=1, ignore_index=several)
    assert found == w.dice_loss(Z, Y, axis=1, ignore_index=(0, 2))
    with pytest.raises(TypeError, match=r"background: expected an integer, got bool"):
        w.dice_loss(Z, Y, axis=1, background=np.array([True, False, False]))


def test_torch_takes_its_own_shapes():
    torch = pytest.importorskip("torch")
    modules = pytest.importorskip("weightedce.torch")
    z, y = torch.tensor(Z), torch.tensor(Y)
    options = {"class_weight": {1: 2.0, 2: 4.0}, "background": 0, "ignore_index": (255, -1)}
    y[0, 0, 0] = 255
    criterion = modules.TverskyLoss(fp_weight=0.3, fn_weight=0.7, **options)
    expected = w.tversky_loss(Z, y.numpy(), axis=1, fp_weight=0.3, fn_weight=0.7, **options)
    for target in (y, y[:, None]):
        torch.testing.assert_close(criterion(z, target).item(), expected.item())
    soft = modules.DiceLoss(link="softmax", class_weight="batch")(z, torch.tensor(one_hot(Y)))
    expected = w.dice_loss(Z, Y, axis=1, class_weight="batch")
    torch.testing.assert_close(soft.item(), expected.item())
    sample = modules.RecallSpecificityLoss()(z, torch.tensor(Y), sample_weight=[1.0, 3.0])
    expected = w.recall_specificity_loss(Z, Y, axis=1, sample_weight=[1.0, 3.0])
    torch.testing.assert_close(sample.item(), expected.item())
    each, expected = modules.DiceLoss()(z, torch.tensor(one_hot(Y))), w.dice_loss(Z, one_hot(Y))
    torch.testing.assert_close(each.item(), expected.item())
    with pytest.raises(ValueError, match=r"target: .*\(2, 4, 4\)"):
        modules.DiceLoss()(z, torch.tensor(Y)[:, :, :3])
