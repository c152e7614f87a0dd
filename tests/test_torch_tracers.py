"""torch.export, make_fx and dynamic shapes take the losses as they take torch's own."""

import io

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import weightedce as w  # noqa: E402
import weightedce.torch as wt  # noqa: E402
from libraries import DIFFERENTIABLE, LONG  # noqa: E402

pytestmark = pytest.mark.skipif("torch" not in DIFFERENTIABLE, reason="no torch")
Z = torch.tensor(np.random.default_rng(0).normal(size=(6, 3)), dtype=torch.float32)
LABELS = torch.tensor([0, 1, 2, 0, 1, 1])
TARGETS = torch.nn.functional.one_hot(LABELS, 3).float()
COSTS = [[0, 1, 2], [1, 0, 1], [3, 1, 0]]
USES = {
    "bce": (lambda: wt.BCEWithLogitsLoss(pos_weight=[1.0, 2.0, 3.0]), TARGETS),
    "ce": (lambda: wt.CrossEntropyLoss(weight=[1.0, 2.0, 3.0], label_smoothing=0.1), LABELS),
    "distribution": (lambda: wt.CrossEntropyLoss(), TARGETS),
    "focal": (lambda: wt.FocalLoss(), LABELS),
    "binary focal": (lambda: wt.BinaryFocalLoss(), TARGETS),
    "asymmetric": (lambda: wt.AsymmetricLoss(), TARGETS),
    "vector scaling": (lambda: wt.VectorScalingCrossEntropyLoss(counts=[5, 3, 1]), LABELS),
    "cost": (lambda: wt.ExpectedCostLoss(COSTS), LABELS),
    "dice": (lambda: wt.DiceLoss(axis=-1), TARGETS),
    "confusion": (lambda: wt.ConfusionCrossEntropyLoss(tp=1, tn=2, fp=3, fn=9), TARGETS),
    "linear": (lambda: lambda z, y: w.linear_cross_entropy(z, torch.eye(3), y), LABELS),
    "mask": (lambda: lambda z, y: w.cross_entropy(z, y, ignore_index=-100), LABELS),
}
FEW = ("bce", "ce", "linear", "mask")  # the others are made of the same blocks


class Model(torch.nn.Module):
    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def forward(self, logits, targets):
        return self.loss(logits, targets)


def exported(loss, z, y):
    size = torch.export.Dim("size", min=2)
    shapes = {0: size}, {0: size}
    return torch.export.export(Model(loss), (z, y), dynamic_shapes=shapes).module()


def symbolic(loss, z, y):
    return torch.fx.experimental.proxy_tensor.make_fx(
        loss, tracing_mode="symbolic", _allow_non_fake_inputs=True
    )(z, y)


def real(loss, z, y):
    return torch.fx.experimental.proxy_tensor.make_fx(loss)(z, y)


def dynamic(loss, z, y):
    torch._dynamo.reset()
    return torch.compile(loss, dynamic=True, fullgraph=True, backend="aot_eager")


def exported_strictly(loss, z, y):
    """Exported with Dynamo, saved and loaded."""
    size = torch.export.Dim("size", min=2, max=2**20)  # linear_cross_entropy wants a most
    program = torch.export.export(
        Model(loss), (z, y), dynamic_shapes=({0: size}, {0: size}), strict=True
    )
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    return torch.export.load(file).module()


def by_fx(loss, z, y):
    """A module that torch.fx keeps as one call; a function of the library it cannot see."""
    return torch.fx.symbolic_trace(Model(loss))


def by_jit(loss, z, y):
    return torch.jit.trace(loss, (z, y), check_trace=False)


TRACERS = {
    "export": exported,
    "strict": exported_strictly,
    "make_fx": symbolic,
    "real": real,
    "dynamic": dynamic,
    "fx": by_fx,
    "jit": by_jit,
}


@pytest.mark.parametrize("tracer", [name for name in TRACERS if LONG or name != "strict"])
@pytest.mark.parametrize("use", USES if LONG else FEW)
def test_a_traced_loss_gives_the_loss_of_another_batch(use, tracer):
    made, y = USES[use]
    loss = made()
    if tracer == "dynamic" and use != "mask" and not LONG:
        pytest.skip("for the long run: other tracers have the same symbols")
    if not isinstance(loss, torch.nn.Module) and tracer in ("fx", "jit"):
        pytest.skip("a function, not a module")
    traced = TRACERS[tracer](loss, Z[:4], y[:4])
    sizes = (4,) if tracer == "real" else (4, 6)
    for rows in sizes:
        torch.testing.assert_close(traced(Z[:rows], y[:rows]), loss(Z[:rows], y[:rows]))


@pytest.mark.parametrize("make", [torch.export.export])
def test_an_exported_loss_of_a_static_batch(make):
    loss = wt.CrossEntropyLoss(weight=[1.0, 2.0, 3.0])
    for strict in (False, True):
        program = make(Model(loss), (Z, LABELS), strict=strict).module()
        torch.testing.assert_close(program(Z, LABELS), loss(Z, LABELS))


@pytest.mark.parametrize("use", [use for use in USES if use not in ("linear", "mask")])
def test_the_gradient_of_what_torch_jit_has_traced(use):
    made, y = USES[use]
    loss = made()
    traced = torch.jit.trace(loss, (Z[:4], y[:4]), check_trace=False)
    gradients = []
    for each in (traced, loss):
        z = Z.clone().requires_grad_()
        each(z, y).backward()
        gradients.append(z.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("use", USES if LONG else ("bce", "ce", "confusion", "distribution"))
def test_aot_export_takes_the_loss_and_its_gradient(use):
    from torch._functorch import aot_autograd  # which torch imports when it first compiles

    made, y = USES[use]

    class Joint(Model):
        def forward(self, logits, targets):
            return (self.loss(logits, targets),)

    batch = Z.clone().requires_grad_(), y
    _, signature = aot_autograd.aot_export_module(
        Joint(made()), batch, trace_joint=True, output_loss_index=0
    )
    assert list(signature.backward_signature.gradients_to_user_inputs.values())
