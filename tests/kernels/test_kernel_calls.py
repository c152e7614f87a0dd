"""What the operators do with the arguments of a call, beside the composed form in float64."""

import numpy as np
import pytest
import torch
from interpreted import by_kernel, calls, composed, off, same, tensor

import weightedce as w
from weightedce.backends.torch import devices
from weightedce.backends.torch.operators.library import OPERATIONS
from weightedce.backends.torch.triton import launch

RNG = np.random.default_rng(0)
ROWS, CLASSES = 70, 5  # more rows than a program has
Z = RNG.normal(scale=3.0, size=(ROWS, CLASSES)).astype("float32")
Y = RNG.integers(0, CLASSES, ROWS)
SOFT = RNG.dirichlet(np.ones(CLASSES), ROWS).astype("float32")
SAMPLE = RNG.choice([0.0, 0.5, 1.0, 7.25], ROWS).astype("float32")
WEIGHT = RNG.choice([0.5, 1.0, 2.0], CLASSES).astype("float32")
MASK = RNG.random(ROWS) < 0.7
BINARY = RNG.integers(0, 2, (ROWS, CLASSES)) * 1.0
REDUCTIONS = ("mean", "sum", "none", "weighted_mean")
NAN, INF = float("nan"), float("inf")

CALLS = {
    "labels": ("cross_entropy", Y, {}),
    "focal": ("focal_loss", Y, {"gamma": 2.0}),
    "smoothed": ("cross_entropy", Y, {"label_smoothing": 0.125}),
    "by class": ("cross_entropy", Y, {"label_smoothing": 0.125, "smoothing_weight": "class"}),
    "soft": ("cross_entropy", SOFT, {}),
    "soft smoothed": ("cross_entropy", SOFT, {"label_smoothing": 0.125}),
    "binary": ("binary_cross_entropy", BINARY, {}),
    "binary focal": ("binary_focal_loss", BINARY, {"gamma": 1.5, "alpha": 0.25}),
    "asymmetric": ("asymmetric_loss", BINARY, {"clip": 0.125}),
}
SMALL = 2e-6  # what sums of both signs and of many rows differ by


def alike(found, truth, scale=1.0):
    for got, right in zip(found, truth, strict=True):
        assert got.shape == np.shape(right)
        np.testing.assert_allclose(got, right, rtol=SMALL, atol=SMALL * scale)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", CALLS)
def test_every_reduction_with_weights_and_masks(name, reduction):
    loss, y, options = CALLS[name]
    options = {**options, "reduction": reduction, "sample_weight": SAMPLE, "mask": MASK}
    if loss in ("cross_entropy", "focal_loss"):
        options["class_weight"] = WEIGHT
    elif "alpha" not in options:
        options |= {"pos_weight": WEIGHT, "neg_weight": 0.5}
    given = {"upstream": 3.0, **options}
    alike(by_kernel(loss, Z, y, **given), composed(loss, Z, y, **given))
    for gone in ("sample_weight", "mask"):
        given.pop(gone)
        alike(by_kernel(loss, Z, y, **given), composed(loss, Z, y, **given))


@pytest.mark.parametrize("name", CALLS)
def test_what_is_masked_reaches_nothing(name):
    loss, y, options = CALLS[name]
    z, keep = Z.copy(), MASK
    z[~keep] = RNG.choice([NAN, INF, -INF], (np.sum(~keep), CLASSES))
    y = y.copy()
    y[~keep] = 99
    for reduction in ("mean", "none"):
        found = by_kernel(loss, z, y, mask=keep, reduction=reduction, **options)
        right = composed(loss, Z[keep], y[keep], reduction=reduction, **options)
        assert (found[1][~keep] == 0.0).all()
        if reduction == "none":
            assert (found[0][~keep] == 0.0).all()
            found = found[0][keep], found[1]
        alike((found[0], found[1][keep]), right)
    none = np.zeros(ROWS, bool)
    for reduction in ("mean", "weighted_mean"):
        found = by_kernel(loss, z, y, mask=none, reduction=reduction, **options)
        assert (found[0] == 0.0).all()
        assert (found[1] == 0.0).all()


@pytest.mark.parametrize("name", CALLS)
def test_no_weight_left_is_no_loss(name):
    loss, y, options = CALLS[name]
    zero = np.zeros(ROWS, "float32")
    found = by_kernel(loss, Z, y, sample_weight=zero, reduction="weighted_mean", **options)
    assert (found[0] == 0.0).all()
    assert (found[1] == 0.0).all()


@pytest.mark.parametrize("name", ["labels", "focal", "smoothed", "by class"])
@pytest.mark.parametrize("bad", [-1, CLASSES, 2**40, -(2**40)])
def test_a_label_that_is_no_class_makes_its_example_nan(name, bad):
    loss, y, options = CALLS[name]
    y = y.copy()
    y[[3, 66]] = bad
    value, gradient = by_kernel(loss, Z, y, class_weight=WEIGHT, reduction="none", **options)
    lost = np.isin(np.arange(ROWS), [3, 66])
    assert (np.isnan(value) == lost).all()
    assert (np.isnan(gradient) == lost[:, None]).all()
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


