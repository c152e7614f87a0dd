"""PyTorch: the softmax block of labels with a derivative of its own, for eager code on the CPU.

One array of the size of the logits is made, block by block of rows so that each stays in the
processor's cache: it holds the exponentials first and the gradient in the end.
"""

from collections.abc import Callable
from math import inf
from typing import Any

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.compiled import label_block
from weightedce.backends.torch.modes import batched, compiled, transformed
from weightedce.numerics import softmax

Composed = Callable[[Array, Array, int], Array]
# Of each row the maximum, the sum of the powers, and the factor that they lack; whether all maxima
# are finite.
Powers = tuple[Array, Array, Array, bool]
BLOCK = 2**18  # elements: a megabyte of float32


def label_loss(composed: Composed, logits: Array, labels: Array, axis: int) -> Array:
    """Return ``logsumexp(z) - z_y``, composed where torch has to see the operations."""
    last = logits.ndim - 1
    given = logits
    if axis != last:
        logits = logits.movedim(axis, last)
    wanted = torch.is_grad_enabled() and logits.requires_grad
    if compiled():
        return label_block(logits, labels, wanted)
    if logits.device.type != "cpu" or transformed((logits, labels)) or not logits.numel():
        return composed(given, labels, axis)
    rows = logits.reshape(-1, logits.shape[-1])
    if wanted:
        loss = _Block.apply(composed, rows, labels.reshape(-1, 1))
    else:
        loss = _formed(rows, labels.reshape(-1, 1))[1].loss
    return loss.reshape(labels.shape)


def one_hot(labels: Array, logits: Array, axis: int, on: float, off: float) -> Array:
    """Return ``on`` for the class of each label, ``off`` for the others."""
    place, cold = labels.unsqueeze(axis), torch.full_like(logits, off, requires_grad=False)
    if torch.compiler.is_compiling():
        # to scatter into a constant array is turned into a comparison of every class with the
        # label, 30 ms instead of 10 on (8192, 1000); and a number would be rounded to float32
        return cold.scatter_add(axis, place, torch.full_like(place, on - off, dtype=cold.dtype))
    return cold.scatter(axis, place, on)


def bincount(labels: Array, size: int) -> Array:
    """Count 0..size-1 in a vector of integers in 0..size.

    torch.bincount has to read the largest label: of no use to a compiler, and a GPU would wait.
    """
    if torch.compiler.is_compiling() or not labels.is_cpu or transformed((labels,)):
        none = torch.zeros(size + 1, dtype=torch.int64, device=labels.device)
        return none.scatter_add(0, labels, torch.ones_like(labels))[:size]
    return torch.bincount(labels, minlength=size)[:size]


def _formed(rows: Array, labels: Array) -> tuple[Array, softmax.LabelLoss]:
    """Return ``exp(z_k - max z)``, 0 for the label, and the loss with its derivative.

    In rows that need no shift the factor exp(-max z) is in the scale of the derivative instead.
    """
    powers = torch.empty_like(rows)
    top, others, factor, finite = _by_blocks(rows, labels, powers)
    found = softmax.label_loss(rows.gather(1, labels), top, others.mul_(factor), finite=finite)
    return powers, found._replace(scale=factor.mul_(found.scale))


def _by_blocks(rows: Array, labels: Array, powers: Array) -> Powers:
    """Return what `_powers_of` does of all rows."""
    size = max(1, BLOCK // rows.shape[1])
    if len(rows) <= size:
        return _powers_of(rows, labels, powers)
    starts = range(0, len(rows), size)
    parts = ([x[i : i + size] for x in (rows, labels, powers)] for i in starts)
    top, others, factor, finite = zip(*(_powers_of(*x) for x in parts), strict=True)
    return torch.cat(top), torch.cat(others), torch.cat(factor), all(finite)


def _powers_of(rows: Array, labels: Array, powers: Array) -> Powers:
    """Fill ``powers``; return what is known of the rows then."""
    top = torch.amax(rows, 1, keepdim=True)
    factor, finite = exponentials(rows, top, rows.shape[1], powers)
    powers.scatter_(1, labels, 0.0)
    return top, powers.sum(1, keepdim=True), factor, finite


def exponentials(logits: Array, highest: Array, classes: int, powers: Array) -> tuple[Array, bool]:
    """Fill ``powers`` with exp(z_k - max z) but for a factor, which is returned.

    And tell whether all maxima are finite. There is at least one.
    """
    low, high = (x.item() for x in torch.aminmax(highest))
    if softmax.unshifted(low, high):
        torch.exp(logits, out=powers)
        return torch.exp(-highest), True
    by, factor = softmax.shift_of(highest, classes)
    most = torch.finfo(logits.dtype).max  # as in softmax.shifted_exp
    torch.clamp(logits, max=most, out=powers).sub_(by.clamp(max=most)).exp_()
    powers.mul_(factor)  # at once: they may be next to underflow
    return torch.ones_like(highest), -inf < low and high < inf


class _Block(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, composed: Composed, rows: Array, labels: Array) -> Array:
        powers, found = _formed(rows.detach(), labels)
        ctx.composed, ctx.powers = composed, powers
        ctx.save_for_backward(rows, labels, found.scale, found.at_label)
        return found.loss

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Any, ...]:
        rows, labels, scale, at_label = ctx.saved_tensors
        if torch.is_grad_enabled() or batched(upstream):  # the gradient is differentiated, or many
            with torch.enable_grad():
                loss = ctx.composed(rows, labels[:, 0], 1)[:, None]
                return None, *torch.autograd.grad(loss, rows, upstream, create_graph=True), None
        gradient, ctx.powers = ctx.powers, None  # handed out once, scaled in place
        if gradient is None:
            gradient = _formed(rows, labels)[0]
        gradient.mul_(scale * upstream).scatter_(1, labels, at_label * upstream)
        return None, gradient, None
