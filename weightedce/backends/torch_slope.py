"""PyTorch: elementwise blocks with a derivative of their own, for eager code on the CPU."""

from collections.abc import Callable
from math import isfinite
from typing import Any

import torch

from weightedce import stable
from weightedce.backends import Array
from weightedce.backends.torch_compiled import sloped_block
from weightedce.backends.torch_modes import batched, compiled, transformed
from weightedce.stable import Sloped

Composed = Callable[..., Array]
softplus = torch.nn.functional.softplus
FEW = 2**13
LINEAR = 40.0


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


def sides(logits: Array) -> tuple[Array, Array, Array, Array] | None:
    """Return p, 1 - p, and -log of both, for p = sigmoid(z); None for the compiler."""
    return None if torch.compiler.is_compiling() else _sides_in_place(logits)


def _sides_in_place(logits: Array) -> tuple[Array, Array, Array, Array]:
    """Return p, 1 - p, and -log of both."""
    opposite = torch.neg(logits)
    if logits.numel() <= FEW:
        minus_log_p, minus_log_1p = softplus(opposite, 1.0, LINEAR), softplus(logits, 1.0, LINEAR)
        return torch.sigmoid(logits), opposite.sigmoid_(), minus_log_p, minus_log_1p
    p, rest = torch.sigmoid(logits), opposite.sigmoid_()
    tail = torch.minimum(p, rest).neg_().log1p_()  # minus log(1 + exp(-|z|))
    above = torch.relu(logits)
    return p, rest, torch.sub(above, logits).sub_(tail), above.sub_(tail)


def sloped_in_place(
    logits: Array, positive: Array, negative: Array, slope: bool
) -> tuple[Array, Array | None]:
    """Return ``positive * softplus(-z) + negative * softplus(z)`` and its slope, in place."""
    p, rest, minus_log_p, minus_log_1p = _sides_in_place(logits)
    value = minus_log_p.mul_(positive).addcmul_(minus_log_1p, negative)
    return value, p.mul_(negative).addcmul_(rest, positive, value=-1) if slope else None


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
        if torch.is_grad_enabled() or batched(upstream):  # the gradient is differentiated, or many
            with torch.enable_grad():
                loss = ctx.composed(logits, *factors)
                gradient = torch.autograd.grad(loss, logits, upstream, create_graph=True)
            return None, None, None, None, *gradient, *nothing
        slope, ctx.slope = ctx.slope, None  # handed out once, scaled in place
        if slope is None:
            slope = ctx.sloped(logits, *factors, True)[1]
        return None, None, None, None, slope.mul_(upstream), *nothing
