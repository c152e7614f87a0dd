"""PyTorch: where operators pay, and where Triton has kernels for them."""

import os
import warnings
from functools import cache

import torch
from torch.utils._triton import has_triton, has_triton_package

from weightedce.backends.handed import Array

# Triton's interpreter runs kernels on the CPU, to see what they compute: then operators are there.
INTERPRETED = os.environ.get("TRITON_INTERPRET", "0").lower() in ("1", "true", "on", "yes")


def takes_operators(logits: Array) -> bool:
    """Tell whether an array is on an accelerator, or Triton interprets, and none compiles."""
    return (INTERPRETED or not logits.is_cpu) and not torch.compiler.is_compiling()


def by_triton(logits: Array) -> bool:
    """Tell whether Triton has kernels for where an array is; of the meta device, would have."""
    if logits.is_cpu:
        return INTERPRETED
    if logits.is_meta:
        return bool(has_triton_package())
    known = logits.device.type in ("cuda", "xpu") and has_triton()
    return bool(known) and compiles(logits.device)


def free_memory(device: torch.device) -> int | None:
    """Return how many bytes there is room for, with what torch holds and does not use."""
    if device.type not in ("cuda", "xpu"):
        return None
    if device.type == "cuda" and torch.cuda.is_current_stream_capturing():  # not to be asked then
        return None
    module = torch.get_device_module(device)
    free: int = module.mem_get_info(device)[0]
    return free + int(module.memory_reserved(device) - module.memory_allocated(device))


@cache
def compiles(device: torch.device) -> bool:
    """Tell whether Triton makes kernels here: it wants a compiler of C, which not all images have.

    Where it does not, a loss is none the worse: it is composed of torch's own operations.
    """
    from weightedce.backends.torch.triton import launch  # noqa: PLC0415 - Triton may be absent

    try:
        launch.tried(device)
    except Exception as error:  # of whatever class: Triton's, its compilers', the driver's
        warnings.warn(
            f"Triton makes no kernels for {device} ({error!r:.300}): losses go in passes of "
            f"torch's own operations there, which takes several times the memory traffic",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True
