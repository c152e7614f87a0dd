"""PyTorch: what looks through the operations right now. There is little public to ask."""

from collections.abc import Sequence
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.autograd import forward_ad
from torch.compiler import is_compiling

# What records, and what makes functions of operations in place first, on tensors without numbers.
RECORDERS = (torch._C._TorchDispatchModeKey.PROXY, torch._C._TorchDispatchModeKey.FUNCTIONAL)
# Asked of every small batch: by their own names in half the time. What pybind wraps takes 4 us.
_modes, _is_tracing = torch._C._len_torch_dispatch_stack, torch._C._is_tracing
_modes_ahead = torch._ops.mode_stack_state_for_pre_dispatch
_transforms_are_active = torch._C._are_functorch_transforms_active


def compiled() -> bool:
    """Tell whether torch.compile is at work, with no transform of torch.func around."""
    return torch.compiler.is_compiling() and not torch._C._are_functorch_transforms_active()


def proxied() -> bool:
    """Tell whether a tracer records the operations: make_fx, AOT, the exporter, torch.jit."""
    ahead = _modes_ahead()
    if ahead.get(0) is not None or ahead.get(1) is not None or _is_tracing():
        return True
    if not _modes():  # so it is most often, and a small loss asks often
        return False
    return any(torch._C._get_dispatch_mode(key) is not None for key in RECORDERS)


def watched() -> bool:
    """Tell whether somebody may look through operations on plain tensors: asked in a microsecond.

    Of forward mode whether there is a level, not whether a tensor has a tangent.
    """
    return is_compiling() or forward_ad._current_level >= 0 or _transforms_are_active() or proxied()


def transformed(arrays: Sequence[Any]) -> bool:
    """Tell whether torch looks through the operations: compiler, tracer, torch.func, forward mode.

    Or whether there are no numbers to look at, in fake tensors.
    """
    if torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active() or proxied():
        return True
    if FakeTensor in map(type, arrays):
        return True
    return forward_ad._current_level >= 0 and any(
        forward_ad.unpack_dual(x).tangent is not None for x in arrays if isinstance(x, torch.Tensor)
    )


def batched(upstream: Any) -> bool:
    """Tell whether backward is called for many gradients at once (``is_grads_batched``).

    What is done in place to one array cannot be done to many.
    """
    return bool(torch._C._functorch.is_legacy_batchedtensor(upstream))
