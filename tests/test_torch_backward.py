"""What PyTorch may do to a loss whose gradient is formed along with its value."""

import numpy as np
import pytest

import weightedce as w

torch = pytest.importorskip("torch")

Z = np.random.default_rng(0).normal(size=(7, 3))
B = (np.random.default_rng(1).random((7, 3)) < 0.4) * 1.0
Y = np.array([0, 2, 1, 1, 0, 2, 2])
BINARY = (w.binary_cross_entropy, w.binary_focal_loss, w.asymmetric_loss)
LOSSES = [*((loss, B) for loss in BINARY), (w.cross_entropy, Y), (w.focal_loss, Y)]


@pytest.mark.parametrize("loss", BINARY)
def test_a_scaled_loss_of_float16_has_the_gradient_of_its_scale(loss):
    """A GradScaler starts at 65536, the first number that float16 does not hold."""
    z = torch.tensor(Z, dtype=torch.float16, requires_grad=True)
    wide = z.detach().float().requires_grad_()
    y = torch.tensor(B)
    (loss(z, y) * 65536.0).backward()
    (loss(wide, y) * 65536.0).backward()
    assert z.grad.dtype == torch.float16
    torch.testing.assert_close(z.grad.float(), wide.grad, rtol=1e-3, atol=0.0)


@pytest.mark.parametrize("loss", BINARY)
def test_gradients_too_small_for_float16_are_there_when_scaled(loss):
    z = torch.zeros(2**19, dtype=torch.float16, requires_grad=True)  # by blocks
    wide = z.detach().float().requires_grad_()
    y = torch.zeros(len(z))
    (loss(z, y) * 1024.0).backward()
    (loss(wide, y) * 1024.0).backward()
    torch.testing.assert_close(z.grad.float(), wide.grad, rtol=1e-3, atol=0.0)


@pytest.mark.parametrize("loss", BINARY)
def test_a_weight_changed_between_two_backward_passes_is_noticed(loss):
    z, weight = torch.tensor(Z, requires_grad=True), torch.ones(3, dtype=torch.float64)
    value = loss(z, torch.tensor(B), pos_weight=weight)
    value.backward(retain_graph=True)
    weight.mul_(10.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize(("loss", "targets"), LOSSES)
def test_many_gradients_at_once(loss, targets, reduction):
    def of(z):
        return loss(z, torch.tensor(targets), reduction=reduction)

    z = torch.tensor(Z)
    plain = torch.autograd.functional.jacobian(of, z)
    batched = torch.autograd.functional.jacobian(of, z, vectorize=True)
    torch.testing.assert_close(batched, plain, rtol=1e-12, atol=1e-15)
