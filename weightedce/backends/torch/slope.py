"""PyTorch: blocks of logits and factors with their own derivative, for eager code on the CPU."""

from collections.abc import Callable
from functools import partial
from math import isfinite
from typing import Any

import torch

from weightedce.backends.handed import Array, Block, Factors, Sloped
from weightedce.backends.torch.compiled import sloped_block
from weightedce.backends.torch.devices import takes_operators
from weightedce.backends.torch.mass import mass_in_place
from weightedce.backends.torch.modes import batched, compiled, transformed
from weightedce.numerics import stable
from weightedce.numerics.mass import mass_with_slope

MANY = 2**15  # elements
FEW = 2**13  # elements: kernels are so short that fewer of them count more than what they do


def attach(block: Block, axis: int | None, logits: Array, *factors: Array) -> Array:
    """Return the block in few passes, where that gives the same numbers.

    It does not at infinite logits, whose limits only the composed form knows, nor for factors
    that want a gradient, which the sloped one does not give.
    """
    composed = block.composed
    recorded = torch.is_grad_enabled()
    if any(x.shape != logits.shape or (recorded and x.requires_grad) for x in factors):
        return composed(logits, *factors)
    wanted = recorded and logits.requires_grad
    if compiled():
        return sloped_block(block.sloped, axis, logits, factors, wanted)
    if logits.device.type != "cpu" or transformed((logits, *factors)):
        return composed(logits, *factors)
    sloped = in_place(block.sloped)
    with torch.no_grad():
        value, slope = sloped(logits, *factors, wanted)
        finite = isfinite(value.sum().item())
    if not finite:
        return composed(logits, *factors)
    call = Block(composed, sloped), axis
    return _Sloped.apply(call, value, slope, logits, *factors) if wanted else value


def in_place(sloped: Sloped) -> Sloped:
    """Return the block in the form that makes the fewest arrays."""
    own = OWN.get(sloped.func)
    return sloped if own is None else partial(own, *sloped.args)


def sides(logits: Array) -> tuple[Array, Array, Array, Array]:
    """Return p, 1 - p, and -log of both, for p = sigmoid(z)."""
    if not torch.compiler.is_compiling() and not takes_operators(logits):
        return _sides_in_place(logits)  # not right at infinite logits
    tail = torch.log1p(torch.exp(-torch.abs(logits)))
    above, below = torch.clamp(logits, min=0.0), torch.clamp(-logits, min=0.0)
    return torch.sigmoid(logits), torch.sigmoid(-logits), below + tail, above + tail


def _sides_in_place(logits: Array) -> tuple[Array, Array, Array, Array]:
    """Return the same.

    Of many logits both logarithms end in log(1 + exp(-|z|)), which comes from the smaller of the
    sigmoids. What is thrown away then comes and goes as one array, with room for two more: the C
    library gives back to the system what is free beyond twice the largest array it has seen, and
    a hundred thousand elements take three times as long for the page faults.
    """
    if logits.numel() <= FEW:
        rest = torch.neg(logits)
        above, below = _softplus(logits), _softplus(rest)
        return torch.sigmoid(logits), rest.sigmoid_(), below, above
    rest, tail, above, *_ = logits.new_empty((5, *logits.shape)).unbind()
    p = torch.sigmoid(logits)
    torch.neg(logits, out=rest).sigmoid_()
    torch.minimum(p, rest, out=tail).neg_().log1p_()  # minus log(1 + exp(-|z|))
    torch.clamp(logits, min=0.0, out=above)
    return p, rest, torch.sub(above, logits).sub_(tail), above.sub_(tail)


def _softplus(logits: Array, out: Array | None = None) -> Array:
    """Return log(1 + exp(z)); from 40 on it is z, while torch's own 20 costs float64 its digits.

    Of many logits in steps, which each go through memory twice as fast.
    """
    if logits.numel() > MANY:
        tail = torch.abs(logits).neg_().exp_().log1p_()
        return torch.clamp(logits, min=0.0, out=out).add_(tail)
    found: Array = torch.nn.functional.softplus(logits, 1.0, 40.0, out=out)
    return found


def softplus_in_place(
    logits: Array, positive: Array, negative: Array, slope: bool
) -> tuple[Array, Array | None]:
    """Return ``positive * softplus(-z) + negative * softplus(z)`` and its slope, in place."""
    p, rest, minus_log_p, minus_log_1p = _sides_in_place(logits)
    value = minus_log_p.mul_(positive).addcmul_(minus_log_1p, negative)
    return value, p.mul_(negative).addcmul_(rest, positive, value=-1) if slope else None


def of_batch(sloped: Sloped, batch: Factors, slope: bool) -> tuple[Array, Array | None]:
    """Return the block of a batch, in the form that takes the fewest passes."""
    if batch.hard and sloped.func is stable.softplus_with_slope:
        return _one_side(0.0, batch, slope)
    if batch.hard and sloped.func is stable.focal_with_slope:
        return _one_side(sloped.args[0], batch, slope)
    return in_place(sloped)(batch.logits, batch.positive, batch.negative, slope)


def _one_side(gamma: float, batch: Factors, slope: bool) -> tuple[Array, Array | None]:
    """Return `stable.focal` and its slope for targets that are 0 or 1.

    With u = z for y = 0 and -z for y = 1, q = sigmoid(u), and the one factor w that is not 0, it
    is ``w q^gamma softplus(u)``, with the slope ``+-w q^gamma (q + gamma (1 - q) softplus(u))``.
    """
    u = torch.addcmul(batch.logits, batch.targets, batch.logits, value=-2.0)
    q, weight = torch.sigmoid(u), batch.positive + batch.negative
    rest = torch.neg(u).sigmoid_() if slope and gamma else None
    softplus, signed = _softplus(u, out=u), batch.negative - batch.positive
    if gamma:
        power = q**gamma
        weight *= power  # before what follows: a power may be next to underflow
        signed *= power
        if rest is not None:
            q += rest.mul_(softplus).mul_(gamma)
    return softplus.mul_(weight), q.mul_(signed) if slope else None


OWN: dict[Callable[..., Any], Callable[..., Any]] = {
    stable.softplus_with_slope: softplus_in_place,
    mass_with_slope: mass_in_place,
}


class _Sloped(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        call: tuple[Block, int | None],
        value: Array,
        slope: Array,
        logits: Array,
        *factors: Array,
    ) -> Array:
        ctx.call, ctx.slope = call, slope
        ctx.save_for_backward(logits, *factors)
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Any, ...]:
        logits, *factors = ctx.saved_tensors
        block, axis = ctx.call
        nothing = (None,) * len(factors)
        if torch.is_grad_enabled() or batched(upstream):  # the gradient is differentiated, or many
            with torch.enable_grad():
                loss = block.composed(logits, *factors)
                gradient = torch.autograd.grad(loss, logits, upstream, create_graph=True)
            return None, None, None, *gradient, *nothing
        slope, ctx.slope = ctx.slope, None  # handed out once, scaled in place
        if slope is None:
            slope = block.sloped(logits, *factors, True)[1]
        upstream = upstream if axis is None else upstream.unsqueeze(axis)
        return None, None, None, slope.mul_(upstream), *nothing
