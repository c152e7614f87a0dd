"""PyTorch: where operators pay, and where Triton has kernels for them."""

import os

from torch.utils._triton import has_triton, has_triton_package

from weightedce.backends.handed import Array

# Triton's interpreter runs kernels on the CPU, to see what they compute: then operators are there.
INTERPRETED = os.environ.get("TRITON_INTERPRET", "0").lower() in ("1", "true", "on", "yes")


def takes_operators(logits: Array) -> bool:
    """Tell whether an array is on an accelerator, or Triton interprets."""
    return INTERPRETED or not logits.is_cpu


def by_triton(logits: Array) -> bool:
    """Tell whether Triton has kernels for where an array is; of the meta device, would have."""
    if logits.is_cpu:
        return INTERPRETED
    if logits.is_meta:
        return bool(has_triton_package())
    return logits.device.type in ("cuda", "xpu") and bool(has_triton())
