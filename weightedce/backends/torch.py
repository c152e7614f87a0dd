"""PyTorch: the namespace of array-api-compat, and the losses as modules."""

from typing import Any

import array_api_compat.torch as namespace
import torch

from weightedce.backends import Array
from weightedce.backends.numpy import fixed, shape
from weightedce.backends.torch_bce import BCEWithLogitsLoss
from weightedce.backends.torch_cross_entropy import CrossEntropyLoss
from weightedce.backends.torch_linear import linear_by_blocks
from weightedce.backends.torch_linear_loss import LinearCrossEntropyLoss
from weightedce.backends.torch_losses import (
    AsymmetricLoss,
    BalancedSoftmaxCrossEntropyLoss,
    BinaryFocalLoss,
    ConfusionCrossEntropyLoss,
    DiceLoss,
    ExpectedCostLoss,
    FBetaLoss,
    FocalLoss,
    GeneralizedCrossEntropyLoss,
    LDAMCrossEntropyLoss,
    LogitAdjustedCrossEntropyLoss,
    PolyCrossEntropyLoss,
    RecallSpecificityLoss,
    TverskyLoss,
    VectorScalingCrossEntropyLoss,
)
from weightedce.backends.torch_rows import linear_rows

__all__ = [
    "AsymmetricLoss",
    "BCEWithLogitsLoss",
    "BalancedSoftmaxCrossEntropyLoss",
    "BinaryFocalLoss",
    "ConfusionCrossEntropyLoss",
    "CrossEntropyLoss",
    "DiceLoss",
    "ExpectedCostLoss",
    "FBetaLoss",
    "FocalLoss",
    "GeneralizedCrossEntropyLoss",
    "LDAMCrossEntropyLoss",
    "LinearCrossEntropyLoss",
    "LogitAdjustedCrossEntropyLoss",
    "PolyCrossEntropyLoss",
    "RecallSpecificityLoss",
    "TverskyLoss",
    "VectorScalingCrossEntropyLoss",
    "detach",
    "device",
    "fixed",
    "linear_by_blocks",
    "linear_rows",
    "namespace",
    "read",
    "shape",
]


def detach(array: Array) -> Array:
    """Return ``array`` cut from the graph."""
    return array.detach()


def read(flag: Array) -> bool | None:
    """Read ``flag`` unless it is being compiled, on an accelerator, batched or fake."""
    if torch.compiler.is_compiling() or flag.device.type != "cpu":
        return None
    try:
        return bool(flag)
    except RuntimeError:  # torch.func.vmap and fake tensors refuse, and have no public test
        return None


def device(array: Array) -> Any:
    """Return the device of ``array``."""
    return array.device
