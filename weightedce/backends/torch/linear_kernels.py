"""PyTorch: the loss of a block of logits and its derivative by kernels, on accelerators."""

from collections.abc import Sequence
from typing import Any

import torch

from weightedce.backends.handed import Array, Head
from weightedce.backends.torch.blocks import Sums
from weightedce.backends.torch.devices import by_triton, takes_operators
from weightedce.backends.torch.modes import transformed
from weightedce.backends.torch.operands import Classes
from weightedce.backends.torch.operators.library import OPERATIONS


def has_kernels(logits: Array) -> bool:
    """Tell whether a block of logits is for kernels."""
    known = logits.dtype == torch.float32 and takes_operators(logits) and logits.numel() > 0
    return known and by_triton(logits)


def multiplies_half(hidden: Array, weight: Array) -> bool:
    """Tell whether bfloat16 is multiplied as it is, to logits of float32; kernels take these.

    Not float16, in which the derivative to a rare class is an underflow before a loss is scaled.
    """
    half = hidden.dtype == torch.bfloat16 == getattr(weight, "dtype", None)
    return half and takes_operators(hidden) and by_triton(hidden) and not transformed((hidden,))


def by_kernels(
    head: Head, logits: Array, rows: Sequence[Any], shared: Sequence[Any], place: Array | None
) -> Sums:
    """Return loss, weight and count of a block; put the derivative into its place, if wanted.

    That may be the place of the logits.
    """
    name, given = _given(head, logits, rows, shared, apart=False)
    loss, sums, numbers = OPERATIONS[name](*given)
    if place is not None:
        OPERATIONS[f"{name}_slope_into"](torch.ones_like(loss), sums, numbers, place, *given)
    weight, count = sums.unbind()
    return loss, weight, count


def losses_by_kernels(
    head: Head, logits: Array, rows: Sequence[Any], shared: Sequence[Any]
) -> Array:
    """Return the loss of each row of a block."""
    name, given = _given(head, logits, rows, shared, apart=True)
    loss: Array = OPERATIONS[name](*given)[0]
    return loss


def _given(
    head: Head, logits: Array, rows: Sequence[Any], shared: Sequence[Any], *, apart: bool
) -> tuple[str, Classes]:
    """Return the operator of a block, and what it gets."""
    targets, sample_weight, mask = rows
    (class_weight,) = shared
    given = Classes(
        logits,
        targets,
        class_weight if class_weight is None else class_weight.reshape(-1),
        sample_weight,
        mask,
        signed=head.target_range == "any",
        apart=apart,
        smoothing=head.label_smoothing,
        of_target=head.smoothing_weight == "target",
        softcap=head.softcap or 0.0,
        z_loss=head.z_loss,
    )
    return "labels" if head.labels_alone(logits, targets) else "mass", given
