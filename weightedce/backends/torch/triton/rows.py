"""Kernels: what belongs to a row, or to an element: where it is, its weight, whether it counts.

And the way from losses to their reduction: each program adds up its own, `finish` adds up those.
"""

import triton
import triton.language as tl

from weightedce.backends.torch.triton.arithmetic import LARGEST
from weightedce.numerics.smoothing import ROUNDING_SLACK

ONE = tl.constexpr(0)  # what a sum of losses is divided by
COUNT = tl.constexpr(1)
WEIGHT = tl.constexpr(2)
SLACK = tl.constexpr(ROUNDING_SLACK)


@triton.jit
def rows_of(ROWS: tl.constexpr):
    """Return the rows of this program."""
    return tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)


@triton.jit
def start_of(row, classes, inner):
    """Return where the first class of a row is, ``inner`` numbers before the next one."""
    return (row // inner) * classes * inner + row % inner


@triton.jit
def kept(keep, row, mask, mask_step):
    """Return which rows the mask keeps; it has one number for each ``mask_step`` of them."""
    if mask is not None:
        found = tl.load(mask + row // mask_step, mask=keep, other=0)
        keep = keep & (found.to(tl.float32) != 0.0)
    return keep


@triton.jit
def not_ignored(keep, targets, ignore):
    """Return which are kept of those whose targets are not among ``ignore``."""
    for i in tl.static_range(len(ignore)):
        keep = keep & (targets != ignore[i])
    return keep


@triton.jit
def in_range(targets, SIGNED: tl.constexpr):
    """Return targets, NaN for what is no probability."""
    if not SIGNED:
        outside = (targets < -SLACK) | (targets > 1.0 + SLACK)
        targets = tl.where(outside, float("nan"), targets)
    return targets


@triton.jit
def weight_at(weight, place, there, SIGNED: tl.constexpr):
    """Return weights by their places, 1 where there are none, NaN for what is no weight."""
    if weight is None:
        found = 1.0
    else:
        found = tl.load(weight + place, mask=there, other=0.0).to(tl.float32)
        least = -LARGEST if SIGNED else 0.0
        found = tl.where((found < least) | (found > LARGEST), float("nan"), found)
    return found


@triton.jit
def product(weight, loss):
    """Return ``weight * loss`` with 0 * inf = 0."""
    return tl.where((weight == 0.0) & (loss > LARGEST), 0.0, weight * loss)


@triton.jit
def put_gradient(place, slope, keep, there):
    """Store a gradient, 0 where nothing is kept, in the dtype that it has there.

    Rounded to the nearest bfloat16 here, for Triton's interpreter cuts off.
    """
    slope = tl.where(keep, slope, 0.0)
    if place.dtype.element_ty == tl.bfloat16:
        bits = slope.to(tl.int32, bitcast=True)
        bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & -0x10000
        slope = tl.where(slope == slope, bits.to(tl.float32, bitcast=True), slope)
    tl.store(place, slope.to(place.dtype.element_ty), mask=there)


@triton.jit
def put_losses(losses, partial, row, there, loss, weight, keep, APART: tl.constexpr):
    """Store the losses of rows, or the sums of a program: of loss, weight, and what counts."""
    if APART:
        tl.store(losses + row, loss, mask=there)
    else:
        place = partial + tl.program_id(0).to(tl.int64) * 3
        tl.store(place, tl.sum(tl.where(keep, loss, 0.0), axis=0))
        tl.store(place + 1, tl.sum(tl.where(keep, weight, 0.0), axis=0))
        tl.store(place + 2, tl.sum(tl.where(keep, 1.0, 0.0), axis=0))


@triton.jit
def added(total, lost, more):
    """Return the sum of ``total`` and ``more``, and what it and those before it lost."""
    whole = total + more
    back = whole - total
    rounding = (total - (whole - back)) + (more - back)
    return whole, lost + tl.where(tl.abs(whole) <= LARGEST, rounding, 0.0)


@triton.jit
def finish(partial, reduced, sums, programs, DIVISOR: tl.constexpr, BLOCK: tl.constexpr):
    """Reduce the sums of all programs: the loss, the sum of weights, the number that counts."""
    none = tl.zeros((BLOCK,), tl.float32)
    loss, weight, count, lost, lighter, fewer = none, none, none, none, none, none
    for first in range(0, programs, BLOCK):
        program = first + tl.arange(0, BLOCK)
        there, place = program < programs, partial + program.to(tl.int64) * 3
        loss, lost = added(loss, lost, tl.load(place, mask=there, other=0.0))
        weight, lighter = added(weight, lighter, tl.load(place + 1, mask=there, other=0.0))
        count, fewer = added(count, fewer, tl.load(place + 2, mask=there, other=0.0))
    total = tl.sum(loss + lost, axis=0)
    weights, number = tl.sum(weight + lighter, axis=0), tl.sum(count + fewer, axis=0)
    tl.store(sums, weights)
    tl.store(sums + 1, number)
    if DIVISOR == COUNT:
        total = ratio(total, number)
    elif DIVISOR == WEIGHT:
        total = ratio(total, weights)
    tl.store(reduced, total)


@triton.jit
def ratio(numerator, denominator):
    """Return the quotient, and 0 where the denominator is 0."""
    nothing = denominator == 0.0
    return tl.where(nothing, 0.0, tl.div_rn(numerator, tl.where(nothing, 1.0, denominator)))


@triton.jit
def from_above(upstream, step, sums, row, there, DIVISOR: tl.constexpr):
    """Return the derivative of what is asked for to the losses of rows."""
    found = tl.load(upstream + row * step, mask=there, other=0.0).to(tl.float32)
    if DIVISOR == COUNT:
        found = ratio(found, tl.load(sums + 1))
    elif DIVISOR == WEIGHT:
        found = ratio(found, tl.load(sums))
    return found
