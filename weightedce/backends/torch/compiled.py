"""PyTorch: the blocks with a derivative of their own, as torch.compile takes and fuses them.

The derivative is computed from the logits again instead of from what the value left behind:
arithmetic is cheaper than memory.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch

from weightedce.backends.adding import in_pieces
from weightedce.backends.handed import Array
from weightedce.numerics import softmax

LONG = 2**13  # in a row of 128,000 sums were off by 413 ulp
UNROLLED = 5  # Inductor unrolls sums of less than 8, and does not vectorise them if less than 5
# Classes that are added up one by one here, so that a vector is of rows: 65,536 rows of 10 take .7
# of the time. Of more Inductor sees too many strided loads, 35, and takes the rows one by one.
FEWEST, MOST = 8, 11


def sloped_block(
    sloped: Any, axis: int | None, logits: Array, factors: Sequence[Array], wanted: bool
) -> Array:
    """Return the value of a block; its gradient, if ``wanted``, to the logits."""
    if wanted:
        found: Array = _Slope.apply(sloped, axis, logits, *factors)
        return found
    value: Array = sloped(logits, *factors, False)[0]
    return value


def label_block(logits: Array, labels: Array, wanted: bool) -> Array:
    """Return ``logsumexp(z) - z_y``, the classes last."""
    if wanted:
        found: Array = _Labels.apply(logits, labels)
        return found
    return softmax.label_loss(*_sums(logits, labels)).loss[..., 0]


class _Slope(torch.autograd.Function):
    """A block of logits and factors; the factors want no gradient."""

    @staticmethod
    def forward(ctx: Any, sloped: Any, axis: int | None, logits: Array, *factors: Array) -> Array:
        ctx.sloped, ctx.axis = sloped, axis
        ctx.save_for_backward(logits, *factors)
        value: Array = sloped(logits, *factors, False)[0]
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Any, ...]:
        logits, *factors = ctx.saved_tensors
        slope = ctx.sloped(logits, *factors, True)[1]
        upstream = upstream if ctx.axis is None else upstream.unsqueeze(ctx.axis)
        return None, None, slope * upstream, *(None,) * len(factors)


class _Labels(torch.autograd.Function):
    """The softmax block of labels, the classes last.

    The label's derivative is put in its place at the end: to compare every class with it took
    as long as all the rest, for Inductor makes up the numbers of the classes one by one.
    """

    @staticmethod
    def forward(ctx: Any, logits: Array, labels: Array) -> Array:
        logit, highest, others = _sums(logits, labels)
        found = softmax.label_loss(logit, highest, others)
        scale = softmax.shift_of(highest, logits.shape[-1]).factor * found.scale
        ctx.save_for_backward(logits, labels, highest, scale, found.at_label)
        return found.loss[..., 0]

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Any, ...]:
        logits, labels, highest, scale, at_label = ctx.saved_tensors
        upstream = upstream[..., None]
        by = softmax.shift_of(highest, logits.shape[-1]).by
        slope = softmax.shifted_exp(logits, by) * scale * upstream
        return slope.scatter(-1, labels[..., None], at_label * upstream), None


def _sums(logits: Array, labels: Array) -> tuple[Array, Array, Array]:
    """Return z_y, max z and the ``others`` of `softmax.label_loss`.

    The sum is that of the classes below the maximum: to leave out the label, Inductor would make
    up the numbers of the classes here too.
    """
    classes = logits.shape[-1]
    if _one_by_one(logits, classes):
        return _sums_one_by_one(logits, labels)
    logit = torch.gather(logits, -1, labels[..., None])
    if 1 < classes < UNROLLED:
        logits = torch.nn.functional.pad(logits, (0, 8 - classes), value=-torch.inf)
    highest = torch.amax(logits, -1, keepdim=True)
    by, factor = softmax.shift_of(highest, classes)
    below = logits < highest
    powers = _added(torch.where(below, torch.exp(logits - by), 0.0))
    ties = torch.where(below, 0.0, 1.0).sum(-1, keepdim=True)
    own = torch.exp(-softmax.distance(logit, highest))  # 1, and ties - 1 exact, at the maximum
    return logit, highest, ties - own + powers * factor


def _one_by_one(logits: Array, classes: Any) -> bool:
    few = isinstance(classes, int) and FEWEST <= classes <= MOST  # a symbol is no int
    return few and logits.is_cpu and not torch.compiler.is_exporting()


def _sums_one_by_one(logits: Array, labels: Array) -> tuple[Array, Array, Array]:
    """Return what `_sums` does, without a sum along an axis."""
    columns = logits.unbind(-1)
    highest = reduce(torch.maximum, columns)
    by, factor = softmax.shift_of(highest, len(columns))
    logit = others = torch.zeros_like(highest)
    for k, column in enumerate(columns):
        hit = labels == k
        logit = torch.where(hit, column, logit)
        others = others + torch.where(hit, 0.0, softmax.shifted_exp(column, by))
    return logit[..., None], highest[..., None], (others * factor)[..., None]


def _added(rows: Array) -> Array:
    """Return the sum of each row, of size 1."""
    if is_long(rows.shape[-1]):
        return in_pieces(torch, rows, -1, True)
    return rows.sum(-1, keepdim=True)


def is_long(size: Any) -> bool:
    """Tell whether what is added in a few lanes errs by more than a few ulp; not of a symbol."""
    return isinstance(size, int) and size > LONG
