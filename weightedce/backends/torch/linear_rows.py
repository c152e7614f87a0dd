"""PyTorch: the loss of each row, of logits that are a matrix product, by blocks of rows."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from weightedce.backends.handed import Array, Head
from weightedce.backends.torch.linear import blocks_of, linear_sums, losses_of
from weightedce.backends.torch.linear_products import logits_of, unmixed
from weightedce.backends.torch.modes import transformed

Split = Callable[[Sequence[Array]], tuple[Sequence[Any], list[Any], Sequence[Any]]]


def linear_losses(
    head: Head, linear: Sequence[Any], rows: Sequence[Any], shared: Sequence[Any], size: int
) -> Array:
    """Return the loss of each row."""
    arrays = (*linear, *rows, *shared)
    with unmixed(linear[0]):
        if transformed(arrays):
            found = [
                head.losses(logits_of(hidden, *linear[1:]), part, shared)
                for hidden, *part in blocks_of((linear[0], *rows), size)
            ]
            return torch.cat(found)
        present = [i for i, x in enumerate(arrays) if x is not None]
        split = partial(_split, present, len(arrays), len(rows))
        tensors = [arrays[i] for i in present]
        losses: Array = _Rows.apply(head, size, split, *tensors)
        return losses


class _Rows(torch.autograd.Function):
    """The loss of each row. Its gradient is that of a sum, weighted with what comes from above."""

    @staticmethod
    def forward(ctx: Any, head: Head, size: int, split: Split, *tensors: Array) -> Array:
        ctx.given = head, size, split
        ctx.save_for_backward(*tensors)
        return losses_of(head, *split(tensors), size)

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Any, ...]:
        head, size, split = ctx.given
        again, wanted = torch.is_grad_enabled(), ctx.needs_input_grad[3:]
        with torch.enable_grad():
            # aliases: an array may have been made from another, whose share this is not
            tensors = [
                x.view_as(x) if again else x.detach().requires_grad_(want)
                for x, want in zip(ctx.saved_tensors, wanted, strict=True)
            ]
            linear, rows, shared = split(tensors)
            rows[1] = rows[1] * upstream
            loss = linear_sums(head, linear, rows, shared, size)[0]
            inputs = [x for x, want in zip(tensors, wanted, strict=True) if want]
            found = iter(torch.autograd.grad(loss, inputs, create_graph=again, allow_unused=True))
        return (None, None, None, *(next(found) if want else None for want in wanted))


def _split(
    present: Sequence[int], length: int, rows: int, tensors: Sequence[Array]
) -> tuple[Sequence[Any], list[Any], Sequence[Any]]:
    """Return hidden, weight and bias; what belongs to rows; what is shared."""
    arrays: list[Any] = [None] * length
    for i, x in zip(present, tensors, strict=True):
        arrays[i] = x
    return arrays[:3], arrays[3 : 3 + rows], arrays[3 + rows :]
