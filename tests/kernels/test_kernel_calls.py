"""What the operators do with the arguments of a call, beside the composed form in float64."""

import numpy as np
import pytest
import torch
from batches import (
    BINARY,
    CALLS,
    CLASSES,
    INF,
    KERNELS,
    MASK,
    NAN,
    OVER_CLASSES,
    REDUCTIONS,
    RNG,
    ROWS,
    SAMPLE,
    SOFT,
    SOME,
    WEIGHT,
    Y,
    Z,
    alike,
)
from interpreted import LONG, by_kernel, composed, same, tensor

import weightedce as w

ALSO_ALONE = [(name, "weighted_mean") for name in (CALLS if LONG else KERNELS)]


@pytest.mark.parametrize(
    ("name", "reduction"),
    [(x, y) for x in CALLS for y in (REDUCTIONS if x in KERNELS else ("weighted_mean",))],
)
def test_every_reduction_with_weights_and_masks(name, reduction):
    loss, y, options = CALLS[name]
    options = {**options, "reduction": reduction, "sample_weight": SAMPLE, "mask": MASK}
    if name in OVER_CLASSES:
        options["class_weight"] = WEIGHT
    elif "alpha" not in options:
        options |= {"pos_weight": WEIGHT, "neg_weight": 0.5}
    given = {"upstream": 3.0, **options}
    alike(by_kernel(loss, Z, y, **given), composed(loss, Z, y, **given))
    for gone in ("sample_weight", "mask") if (name, reduction) in ALSO_ALONE else ():
        given.pop(gone)
        alike(by_kernel(loss, Z, y, **given), composed(loss, Z, y, **given))


@pytest.mark.parametrize("reduction", ["mean", "weighted_mean"])
@pytest.mark.parametrize("name", ["labels", "smoothed", "soft", "binary"])
def test_several_programs_add_up(name, reduction):
    """Of more than 512 classes each row is a program; of elements 1024."""
    loss, y, options = CALLS[name]
    z = np.tile(Z[:3], 130)[:, :600]
    y = np.tile(y[:3], 130)[:, :600] / (1.0 if name == "binary" else 120.0) if y.ndim > 1 else y[:3]
    given = {"upstream": 3.0, "sample_weight": SAMPLE[:3] + 1.0, "reduction": reduction, **options}
    alike(by_kernel(loss, z, y, **given), composed(loss, z, y, **given))


@pytest.mark.parametrize("name", CALLS)
def test_what_is_masked_reaches_nothing(name):
    loss, y, options = CALLS[name]
    z, keep = Z.copy(), MASK
    z[~keep] = RNG.choice([NAN, INF, -INF], (np.sum(~keep), CLASSES))
    y = y.copy()
    y[~keep] = 99
    for reduction in ("mean", "none") if name in KERNELS else ("none",):
        found = by_kernel(loss, z, y, mask=keep, reduction=reduction, **options)
        right = composed(loss, Z[keep], y[keep], reduction=reduction, **options)
        assert (found[1][~keep] == 0.0).all()
        if reduction == "none":
            assert (found[0][~keep] == 0.0).all()
            found = found[0][keep], found[1]
        alike((found[0], found[1][keep]), right)
    none = np.zeros(ROWS, bool)
    for reduction in ("mean", "weighted_mean") if name in KERNELS or LONG else ():
        found = by_kernel(loss, z, y, mask=none, reduction=reduction, **options)
        assert (found[0] == 0.0).all()
        assert (found[1] == 0.0).all()


@pytest.mark.parametrize("name", KERNELS)
def test_no_weight_left_is_no_loss(name):
    loss, y, options = CALLS[name]
    zero = np.zeros(ROWS, "float32")
    found = by_kernel(loss, Z, y, sample_weight=zero, reduction="weighted_mean", **options)
    assert (found[0] == 0.0).all()
    assert (found[1] == 0.0).all()


