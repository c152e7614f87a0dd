"""ONNX: a loss is exported, and onnxruntime computes it."""

import numpy as np
import onnxruntime
import pytest
import torch

import weightedce.torch as wt

Z = torch.tensor(np.random.default_rng(0).normal(size=(6, 3)), dtype=torch.float32)
LABELS = torch.tensor([0, 1, 2, 0, 1, 1])
TARGETS = torch.nn.functional.one_hot(LABELS, 3).float()
WEIGHT = [1.0, 2.0, 3.0]
COUNTS = [5, 3, 1]
LOSSES = {
    "cross-entropy": (lambda: wt.CrossEntropyLoss(WEIGHT, label_smoothing=0.1), LABELS),
    "binary": (lambda: wt.BCEWithLogitsLoss(pos_weight=WEIGHT), TARGETS),
    "focal": (lambda: wt.FocalLoss(class_weight=WEIGHT), LABELS),
    "balanced": (lambda: wt.BalancedSoftmaxCrossEntropyLoss(counts=COUNTS), LABELS),
    "ldam": (lambda: wt.LDAMCrossEntropyLoss(counts=COUNTS), LABELS),
    "vector scaling": (lambda: wt.VectorScalingCrossEntropyLoss(counts=COUNTS), LABELS),
    "dice": (lambda: wt.DiceLoss(axis=-1), TARGETS),
}


class Model(torch.nn.Module):
    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def forward(self, logits, target):
        return self.loss(logits, target)


# the exporter's own
@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:# The axis name"
)
@pytest.mark.parametrize("name", LOSSES)
def test_the_runtime_gives_the_loss_of_any_batch(name):
    make, y = LOSSES[name]
    model = Model(make()).eval()
    rows = {0: torch.export.Dim("rows", min=2)}
    program = torch.onnx.export(
        model, (Z, y), dynamo=True, dynamic_shapes=(rows, rows), verbose=False
    )
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    names = [given.name for given in session.get_inputs()]
    for count in (6, 4):
        batch = [x[:count].numpy() for x in (Z, y)]
        found = session.run(None, dict(zip(names, batch, strict=True)))[0]
        assert found == pytest.approx(model(Z[:count], y[:count]).item(), rel=1e-6, abs=1e-6)
