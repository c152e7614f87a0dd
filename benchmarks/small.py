"""Time small batches in eager PyTorch: ``small.py THREADS SECONDS``. Prints JSON lines.

Function and module against torch's own module, a training step and the value alone: what people see
who change an import and profile.
"""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch

import weightedce
import weightedce.torch
from clock import compared, interleaved

CLASSES = (
    (32, 2),
    (64, 10),
    (256, 10),
    (256, 100),
    (256, 1000),
    (2048, 2),
    (2048, 100),
    (8192, 100),
)
ELEMENTS = ((32,), (2_048,), (16_384,), (100_000,))
OTHERS = ((64, 10), (256, 100))
Call = Callable[[], Any]
Batch = tuple[torch.Tensor, torch.Tensor]
Losses = dict[str, Callable[..., Any]]


def over_classes(rows: int, classes: int) -> tuple[Batch, Losses]:
    """Return a batch, and cross-entropy with weights of it: torch's and ours."""
    weight = torch.rand(classes) + 0.5
    batch = torch.randn(rows, classes), torch.randint(0, classes, (rows,))
    return batch, {
        "torch": torch.nn.CrossEntropyLoss(weight),
        "module": weightedce.torch.CrossEntropyLoss(weight),
        "function": lambda z, y: weightedce.cross_entropy(
            z, y, class_weight=weight, reduction="weighted_mean"
        ),
    }


def of_elements(count: int) -> tuple[Batch, Losses]:
    """Return the same of binary cross-entropy with a weight of positives."""
    weight = torch.tensor(9.0)
    batch = torch.randn(count), (torch.rand(count) < 0.1).float()
    return batch, {
        "torch": torch.nn.BCEWithLogitsLoss(pos_weight=weight),
        "module": weightedce.torch.BCEWithLogitsLoss(pos_weight=weight),
        "function": lambda z, y: weightedce.binary_cross_entropy(z, y, pos_weight=weight),
    }


def others(rows: int, classes: int) -> tuple[Batch, Losses]:
    """Return a batch, torch's plain cross-entropy, and the modules of other losses."""
    z, y = torch.randn(rows, classes), torch.randint(0, classes, (rows,))
    shares, several = torch.randn(rows, classes).softmax(1), (torch.rand(rows, classes) < 0.2) * 1.0
    counts = torch.randint(1, 100, (classes,))
    ours = weightedce.torch
    given: dict[str, tuple[Callable[..., Any], torch.Tensor]] = {
        "focal": (ours.FocalLoss(), y),
        "smoothed labels": (ours.CrossEntropyLoss(label_smoothing=0.1), y),
        "distributions": (ours.CrossEntropyLoss(), shares),
        "logit-adjusted": (ours.LogitAdjustedCrossEntropyLoss(prior=counts), y),
        "LDAM": (ours.LDAMCrossEntropyLoss(counts=counts), y),
        "binary focal": (ours.BinaryFocalLoss(), several),
        "asymmetric": (ours.AsymmetricLoss(), several),
    }
    losses: Losses = {"torch": torch.nn.CrossEntropyLoss()}
    for name, (loss, targets) in given.items():
        losses[name] = lambda z, _, loss=loss, targets=targets: loss(z, targets)
    return (z, y), losses


def training(loss: Callable[..., Any], z: torch.Tensor, y: torch.Tensor) -> Call:
    """Return a step: value and gradient to the logits."""
    z = z.clone().requires_grad_()

    def call() -> torch.Tensor | None:
        z.grad = None
        loss(z, y).backward()
        return z.grad

    return call


def inference(loss: Callable[..., Any], z: torch.Tensor, y: torch.Tensor) -> Call:
    """Return the value alone."""
    return lambda: loss(z, y)


def rows(seconds: float) -> Iterator[dict[str, Any]]:
    """Yield the comparisons."""
    made = [("ce", size, over_classes(*size)) for size in CLASSES]
    made += [("bce", size, of_elements(*size)) for size in ELEMENTS]
    made += [("others", size, others(*size)) for size in OTHERS]
    for family, size, (batch, losses) in made:
        for what in (training, inference) if family != "others" else (training,):
            calls = {name: what(loss, *batch) for name, loss in losses.items()}
            times = interleaved(calls, seconds)
            for name in list(losses)[1:]:
                label = {"family": family, "size": size, "what": what.__name__, "name": name}
                yield label | compared(times[name], times["torch"])


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    torch.manual_seed(0)
    for row in rows(float(sys.argv[2])):
        print(json.dumps({"threads": int(sys.argv[1])} | row), flush=True)
