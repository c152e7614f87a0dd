"""torch.export, make_fx and dynamic shapes take the losses as they take torch's own."""

import os

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import weightedce as w  # noqa: E402
import weightedce.torch as wt  # noqa: E402
from libraries import DIFFERENTIABLE  # noqa: E402

pytestmark = pytest.mark.skipif("torch" not in DIFFERENTIABLE, reason="no torch")
LONG = os.environ.get("WEIGHTEDCE_LONG", "0") != "0"
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
    "linear": (lambda: lambda z, y: w.linear_cross_entropy(z, torch.eye(3), y), LABELS),
    "mask": (lambda: lambda z, y: w.cross_entropy(z, y, ignore_index=-100), LABELS),
}
FEW = ("bce", "ce", "distribution", "linear", "mask")  # the others are made of the same blocks


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


TRACERS = {"export": exported, "make_fx": symbolic, "real": real, "dynamic": dynamic}


@pytest.mark.parametrize("tracer", TRACERS)
@pytest.mark.parametrize("use", USES if LONG else FEW)
def test_a_traced_loss_gives_the_loss_of_another_batch(use, tracer):
    made, y = USES[use]
    loss = made()
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
