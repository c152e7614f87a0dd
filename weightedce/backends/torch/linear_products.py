"""PyTorch: matrix products of a linear layer; those of bfloat16 have float32 for a result."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from weightedce.backends.handed import Array


def unmixed(array: Array) -> AbstractContextManager[Any]:
    """Return what switches autocast off, on a device that has it."""
    kind = array.device.type
    if not torch.amp.is_autocast_available(kind):
        return nullcontext()
    off: AbstractContextManager[Any] = torch.autocast(kind, enabled=False)
    return off


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


def put_product(total: Array, left: Array, right: Array, *, added: bool) -> None:
    """Put ``left @ right`` into its place, or add it to what is there."""
    kind, beta = total.dtype, 1 if added else 0
    if left.dtype != kind and not _widens(left):
        left, right = left.to(kind), right.to(kind)
    if left.dtype == kind:
        total.addmm_(left, right, beta=beta)
    elif added:
        torch.addmm(total, left, right, out_dtype=kind, out=total)
    else:
        torch.mm(left, right, out_dtype=kind, out=total)


def _widens(array: Array) -> bool:
    """Tell whether torch multiplies bfloat16 into float32 there: CUDA's libraries do."""
    return bool(array.is_meta or (array.is_cuda and torch.version.hip is None))
