"""PyTorch: the namespace of array-api-compat; blocks, operators and what the compiler takes."""

from typing import Any

import array_api_compat.torch as namespace
import torch

from weightedce.backends.contract import Array, Backend
from weightedce.backends.torch import blocks, labels, linear, linear_rows, slope


class Torch(Backend):
    """PyTorch, which has eager code on the CPU, a compiler, transforms and accelerators."""

    namespace = namespace

    def device(self, array: Array, /) -> Any:
        """Return the device of ``array``."""
        return array.device

    def detach(self, array: Array, /) -> Array:
        """Return ``array`` cut from the graph."""
        return array.detach()

    def read(self, flag: Array, /) -> bool | None:
        """Read ``flag`` unless it is being compiled, on an accelerator, batched or fake."""
        if torch.compiler.is_compiling() or flag.device.type != "cpu":
            return None
        try:
            return bool(flag)
        except RuntimeError:  # torch.func.vmap and fake tensors refuse, and have no public test
            return None

    def extremes(self, array: Array, /) -> tuple[Any, Any] | None:
        """Return the least and the greatest element, where they can be read."""
        if torch.compiler.is_compiling() or not array.is_cpu:
            return None
        low, high = torch.aminmax(array.detach())
        try:
            return low.item(), high.item()
        except RuntimeError:  # as in `read`
            return None

    def product(self, weight: Array, loss: Array, /) -> Array:
        """Return ``weight * loss``; in compiled code, which cannot look for NaN, 0 * inf = 0."""
        found = weight * loss
        return torch.where(weight == 0.0, 0.0, found) if torch.compiler.is_compiling() else found

    look_up = staticmethod(labels.look_up)
    one_hot = staticmethod(labels.one_hot)
    sides = staticmethod(slope.sides)
    attach = staticmethod(slope.attach)
    label_loss = staticmethod(labels.label_loss)
    block_elements = staticmethod(blocks.block_elements)
    by_blocks = staticmethod(blocks.by_blocks)
    linear_elements = linear.ELEMENTS
    linear_sums = staticmethod(linear.linear_sums)
    linear_losses = staticmethod(linear_rows.linear_losses)


backend = Torch()
