"""PyTorch: the blocks with a derivative of their own, as torch.compile takes and fuses them.

The derivative is computed from the logits again instead of from what the value left behind:
arithmetic is cheaper than memory.
"""

from typing import Any

import torch

from weightedce import softmax
from weightedce.backends import Array


def sloped_block(
    sloped: Any, logits: Array, positive: Array, negative: Array, wanted: bool
) -> Array:
    """Return the value of an elementwise block; its gradient, if ``wanted``, to the logits."""
    if wanted:
        found: Array = _Slope.apply(sloped, logits, positive, negative)
        return found
    value: Array = sloped(logits, positive, negative, False)[0]
    return value


def label_block(logits: Array, labels: Array, wanted: bool) -> Array:
    """Return ``logsumexp(z) - z_y``, the classes last."""
    if wanted:
        found: Array = _Labels.apply(logits, labels)
        return found
    return _label_loss(logits, labels)[1].loss


class _Slope(torch.autograd.Function):
    """An elementwise block of logits and factors; the factors want no gradient."""

    @staticmethod
    def forward(ctx: Any, sloped: Any, logits: Array, positive: Array, negative: Array) -> Array:
        ctx.sloped = sloped
        ctx.save_for_backward(logits, positive, negative)
        value: Array = sloped(logits, positive, negative, False)[0]
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Any, ...]:
        logits, positive, negative = ctx.saved_tensors
        slope = ctx.sloped(logits, positive, negative, True)[1]
        return None, slope * upstream, None, None


class _Labels(torch.autograd.Function):
    """The softmax block of labels, the classes last."""

    @staticmethod
    def forward(ctx: Any, logits: Array, labels: Array) -> Array:
        shift, found = _label_loss(logits, labels)
        ctx.save_for_backward(logits, labels, *shift, found.scale, found.at_label)
        return found.loss

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Any, ...]:
        logits, labels, by, factor, scale, at_label = ctx.saved_tensors
        ratios = softmax.shifted_exp(logits, by) * factor
        to_others, to_label = ((x * upstream)[..., None] for x in (scale, at_label))
        return torch.where(_hit(logits, labels), to_label, ratios * to_others), None


def _label_loss(logits: Array, labels: Array) -> tuple[softmax.Shift, softmax.LabelLoss]:
    """Return what exponentials are shifted by, and the loss with its derivative.

    The sum is that of the classes below the maximum: to leave out the label, Inductor would go
    through the logits a third time.
    """
    highest = torch.amax(logits, -1, keepdim=True)
    shift = softmax.shift_of(highest, logits.shape[-1])
    below = logits < highest
    powers = torch.where(below, torch.exp(logits - shift.by), 0.0).sum(-1, keepdim=True)
    ties = torch.where(below, 0.0, 1.0).sum(-1, keepdim=True)
    logit = torch.gather(logits, -1, labels[..., None])
    rest = ties - 1.0 + powers * shift.factor
    found = softmax.label_loss(logit, highest, rest)
    return shift, softmax.LabelLoss(*(x[..., 0] for x in found))


def _hit(logits: Array, labels: Array) -> Array:
    classes = torch.arange(logits.shape[-1], device=logits.device, dtype=torch.int32)
    return classes == labels.to(torch.int32)[..., None]
