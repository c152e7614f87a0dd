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
        highest, found = _label_loss(logits, labels)
        ctx.save_for_backward(logits, labels, highest, found.scale, found.at_label)
        return found.loss

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Any, ...]:
        logits, labels, highest, scale, at_label = ctx.saved_tensors
        to_others = _shifted_exp(logits, highest) * (scale * upstream)[..., None]
        to_label = (at_label * upstream)[..., None]
        return torch.where(_hit(logits, labels), to_label, to_others), None


def _label_loss(logits: Array, labels: Array) -> tuple[Array, softmax.LabelLoss]:
    """Return max z, and the loss with its derivative."""
    highest = torch.amax(logits, -1, keepdim=True)
    ratios = torch.where(_hit(logits, labels), 0.0, _shifted_exp(logits, highest))
    at_label = torch.gather(logits, -1, labels[..., None])[..., 0]
    return highest, softmax.label_loss(at_label, highest[..., 0], ratios.sum(-1))


def _shifted_exp(logits: Array, highest: Array) -> Array:
    # Expanded, so that what is done to the maximum joins the loop over the classes: a loop of its
    # own would keep Inductor from taking maximum and sum of a row while the row is in the cache.
    return softmax.shifted_exp(logits, highest.expand_as(logits))


def _hit(logits: Array, labels: Array) -> Array:
    classes = torch.arange(logits.shape[-1], device=logits.device, dtype=torch.int32)
    return classes == labels.to(torch.int32)[..., None]
