"""What an operator is to torch: its derivatives, what it keeps, what it tells the dispatcher."""

import numpy as np
import pytest
import torch
from batches import CALLS, KERNELS, MASK, SAMPLE, SOFT, SOME, WEIGHT, Y, Z, alike
from interpreted import LONG, by_kernel, calls, composed, off, tensor

import weightedce as w
from weightedce.backends.torch import devices
from weightedce.backends.torch.operators.library import OPERATIONS
from weightedce.backends.torch.triton import launch


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


@pytest.mark.parametrize("name", KERNELS)
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


# each kernel, and with a scale, a shift, of which more is kept, and numbers
@pytest.mark.parametrize(
    "name",
    SOME if LONG else ("labels", "by label", "soft", "prior smoothed", "binary", "asymmetric"),
)
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