@pytest.mark.parametrize(
    ("name", "bad"),
    [(x, CLASSES) for x in OVER_CLASSES if "soft" not in x]
    + [(x, y) for x in ("labels", "smoothed") for y in (-1, 2**40, -(2**40))],
)
def test_a_label_that_is_no_class_makes_its_example_nan(name, bad):
    loss, y, options = CALLS[name]
    y = y.copy()
    y[[3, 66]] = bad
    value, gradient = by_kernel(loss, Z, y, class_weight=WEIGHT, reduction="none", **options)
    lost = np.isin(np.arange(ROWS), [3, 66])
    assert (np.isnan(value) == lost).all()
    assert (np.isnan(gradient) == lost[:, None]).all()
    if name not in KERNELS and not LONG:
        return
    value, gradient = by_kernel(loss, Z, y, reduction="mean", **options)
    assert np.isnan(value)
    assert (np.isnan(gradient) == lost[:, None]).all()
    if bad == CLASSES:  # unless it is ignored
        value, gradient = by_kernel(loss, Z, y, ignore_index=bad, **options)
        alike((value, gradient[~lost]), composed(loss, Z[~lost], y[~lost], **options))
        assert (gradient[lost] == 0.0).all()


def test_several_labels_are_ignored():
    y = np.where(np.arange(ROWS) % 3 == 0, -100, Y).astype("int32")
    for ignore in (-100, (-100, 2), (-100, 2, 255, 0)):
        for e in (0.0, 0.125):
            given = {"ignore_index": ignore, "label_smoothing": e}
            right = composed("cross_entropy", Z, y.astype("int64"), **given)
            alike(by_kernel("cross_entropy", Z, y, **given), right)
    small = np.where(y < 0, 255, y).astype("uint8")
    right = composed("cross_entropy", Z, y.astype("int64"), ignore_index=-100)
    alike(by_kernel("cross_entropy", Z, small, ignore_index=(255, -100)), right)


def test_nan_is_ignored_where_it_stands_for_unknown():
    y, soft = BINARY.copy(), SOFT.copy()
    y[::3, 1], soft[::3, 1] = NAN, NAN
    for loss, targets in (("binary_cross_entropy", y), ("cross_entropy", soft)):
        for reduction in REDUCTIONS:
            given = {"ignore_index": NAN, "reduction": reduction}
            alike(by_kernel(loss, Z, targets, **given), composed(loss, Z, targets, **given))
    alike(
        by_kernel("binary_cross_entropy", Z, BINARY, ignore_index=(1.0, NAN)),
        composed("binary_cross_entropy", Z, BINARY, ignore_index=(1.0, NAN)),
    )


@pytest.mark.parametrize(("loss", "y"), [("cross_entropy", SOFT), ("binary_cross_entropy", BINARY)])
def test_targets_out_of_range_are_nan_unless_any_may_be(loss, y):
    y = y.copy()
    y[2, 1], y[5, 0] = 1.5, -0.25
    value, gradient = by_kernel(loss, Z, y, reduction="none")
    lost = np.zeros(y.shape, bool)
    lost[2, 1] = lost[5, 0] = True
    rows = lost.any(axis=1) if loss == "cross_entropy" else lost
    assert (np.isnan(value) == rows).all()
    assert (np.isnan(gradient) == (rows[:, None] if rows.ndim == 1 else rows)).all()
    given = {"reduction": "none", "target_range": "any"}
    alike(by_kernel(loss, Z, y, **given), composed(loss, Z, y, **given))


