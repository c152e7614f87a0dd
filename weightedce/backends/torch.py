"""PyTorch: the namespace of array-api-compat, and the losses as modules."""

from typing import Any

import array_api_compat.torch as namespace
import torch

from weightedce.backends import Array
from weightedce.backends.numpy import fixed, shape
from weightedce.backends.torch_bce import BCEWithLogitsLoss
from weightedce.backends.torch_blocks import block_elements, by_blocks
from weightedce.backends.torch_cross_entropy import CrossEntropyLoss
from weightedce.backends.torch_linear import linear_by_blocks, linear_elements
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
from weightedce.backends.torch_slope import attach, sides
from weightedce.backends.torch_softmax import label_log_softmax, look_up, one_hot

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
    "attach",
    "block_elements",
    "by_blocks",
    "detach",
    "device",
    "extremes",
    "fixed",
    "label_log_softmax",
    "linear_by_blocks",
    "linear_elements",
    "linear_rows",
    "look_up",
    "namespace",
    "one_hot",
    "product",
    "read",
    "shape",
    "shares",
    "sides",
    "sigmoid",
]

sigmoid = torch.sigmoid


def detach(array: Array) -> Array:
    """Return ``array`` cut from the graph."""
    return array.detach()


def product(weight: Array, loss: Array) -> Array:
    """Return ``weight * loss``; in compiled code, which cannot look for NaN, with 0 * inf = 0."""
    found = weight * loss
    return torch.where(weight == 0.0, 0.0, found) if torch.compiler.is_compiling() else found


def shares(targets: Array) -> tuple[Array, Any, Any] | None:
    """Return 1 - y, and the extremes of min(y, 1 - y), where they can be read."""
    if torch.compiler.is_compiling() or type(targets) is not torch.Tensor or not targets.is_cpu:
        return None
    # a number is half as fast as an array that has the type already
    rest = torch.scalar_tensor(1.0, dtype=targets.dtype, device=targets.device) - targets
    found = extremes(torch.minimum(targets, rest))
    return None if found is None else (rest, *found)


def read(flag: Array) -> bool | None:
    """Read ``flag`` unless it is being compiled, on an accelerator, batched or fake."""
    if torch.compiler.is_compiling() or flag.device.type != "cpu":
        return None
    try:
        return bool(flag)
    except RuntimeError:  # torch.func.vmap and fake tensors refuse, and have no public test
        return None


def extremes(array: Array) -> tuple[Any, Any] | None:
    """Return the least and the greatest element, where they can be read."""
    if torch.compiler.is_compiling() or not array.is_cpu:
        return None
    low, high = torch.aminmax(array.detach())
    try:
        return low.item(), high.item()
    except RuntimeError:  # as in `read`
        return None


def device(array: Array) -> Any:
    """Return the device of ``array``."""
    return array.device
