"""PyTorch: elementwise blocks with a derivative of their own, for eager code on the CPU."""

from collections.abc import Callable
from math import isfinite
from typing import Any

import torch

from weightedce import stable
from weightedce.backends import Array
from weightedce.backends.torch_compiled import sloped_block
from weightedce.backends.torch_modes import compiled, transformed

Composed = Callable[..., Array]
Sloped = Callable[..., tuple[Array, Array | None]]


def attach(
    composed: Composed, sloped: Sloped, logits: Array, positive: Array, negative: Array
) -> Array:
    """Return the composed block in few passes, where that gives the same numbers.

    It does not at infinite logits, whose limits only ``composed`` knows, nor for factors that
    want a gradient, which ``sloped`` does not give.
    """
    factors = positive, negative
    recorded = torch.is_grad_enabled()
    if any(x.shape != logits.shape or (recorded and x.requires_grad) for x in factors):
        return composed(logits, *factors)
    wanted = recorded and logits.requires_grad
    if compiled():
        return sloped_block(sloped, logits, positive, negative, wanted)
    if logits.device.type != "cpu" or transformed((logits, *factors)):
        return composed(logits, *factors)
    if sloped is stable.sloped_softplus:
        sloped = sloped_in_place
    with torch.no_grad():
        value, slope = sloped(logits, *factors, wanted)
        finite = isfinite(value.sum().item())
    if not finite:
        return composed(logits, *factors)
    return _Sloped.apply(composed, sloped, value, slope, logits, *factors) if wanted else value


def sloped_in_place(
    logits: Array, positive: Array, negative: Array, slope: bool
) -> tuple[Array, Array | None]:
    """Return ``positive * softplus(-z) + negative * softplus(z)`` and its slope, in place.

    The tail of both, log(1 + exp(-|z|)), comes from the sigmoids that the slope needs anyway.
    What is thrown away comes and goes as one array: of several, the C library may return each to
    the system, and a hundred thousand elements take twice as long for the page faults.
    """
    falling, tail = logits.new_empty((2, *logits.shape)).unbind()
    rising = torch.sigmoid(logits)
    torch.neg(logits, out=falling).sigmoid_()
    torch.minimum(rising, falling, out=tail).neg_().log1p_()  # minus the tail
    if slope:
        rising.mul_(negative).addcmul_(falling, positive, value=-1)
    above = torch.clamp(logits, min=0.0, out=falling)
    value = torch.sub(above, logits).sub_(tail).mul_(positive)
    value.addcmul_(above.sub_(tail), negative)
    return value, rising if slope else None


class _Sloped(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        composed: Composed,
        sloped: Sloped,
        value: Array,
        slope: Array,
        logits: Array,
        *factors: Array,
    ) -> Array:
        ctx.composed, ctx.sloped, ctx.slope = composed, sloped, slope
        ctx.save_for_backward(logits, *factors)
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Any, ...]:
        logits, *factors = ctx.saved_tensors
        nothing = (None,) * len(factors)
        if torch.is_grad_enabled():  # create_graph: the gradient is differentiated in its turn
            loss = ctx.composed(logits, *factors)
            gradient = torch.autograd.grad(loss, logits, upstream, create_graph=True)
            return None, None, None, None, *gradient, *nothing
        slope, ctx.slope = ctx.slope, None  # handed out once, scaled in place
        if slope is None:
            slope = ctx.sloped(logits, *factors, True)[1]
        return None, None, None, None, slope.mul_(upstream), *nothing