@pytest.mark.parametrize("name", CALLS)
def test_classes_and_labels_along_any_axis(name):
    loss, y, options = CALLS[name]
    shape = (2, CLASSES, 3, 4)
    z = RNG.normal(scale=3.0, size=shape).astype("float32")
    if y.ndim == 1:
        y = RNG.integers(0, CLASSES, (2, 3, 4))
    else:
        y = RNG.dirichlet(np.ones(CLASSES), (2, 3, 4)).transpose(0, 3, 1, 2).astype("float32")
        y = y.round() if loss != "cross_entropy" else y
    weight = {"class_weight" if loss in ("cross_entropy", "focal_loss") else "pos_weight": WEIGHT}
    options = {**options, **({} if "alpha" in options else weight), "axis": 1, "reduction": "none"}
    inner = (2, 3, 4) if loss in ("cross_entropy", "focal_loss") else shape
    for sizes in ((2, 1), (), inner, (2, *[1] * (len(inner) - 2), inner[-1])):
        options |= {
            "sample_weight": RNG.uniform(0, 2, sizes).astype("float32"),
            "mask": RNG.random(sizes) < 0.8,
        }
        alike(by_kernel(loss, z, y, **options), composed(loss, z, y, **options), 4.0)
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


def test_total_is_the_sums_and_its_loss_has_a_gradient():
    z = tensor(Z).requires_grad_()
    given = {"class_weight": tensor(WEIGHT), "mask": tensor(MASK), "reduction": "total"}
    total = w.cross_entropy(z, tensor(Y), **given)
    right = w.cross_entropy(tensor(Z).double(), tensor(Y), **given)
    for got, exact in zip(total, right, strict=True):
        assert got.dtype == torch.float32
        assert off(got.item(), exact.item()) <= 8
    assert not total.weight.requires_grad
    assert not total.count.requires_grad
    total.mean().backward()
    given = {"class_weight": WEIGHT, "mask": MASK}
    alike((z.grad.numpy(),), composed("cross_entropy", Z, Y, **given)[1:])


@pytest.mark.parametrize("name", CALLS)
def test_second_derivatives_and_many_gradients_are_composed(name):
    loss, y, options = CALLS[name]
    function = getattr(w, loss)

    def second(z):
        found = function(z, tensor(y, z.dtype), **options)
        (slope,) = torch.autograd.grad(found, z, create_graph=True)
        return torch.autograd.grad((slope**2).sum(), z)[0]

    few = slice(0, 6)
    y = y[few]
    z = tensor(Z[few]).requires_grad_()
    right = second(tensor(Z[few]).double().requires_grad_()).numpy()
    np.testing.assert_allclose(second(z).numpy(), right, rtol=1e-4, atol=1e-6)
    each = function(z, tensor(y, z.dtype), reduction="none", **options)
    many = torch.stack([torch.ones_like(each), 2.0 * torch.ones_like(each)])
    both = torch.autograd.grad(each, z, many, is_grads_batched=True, retain_graph=True)[0]
    once = torch.autograd.grad(each, z, many[0], retain_graph=True)[0]
    np.testing.assert_allclose(both[1].detach().numpy(), 2.0 * once.numpy(), rtol=1e-5, atol=1e-7)
    again = torch.autograd.grad(each, z, many[0])[0]
    np.testing.assert_array_equal(again.numpy(), once.numpy())


def test_what_else_wants_a_gradient_is_composed():
    before = len(calls)
    weight, soft = tensor(WEIGHT).requires_grad_(), tensor(SOFT).requires_grad_()
    w.cross_entropy(tensor(Z).requires_grad_(), tensor(Y), class_weight=weight).backward()
    w.cross_entropy(tensor(Z), soft).backward()
    torch.func.grad(lambda z: w.cross_entropy(z, tensor(Y)))(tensor(Z))
    torch.func.vmap(lambda z, y: w.cross_entropy(z, y))(tensor(Z), tensor(Y))
    torch.func.jvp(lambda z: w.cross_entropy(z, tensor(Y)), (tensor(Z),), (tensor(Z),))
    w.focal_loss(tensor(Z), tensor(SOFT))
    w.cross_entropy(tensor(Z), tensor(Y), class_weight="batch")
    w.cross_entropy(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
    assert weight.grad is not None
    assert soft.grad is not None
    assert len(calls) == before
    with torch.no_grad():  # where nothing wants one
        w.cross_entropy(tensor(Z), tensor(Y), class_weight=weight)
    assert len(calls) == before + 1


def test_a_tensor_changed_before_backward_is_noticed():
    z, weight = tensor(Z).requires_grad_(), tensor(WEIGHT)
    loss = w.cross_entropy(z, tensor(Y), class_weight=weight)
    weight += 1.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("name", CALLS)
def test_operators_keep_to_what_they_tell_torch(name):
    loss, y, options = CALLS[name]
    reduction = "none" if "smooth" in name else "mean"
    by_kernel(loss, Z, y, reduction=reduction, sample_weight=SAMPLE, mask=MASK, **options)
    operator, form, given, _ = calls[-1]
    found = operator.arguments(given, form)
    found = found._replace(logits=found.logits.detach())
    tests = ("test_schema", "test_faketensor")
    torch.library.opcheck(OPERATIONS[operator.name], tuple(found), test_utils=tests)
    value, sums, rows = OPERATIONS[operator.name](*found)
    slope = OPERATIONS[f"{operator.name}_slope"]
    torch.library.opcheck(slope, (value, sums, rows, *found), test_utils=tests)


def test_where_triton_makes_no_kernel_that_is_said_once(monkeypatch):
    device = torch.device("cpu")
    devices.compiles.cache_clear()
    assert devices.compiles(device)

    def fails(_):
        raise RuntimeError("Failed to find C compiler")

    devices.compiles.cache_clear()
    monkeypatch.setattr(launch, "tried", fails)
    with pytest.warns(RuntimeWarning, match="Failed to find C compiler"):
        assert not devices.compiles(device)
    assert not devices.compiles(device)
    devices.compiles.cache_clear()
