"""PyTorch: a sum over blocks of rows, whose gradient is formed along with its value.

Nothing of the size of the whole batch is held but the gradients themselves: a block's arrays are
gone before the next one starts, and ``backward`` only scales what is there.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.autograd import forward_ad
from torch.utils.checkpoint import checkpoint

from weightedce.backends import Array

__all__ = ["block_elements", "by_blocks", "compiled", "remembered", "transformed"]

BLOCK = 2**18  # elements: a megabyte of float32, so that what is made of a block stays in the cache

Sums = tuple[Array, Array, Array]  # loss, weight, count
Part = Callable[[Sequence[Any], Sequence[Any]], Sums]
Gradients = dict[int, Array]  # by the position of the array


def by_blocks(part: Part, rows: Sequence[Any], shared: Sequence[Any], size: int) -> Sums:
    """Return the sums that ``part`` gives, added over blocks of ``size`` rows.

    Parameters
    ----------
    part : callable
        Of the rows of a block and the shared arrays, to 0-d sums: loss, weight, count.
    rows : sequence of tensor or None
        Tensors with the row axis first.
    shared : sequence of tensor or None
        What every block uses.
    size : int
        Rows in a block.
    """
    formed = partial(_formed, part, len(rows), size)
    natural = partial(_composed, part, len(rows), size)
    return remembered(formed, natural, (*rows, *shared))


def remembered(
    formed: Callable[[Sequence[Any], Sequence[int]], tuple[Sums, Gradients] | None],
    natural: Callable[..., Sums],
    arrays: Sequence[Any],
) -> Sums:
    """Return sums with the gradient of the first one formed at once, where that is enough.

    ``formed(arrays, wanted)`` returns the sums and the gradient of the loss to the arrays whose
    positions are ``wanted``, or None if it cannot. ``natural(arrays, again=...)`` returns sums
    that torch differentiates itself, to any order: with ``again`` computed again in the backward
    pass to save memory.
    """
    if transformed(arrays):
        return natural(arrays, again=False)
    tensors = [i for i, x in enumerate(arrays) if isinstance(x, torch.Tensor)]
    wanted = [i for i in tensors if arrays[i].requires_grad] if torch.is_grad_enabled() else []
    found = formed(arrays, wanted)
    if found is None:
        return natural(arrays, again=True)
    (loss, weight, count), gradients = found
    if wanted:
        call = _Call(formed, natural, list(arrays), tensors, wanted)
        loss = _Remembered.apply(call, gradients, loss, *(arrays[i] for i in tensors))
    return loss, weight, count


def compiled() -> bool:
    """Tell whether torch.compile is at work, with no transform of torch.func around."""
    return torch.compiler.is_compiling() and not torch._C._are_functorch_transforms_active()


def transformed(arrays: Sequence[Any]) -> bool:
    """Tell whether torch looks through the operations: compiler, torch.func, forward mode.

    Or whether there are no numbers to look at, in fake tensors.
    """
    if any(isinstance(x, FakeTensor) for x in arrays):
        return True
    if torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
        return True
    return forward_ad._current_level >= 0 and any(
        isinstance(x, torch.Tensor) and forward_ad.unpack_dual(x).tangent is not None
        for x in arrays
    )


def block_elements(logits: Array, others: Sequence[Any]) -> int | None:
    """Return how many elements to work on at a time, or None: on all at once.

    So it is where torch looks through the operations, on an accelerator, and where others than
    the logits want a gradient, which blocks do not form.
    """
    if logits.device.type != "cpu" or transformed((logits, *others)):
        return None
    learn = torch.is_grad_enabled() and any(
        isinstance(x, torch.Tensor) and x.requires_grad for x in others
    )
    return None if learn else BLOCK


class _Call:
    """What is needed to do the work again; the tensors are kept by autograd."""

    def __init__(
        self,
        formed: Any,
        natural: Any,
        arrays: list[Any],
        tensors: list[int],
        wanted: list[int],
    ) -> None:
        self.formed, self.natural = formed, natural
        self.tensors, self.wanted = tensors, wanted
        self.others = [None if i in tensors else x for i, x in enumerate(arrays)]

    def filled(self, tensors: Sequence[Array]) -> list[Any]:
        """Return the arrays in their places."""
        arrays = self.others.copy()
        for i, x in zip(self.tensors, tensors, strict=True):
            arrays[i] = x
        return arrays


class _Remembered(torch.autograd.Function):
    """The identity of the loss, with a gradient that is known already."""

    @staticmethod
    def forward(ctx: Any, call: _Call, gradients: Gradients, loss: Array, *tensors: Array) -> Array:
        ctx.call, ctx.gradients = call, gradients
        ctx.save_for_backward(*tensors)
        return loss

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Any, ...]:
        call = ctx.call
        if torch.is_grad_enabled():  # create_graph: the gradient is differentiated in its turn
            # aliases: an array may have been made from another, whose share this is not
            aliases = [x.view_as(x) for x in ctx.saved_tensors]
            arrays = call.filled(aliases)
            loss = call.natural(arrays, again=False)[0]
            known = torch.autograd.grad(
                loss, [arrays[i] for i in call.wanted], upstream, create_graph=True,
                allow_unused=True,
            )  # fmt: skip
        else:
            gradients, ctx.gradients = ctx.gradients, None  # handed out once, to be scaled in place
            if gradients is None:
                gradients = call.formed(call.filled(ctx.saved_tensors), call.wanted)[1]
            known = tuple(gradients[i] for i in call.wanted)
            if upstream != 1:
                known = tuple(x.mul_(upstream.to(x.dtype)) for x in known)
        by_position = dict(zip(call.wanted, known, strict=True))
        return (None, None, None, *(by_position.get(i) for i in call.tensors))


def _formed(
    part: Part, count: int, size: int, arrays: Sequence[Any], wanted: Sequence[int]
) -> tuple[Sums, Gradients] | None:
    """Return the sums, and the gradients by autograd of one block after the other."""
    gradients: Gradients = {}
    sums: Any = None
    length = _length(arrays[:count])
    starts = range(0, max(length, 1), size)
    for start in starts:
        leaves = [
            _leaf(x[start : start + size] if i < count and x is not None else x, i in wanted)
            for i, x in enumerate(arrays)
        ]
        with torch.set_grad_enabled(bool(wanted)):
            loss, *others = part(leaves[:count], leaves[count:])
            if any(x.requires_grad for x in others):  # weights that learn move two of the sums
                return None
            found: Sequence[Any] = (None,) * len(wanted)
            if loss.requires_grad:
                inputs = [leaves[i] for i in wanted]
                found = torch.autograd.grad(loss, inputs, allow_unused=True)
        for i, gradient in zip(wanted, found, strict=True):
            place = slice(start, min(start + size, length)) if i < count else None
            _collect(gradients, i, gradient, arrays[i], place)
        block = (loss.detach(), *others)
        sums = block if sums is None else tuple(a + b for a, b in zip(sums, block, strict=True))
    return sums, gradients


def _collect(
    gradients: Gradients, i: int, gradient: Any, array: Array, place: slice | None
) -> None:
    """Put a block's gradient into its rows, or add it to those of what is shared."""
    if place is None:
        if i not in gradients:
            gradients[i] = torch.zeros_like(array) if gradient is None else _own(gradient)
        elif gradient is not None:
            gradients[i].add_(gradient)
    elif gradient is not None and len(gradient) == len(array):
        gradients[i] = _own(gradient)
    else:
        if i not in gradients:
            gradients[i] = torch.empty_like(array)
        gradients[i][place] = 0.0 if gradient is None else gradient