def test_what_is_no_weight_is_nan_and_may_be_negative_where_any_may():
    for bad in (-1.0, NAN, INF):
        sample = SAMPLE.copy()
        sample[7] = bad
        weight = WEIGHT.copy()
        weight[1] = bad
        lost = np.arange(ROWS) == 7
        for y in (Y, SOFT):
            value, _ = by_kernel("cross_entropy", Z, y, sample_weight=sample, reduction="none")
            assert (np.isnan(value) == lost).all()
        value, _ = by_kernel("cross_entropy", Z, Y, class_weight=weight, reduction="none")
        assert (np.isnan(value) == (Y == 1)).all()
        value, _ = by_kernel("binary_cross_entropy", Z, BINARY, pos_weight=weight, reduction="none")
        assert (np.isnan(value) == (np.arange(CLASSES) == 1)).all()
    given = {"sample_weight": -SAMPLE, "class_weight": -WEIGHT, "target_range": "any"}
    for y in (Y, SOFT):
        alike(by_kernel("cross_entropy", Z, y, **given), composed("cross_entropy", Z, y, **given))


@pytest.mark.parametrize("name", SOME)
def test_classes_and_labels_along_any_axis(name):
    loss, y, options = CALLS[name]
    shape = (2, CLASSES, 3, 4)
    z = RNG.normal(scale=3.0, size=shape).astype("float32")
    if y.ndim == 1:
        y = RNG.integers(0, CLASSES, (2, 3, 4))
    else:
        y = RNG.dirichlet(np.ones(CLASSES), (2, 3, 4)).transpose(0, 3, 1, 2).astype("float32")
        y = y if name in OVER_CLASSES else y.round()
    weight = {"class_weight" if name in OVER_CLASSES else "pos_weight": WEIGHT}
    options = {**options, **({} if "alpha" in options else weight), "axis": 1, "reduction": "none"}
    inner = (2, 3, 4) if name in OVER_CLASSES else shape
    along = [(2, 1), (), inner, (2, *[1] * (len(inner) - 2), inner[-1])]
    for sizes in along if name in KERNELS else along[-1:]:
        options |= {
            "sample_weight": RNG.uniform(0, 2, sizes).astype("float32"),
            "mask": RNG.random(sizes) < 0.8,
        }
        alike(by_kernel(loss, z, y, **options), composed(loss, z, y, **options), 4.0)
    if name not in KERNELS:
        return
    # not side by side in memory
    turned = tensor(z).to(memory_format=torch.channels_last).requires_grad_()
    found = getattr(w, loss)(turned, tensor(y, torch.float32), **{
        k: tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()
    })  # fmt: skip
    np.testing.assert_array_equal(
        found.detach().numpy(), by_kernel(loss, z, y, **options)[0].astype("float32")
    )


def test_one_example_and_one_number():
    same(
        by_kernel("cross_entropy", Z[0], np.int64(2)), composed("cross_entropy", Z[0], np.int64(2))
    )
    z, y = np.float32(0.75), np.float64(1.0)
    given = {"pos_weight": 2.5}
    same(
        by_kernel("binary_cross_entropy", z, y, **given),
        composed("binary_cross_entropy", z, y, **given),
    )
    given = {"class_weight": np.float32(2.5)}
    for e in (0.0, 0.125):
        alike(
            by_kernel("cross_entropy", Z, Y, label_smoothing=e, **given),
            composed("cross_entropy", Z, Y, label_smoothing=e, **given),
        )


def test_weights_in_lists_and_by_class():
    for weight in ([0.5, 2.0, 1.0, 1.0, 3.0], {1: 2.0, 4: 3.0}, 2.0):
        given = {"class_weight": weight, "reduction": "weighted_mean"}
        alike(by_kernel("cross_entropy", Z, Y, **given), composed("cross_entropy", Z, Y, **given))
    with pytest.raises(ValueError, match="class_weight"):
        w.cross_entropy(tensor(Z), tensor(Y), class_weight=[1.0, -2.0, 1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="class_weight"):
        w.cross_entropy(tensor(Z), tensor(Y), class_weight=torch.ones(3))
    with pytest.raises(ValueError, match="targets"):
        w.cross_entropy(tensor(Z), tensor(Y[:5]))
    with pytest.raises(ValueError, match="mask"):
        w.binary_cross_entropy(tensor(Z), tensor(BINARY), mask=torch.ones(3))
