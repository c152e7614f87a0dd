"""PyTorch: the softmax block of labels whose classes lie on several processes.

As in `labels` one array of the size of the logits is made: it holds the exponentials first and the
gradient in the end. Between the two passes over it go two numbers an example.
"""

from typing import Any

import torch

from weightedce.backends.handed import Array, Shards
from weightedce.backends.torch.labels import BLOCK, exponentials
from weightedce.backends.torch.modes import batched
from weightedce.backends.torch.shards import refuse_second
from weightedce.numerics import softmax


def label_loss_of_shards(
    shards: Shards, logits: Array, labels: Array, outside: Array | None, axis: int
) -> Array:
    """Return ``logsumexp(z) - z_y`` of the classes on all devices."""
    rows = logits.movedim(axis, -1).reshape(-1, logits.shape[axis])
    highest = shards.highest
    if highest is None:
        highest = shards.max(top_of(rows))
    place = labels.reshape(-1, 1) - shards.start
    known = None if outside is None else ~outside.reshape(-1, 1)
    given = shards, highest.reshape(-1, 1), place, known
    if torch.is_grad_enabled() and logits.requires_grad:
        loss = _Block.apply(given, rows)
    else:
        loss = _formed(rows, *given)[1].loss
    return loss.reshape(labels.shape)


def top_of(rows: Array) -> Array:
    """Return the maximum of each row, -inf for NaN: see `shards`."""
    top = torch.amax(rows.detach(), 1)
    return torch.where(top == top, top, -torch.inf)


def _formed(
    rows: Array, shards: Shards, highest: Array, place: Array, known: Array | None
) -> tuple[Array, softmax.LabelLoss]:
    """Return ``exp(z_k - max z)``, 0 for the label, and the loss with its derivative."""
    place, here = here_of(rows, place)
    powers, others, factor, finite = _powers(rows, highest, place, here, shards.classes)
    if known is not None:
        others = torch.where(known, others, torch.nan)
    logit = torch.where(here, rows.gather(1, place), 0.0)
    others, logit = shards.sum(torch.stack([others, logit])).unbind()
    found = softmax.label_loss(logit, highest, others, finite=finite)
    return powers, found._replace(scale=factor * found.scale)


def here_of(rows: Array, place: Array) -> tuple[Array, Array]:
    """Return places that there are, and which labels are on this device."""
    here = (place >= 0) & (place < rows.shape[1])
    return torch.where(here, place, 0), here


def _powers(
    rows: Array, highest: Array, place: Array, here: Array, classes: int
) -> tuple[Array, Array, Array, bool]:
    """Return the powers and their sums, the factor that the former lack, if all maxima are finite.

    By blocks of rows that stay in the processor's cache.
    """
    powers = torch.empty_like(rows)
    size = max(1, BLOCK // rows.shape[1]) if rows.is_cpu else len(rows)
    others, factors, finite = [rows[:0, :1]], [highest[:0]], True
    for start in range(0, len(rows), max(size, 1)):
        block = slice(start, start + size)
        e, i = powers[block], place[block]
        factor, all_finite = exponentials(rows[block], highest[block], classes, e)
        # nothing where the label is elsewhere: its place is that of another class
        e.scatter_(1, i, torch.where(here[block], 0.0, e.gather(1, i)))
        others.append(e.sum(1, keepdim=True).mul_(factor))
        factors.append(factor)
        finite = finite and all_finite
    return powers, torch.cat(others), torch.cat(factors), finite


class _Block(torch.autograd.Function):
    """The loss of each row; its gradient to the classes that are here needs no other device."""

    @staticmethod
    def forward(ctx: Any, given: tuple[Any, ...], rows: Array) -> Array:
        powers, found = _formed(rows.detach(), *given)
        ctx.given, ctx.powers = given, powers
        ctx.save_for_backward(rows, found.scale, found.at_label)
        return found.loss

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Any, ...]:
        rows, scale, at_label = ctx.saved_tensors
        refuse_second(upstream)
        shards, highest, place, _ = ctx.given
        place, here = here_of(rows, place)
        gradient, ctx.powers = ctx.powers, None  # handed out once, scaled in place
        if gradient is None:
            gradient = _powers(rows, highest, place, here, shards.classes)[0]
        if batched(upstream):  # many gradients at once: of what is done in place to one, no more
            ctx.powers = gradient
            gradient = gradient * (scale * upstream)
            own = torch.where(here, at_label * upstream, gradient.gather(1, place))
            return None, gradient.scatter(1, place, own)
        gradient.mul_(scale * upstream)
        own = torch.where(here, at_label * upstream, gradient.gather(1, place))
        return None, gradient.scatter_(1, place, own)
