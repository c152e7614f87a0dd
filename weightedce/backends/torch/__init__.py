"""PyTorch: the namespace of array-api-compat; blocks, operators and what the compiler takes."""

from typing import Any

from weightedce.backends.adding import in_pieces, spread_in_pieces
from weightedce.backends.contract import Backend, Shape
from weightedce.backends.handed import Array
from weightedce.backends.missing import needed_by

with needed_by("weightedce.backends.torch"):
    import array_api_compat.torch as namespace
    import torch

from weightedce.backends.torch import (
    at_once,
    blocks,
    compiled,
    devices,
    labels,
    linear,
    linear_kernels,
    linear_rows,
    slope,
)
from weightedce.backends.torch.across import across, adder
from weightedce.backends.torch.chances import chances
from weightedce.backends.torch.constants import native
from weightedce.backends.torch.dtensors import layout
from weightedce.backends.torch.label_shards import label_loss_of_shards
from weightedce.backends.torch.mass_shards import mass_loss_of_shards
from weightedce.backends.torch.modes import proxied, transformed
from weightedce.backends.torch.operators import whole
from weightedce.backends.torch.shards import shards


class Torch(Backend):
    """PyTorch, which has eager code on the CPU, a compiler, transforms and accelerators."""

    namespace = namespace
    name = "PyTorch"
    differentiates = True

    def shape(self, array: Array, /) -> Shape:
        """Return the shape; torch.jit keeps open how many rows there are, and nothing else."""
        if array.layout is not torch.strided or array.is_nested:
            kind = "a nested one" if array.is_nested else f"one of layout {array.layout}"
            raise TypeError(f"expected a dense tensor, got {kind}")
        if torch.compiler.is_compiling() or not torch._C._is_tracing():
            return tuple(array.shape)
        return *array.shape[:1], *map(int, array.shape[1:])

    def device(self, array: Array, /) -> Any:
        """Return the device of ``array``."""
        return array.device

    def learns(self, array: Array, /) -> bool:
        """Tell whether autograd records what is made of ``array``."""
        return torch.is_grad_enabled() and bool(array.requires_grad)

    def detach(self, array: Array, /) -> Array:
        """Return ``array`` cut from the graph."""
        return array.detach()

    def read(self, flag: Array, /) -> bool | None:
        """Read ``flag`` unless it is being compiled, on an accelerator, batched or fake."""
        if torch.compiler.is_compiling() or flag.device.type != "cpu" or proxied():
            return None
        try:
            return bool(flag)
        except RuntimeError:  # torch.func.vmap and fake tensors refuse, and have no public test
            return None

    def extremes(self, array: Array, /) -> tuple[Any, Any] | None:
        """Return the least and the greatest element, where they can be read.

        By NumPy: of 32 elements that takes 2.0 us where torch.aminmax takes 2.7, and of a hundred
        thousand 18 where it takes 490.
        """
        if torch.compiler.is_compiling() or not array.is_cpu or proxied():
            return None
        try:
            view = array.detach().numpy()
        except (RuntimeError, TypeError):  # what is transformed, bfloat16
            low, high = torch.aminmax(array.detach())
            try:
                return low.item(), high.item()
            except RuntimeError:  # as in `read`
                return None
        return view.item(view.argmin()), view.item(view.argmax())

    def to_host(self, array: Array, /) -> Any | None:
        """Return a NumPy array that shares memory, of a constant on the CPU."""
        if torch.compiler.is_compiling() or not array.is_cpu or array.requires_grad:
            return None
        if transformed([array]):
            return None
        return array.numpy() if array.dtype != torch.bfloat16 else array.float().numpy()

    def labels_in_memory(self, labels: Array, /) -> Any | None:
        """Return a view: without, labels of 32 and of 8 bits take 3 times as long to count."""
        if type(labels) is not torch.Tensor and hasattr(labels, "to_local"):
            raise TypeError(
                "labels: expected a tensor of this process, got a DTensor: where it is sharded, "
                "update a ClassCounter by labels.to_local(), and add up by across()"
            )
        return self.to_host(labels)

    def sees_numpy(self) -> bool:
        """Tell whether arrays of NumPy hold numbers now: torch.compile takes them for tensors."""
        return not torch.compiler.is_compiling()

    def constant(self, values: Any, like: Array, /) -> Array:
        """Return a NumPy array as a tensor beside ``like``.

        Copied where the memory is not to be written to, of which torch warns, or not laid out as
        torch knows it.
        """
        if torch.compiler.is_compiling():  # which makes no array of lists of symbols
            made = torch.tensor if isinstance(values, list) else torch.as_tensor
            return made(values, device=like.device)
        return torch.as_tensor(native(values), device=like.device)

    def sum(self, array: Array, /, axis: int | None = None, *, keepdims: bool = False) -> Array:
        """Return the sum; torch adds pairwise along any axis, Inductor in a few lanes a row.

        An exported program is run by torch, and must not depend on how long the axis is.
        """
        if torch.compiler.is_compiling() and not torch.compiler.is_exporting():
            if axis is not None and compiled.is_long(array.shape[axis]):
                return in_pieces(namespace, array, axis, keepdims)
            return super().sum(array, axis, keepdims=keepdims)
        return array.sum() if axis is None else array.sum(axis, keepdim=keepdims)

    def cumulative_sum(self, array: Array, /) -> Array:
        """Return torch's own: of what array-api-compat does around it, torch.compile warns."""
        return array.cumsum(0)

    def spread(self, rows: Array, size: int, axis: int, /) -> Array:
        """Return one number a row for so many classes: Inductor adds up as in `sum`, 340 ulp."""
        inductor = torch.compiler.is_compiling() and not torch.compiler.is_exporting()
        if not (inductor and compiled.is_long(size)):
            return rows
        return spread_in_pieces(namespace, rows, rows.shape, size, axis)

    def product(self, weight: Array, loss: Array, /) -> Array:
        """Return ``weight * loss``; where nobody looks for NaN afterwards, 0 * inf = 0.

        So it is in compiled code and on an accelerator. With a select eager focal and asymmetric
        losses take 1.4 to 1.5 times as long.
        """
        found = weight * loss
        unseen = torch.compiler.is_compiling() or devices.takes_operators(weight)
        return torch.where(weight == 0.0, 0.0, found) if unseen else found

    across = staticmethod(across)
    shards = staticmethod(shards)
    layout = staticmethod(layout)
    label_loss_of_shards = staticmethod(label_loss_of_shards)
    mass_loss_of_shards = staticmethod(mass_loss_of_shards)
    adder = staticmethod(adder)
    bincount = staticmethod(labels.bincount)
    one_hot = staticmethod(labels.one_hot)
    sides = staticmethod(slope.sides)
    chances = staticmethod(chances)
    attach = staticmethod(slope.attach)
    label_loss = staticmethod(labels.label_loss)
    views = staticmethod(at_once.views)
    passes = staticmethod(at_once.passes)
    of_host = staticmethod(at_once.of_host)
    with_slope = staticmethod(at_once.with_slope)
    takes_operators = staticmethod(devices.takes_operators)
    operator = staticmethod(whole.operator)
    block_elements = staticmethod(blocks.block_elements)
    by_blocks = staticmethod(blocks.by_blocks)  # binary losses of a million elements: 1.2 to 2.7
    linear_elements = staticmethod(linear.linear_elements)
    multiplies_half = staticmethod(linear_kernels.multiplies_half)
    linear_sums = staticmethod(linear.linear_sums)
    linear_losses = staticmethod(linear_rows.linear_losses)


backend = Torch()