def _own(gradient: Array) -> Array:
    """Return a gradient in which no two elements share memory, for what is done in place."""
    return gradient.clone() if _overlaps(gradient) else gradient


def _overlaps(gradient: Array) -> bool:
    """Tell whether elements share memory (expanded), so that nothing may be done in place."""
    return any(
        step == 0 and n > 1 for step, n in zip(gradient.stride(), gradient.shape, strict=True)
    )


def _composed(part: Part, count: int, size: int, arrays: Sequence[Any], *, again: bool) -> Sums:
    """Return the sums as torch's own composition of the blocks."""
    rows, shared = arrays[:count], arrays[count:]
    sums: Any = None
    for start in range(0, max(_length(rows), 1), size):
        block = [x if x is None else x[start : start + size] for x in rows]
        if again:
            found = checkpoint(part, block, shared, use_reentrant=False, preserve_rng_state=False)
        else:
            found = part(block, shared)
        sums = found if sums is None else tuple(a + b for a, b in zip(sums, found, strict=True))
    result: Sums = sums
    return result


def _length(rows: Sequence[Any]) -> int:
    return int(next(len(x) for x in rows if x is not None))


def _leaf(x: Any, wanted: bool) -> Any:
    return x.detach().requires_grad_(wanted) if isinstance(x, torch.Tensor) else x
