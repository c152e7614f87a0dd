"""PyTorch: matrix products of a linear layer; those of bfloat16 have float32 for a result."""

from typing import Any

import torch

from weightedce.backends.handed import Array


def wide(array: Array) -> torch.dtype:
    """Return the dtype of logits and sums: float32, or that of the array if it has more bits."""
    return torch.promote_types(array.dtype, torch.float32)


def logits_of(hidden: Array, weight: Array, bias: Any, out: Any = None) -> Array:
    """Return ``hidden @ weight.T + bias``, in the place of ``out`` if given: not for autograd."""
    kind = wide(hidden)
    if hidden.dtype != kind:
        if out is not None and _widens(hidden):
            torch.mm(hidden, weight.T, out_dtype=kind, out=out)
            return out if bias is None else out.add_(bias)
        hidden, weight = hidden.to(kind), weight.to(kind)
    if bias is None:
        return torch.mm(hidden, weight.T, out=out)
    return torch.addmm(bias, hidden, weight.T, out=out)


def added_product(total: Array, left: Array, right: Array) -> None:
    """Add ``left @ right`` to a total."""
    if left.dtype == total.dtype:
        total.addmm_(left, right)
    elif _widens(left):
        torch.addmm(total, left, right, out_dtype=total.dtype, out=total)
    else:
        total.addmm_(left.to(total.dtype), right.to(total.dtype))


def _widens(array: Array) -> bool:
    """Tell whether torch multiplies bfloat16 into float32 there: CUDA's libraries do."""
    return bool(array.is_meta or (array.is_cuda and torch.version.hip is None))
