"""PyTorch: a loss by blocks of rows, whose gradient is formed along with its value.

Nothing of the size of the whole batch is held but the gradients themselves: a block's arrays are
gone before the next one starts, and ``backward`` only scales what is there.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import isfinite
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from weightedce.backends.handed import Array, Part
from weightedce.backends.torch.modes import batched, transformed
from weightedce.backends.torch.slope import of_batch

BLOCK = 2**18  # elements: a megabyte of float32, so that what is made of a block stays in the cache
EVERYWHERE = slice(None)
NUMBERS = frozenset((type(None), float, str, int))  # told in half the time

Sums = tuple[Array, Array, Array]  # loss, weight, count
Gradients = dict[int, Array]  # by the position of the array
Formed = Callable[[Sequence[Any], Sequence[int]], tuple[Sums, Gradients] | None]


def by_blocks(part: Part, rows: Sequence[Any], size: int, divisor: float) -> Sums:
    """Return the sums of ``part``, added over blocks of ``size`` rows, the loss over ``divisor``.

    The gradient is formed to the logits. What the part holds is handed on as well, so that
    autograd sees if a tensor of it is changed meanwhile.
    """
    count = len(rows)
    formed = partial(_formed, part, count, size, divisor)
    natural = partial(_composed, part, count, 0 if part.apart else size, divisor)
    held = [x for x in part.held if isinstance(x, torch.Tensor)]
    return _remembered(formed, natural, (*rows, *held))


def remembered(formed: Formed, natural: Callable[..., Sums], arrays: Sequence[Any]) -> Sums:
    """Return sums with the gradient of the first one formed at once, where that is enough.

    ``formed(arrays, wanted)`` returns the sums and the gradient of the loss to the arrays whose
    positions are ``wanted``, or None if it cannot. ``natural(arrays, again=...)`` returns sums
    that torch differentiates itself, to any order: with ``again`` computed again in the backward
    pass to save memory.
    """
    if transformed(arrays):
        return natural(arrays, again=False)
    return _remembered(formed, natural, arrays)


def _remembered(formed: Formed, natural: Callable[..., Sums], arrays: Sequence[Any]) -> Sums:
    """Return what `remembered` does, where nothing looks through the operations."""
    tensors = [x if isinstance(x, torch.Tensor) else None for x in arrays]
    wanted: list[int] = []
    if torch.is_grad_enabled():
        wanted = [i for i, x in enumerate(tensors) if x is not None and x.requires_grad]
    found = formed(arrays, wanted)
    if found is None:
        return natural(arrays, again=True)
    sums, gradients = found
    if not wanted:
        return sums
    others = [x if kept is None else None for x, kept in zip(arrays, tensors, strict=True)]
    call = formed, natural, wanted, others
    return _Remembered.apply(call, (sums[0], gradients), *tensors), sums[1], sums[2]


def block_elements(logits: Array, others: Sequence[Any]) -> int:
    """Return how many elements to work on at a time, 0 where blocks cannot form the gradient."""
    if not logits.is_cpu or transformed((logits, *others)):
        return 0
    if torch.is_grad_enabled():
        for x in others:
            if type(x) not in NUMBERS and isinstance(x, torch.Tensor) and x.requires_grad:
                return 0
    return BLOCK


class _Remembered(torch.autograd.Function):
    """The identity of the loss, with a gradient that is known already."""

    @staticmethod
    def forward(ctx: Any, call: Any, found: tuple[Array, Gradients], *tensors: Any) -> Array:
        ctx.call = call
        loss, ctx.gradients = found
        ctx.save_for_backward(*tensors)  # autograd keeps them, and sees if one is changed
        return loss

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Any, ...]:
        formed, natural, wanted, others = ctx.call
        if torch.is_grad_enabled() or batched(upstream):  # the gradient is differentiated, or many
            # aliases: an array may have been made from another, whose share this is not
            with torch.enable_grad():
                tensors = [None if x is None else x.view_as(x) for x in ctx.saved_tensors]
                loss = natural(_filled(tensors, others), again=False)[0]
                inputs = [tensors[i] for i in wanted]
                known = torch.autograd.grad(
                    loss, inputs, upstream, create_graph=True, allow_unused=True
                )
            gradients = dict(zip(wanted, known, strict=True))
        else:
            gradients, ctx.gradients = ctx.gradients, None  # handed out once, to be scaled in place
            if gradients is None:
                gradients = formed(_filled(ctx.saved_tensors, others), wanted)[1]
            if not upstream.is_cpu:
                dtypes = {i: ctx.saved_tensors[i].dtype for i in gradients}
                gradients = {i: _scaled(x, upstream, dtypes[i]) for i, x in gradients.items()}
            elif upstream.ndim or upstream.item() != 1.0:
                for x in gradients.values():
                    x.mul_(upstream.to(x.dtype))
        # to float16 by autograd, and only now: a scaled loss is there to keep it from underflow
        return None, None, *map(gradients.get, range(len(others)))


def _scaled(gradient: Array, upstream: Array, dtype: torch.dtype) -> Array:
    """Return a gradient times what comes from above, rounded once: in place, or smaller.

    On an accelerator, where nobody waits to see whether that is 1.
    """
    if gradient.dtype == dtype:
        return gradient.mul_(upstream.to(dtype))
    place = torch.empty_like(gradient, dtype=dtype)
    return torch.mul(gradient, upstream.to(gradient.dtype), out=place)


def _filled(tensors: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """Return all arrays in their places."""
    return [x if kept is None else kept for x, kept in zip(others, tensors, strict=True)]


def _formed(
    part: Part,
    count: int,
    size: int,
    divisor: float,
    arrays: Sequence[Any],
    wanted: Sequence[int],
) -> tuple[Sums, Gradients] | None:
    """Return the sums, and the gradient to the logits if it is wanted, of block after block."""
    like = arrays[0]
    scale = None  # an array, for a number takes ten times as long
    if divisor != 1.0:
        dtype = torch.promote_types(like.dtype, torch.float32)
        scale = torch.scalar_tensor(1.0 / divisor, dtype=dtype, device=like.device)
    loss: Any = None
    counted: Any = None
    gradient: Any = None
    for place, block in _blocks(arrays[:count], size):
        found = _with_slope(part, block, bool(wanted))
        if found is None and not part.apart:
            found = _by_autograd(part, block, bool(wanted))
        if found is None:
            return None
        (more, *counts), slope = found
        if slope is not None:
            gradient = _placed(slope, scale, place, gradient, like)
        if part.apart:
            loss = _placed(more, None, place, loss, like)
        else:
            loss = more if loss is None else loss + more
        if counted is not None:
            counts = [a + b for a, b in zip(counted, counts, strict=True)]
        counted = counts
    return (loss if scale is None else loss * scale, *counted), {0: gradient}


def _placed(found: Array, scale: Array | None, place: slice, whole: Any, like: Array) -> Array:
    """Return ``whole``, made if there is none, with what was found, scaled, in its place."""
    if place == EVERYWHERE:
        return found if scale is None else found.mul_(scale)
    if whole is None:
        whole = torch.empty_like(like, dtype=found.dtype)
    if scale is None:
        whole[place] = found
    else:
        torch.mul(found, scale, out=whole[place])
    return whole


def _blocks(rows: Sequence[Any], size: int) -> Iterable[tuple[slice, Sequence[Any]]]:
    """Return the place of each block, and its rows."""
    if size == 0:
        return [(EVERYWHERE, rows)]
    places = (slice(start, start + size) for start in range(0, len(rows[0]), size))
    return ((place, [x[place] for x in rows]) for place in places)


def _with_slope(part: Part, rows: Sequence[Any], wanted: bool) -> Any:
    """Return sums and slope of a formula that has both, or None if it has not."""
    sloped = part.sloped
    if sloped is None:
        return None
    rows = rows[0].detach(), *rows[1:]
    sums, slope = part.with_slope(partial(of_batch, sloped), rows, wanted)
    loss = sums[0].sum() if sums[0].ndim else sums[0]
    return (sums, slope) if isfinite(loss.item()) else None


def _by_autograd(part: Part, rows: Sequence[Any], wanted: bool) -> Any:
    """Return sums and slope, or None if the logits move other sums than that of the loss."""
    logits = rows[0].detach().requires_grad_(wanted)
    with torch.set_grad_enabled(wanted):
        loss, *others = part.sums((logits, *rows[1:]))
        if any(isinstance(x, torch.Tensor) and x.requires_grad for x in others):
            return None
        slope = torch.autograd.grad(loss, logits)[0] if wanted else None
    return (loss.detach(), *others), slope


def _composed(
    part: Part, count: int, size: int, divisor: float, arrays: Sequence[Any], *, again: bool
) -> Sums:
    """Return the sums as torch's own composition of the blocks."""
    sums: Any = None
    for _, block in _blocks(arrays[:count], size):
        if again:
            found = checkpoint(part.sums, block, use_reentrant=False, preserve_rng_state=False)
        else:
            found = part.sums(block)
        sums = found if sums is None else tuple(a + b for a, b in zip(sums, found, strict=True))
    return (sums[0] / divisor, *sums[1:])
