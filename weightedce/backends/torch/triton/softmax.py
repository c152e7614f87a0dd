"""Kernels: what all losses over classes need of a row: max z, and the sum of the other powers.

As in `weightedce.numerics.softmax`, ``rest`` is the sum of exp(z_k - max z) over all classes but
one at the maximum, which is left out of the sum, not subtracted: small losses keep their digits.
Logits with a shift are pairs, z and what its rounding left out, ``low``; of others that is 0.
"""

import triton
import triton.language as tl

from weightedce.backends.torch.triton.arithmetic import (
    LARGEST,
    exp,
    exp_of_difference,
    tanh,
)


@triton.jit
def logits_at(place, k, y, inside, bent, classes):
    """Return the logits of classes k, ``low``, and the derivative of both to what is stored.

    -inf where none is inside; y are the labels of the rows.
    """
    z = tl.load(place, mask=inside, other=float("-inf")).to(tl.float32)
    low, slope = 0.0, 1.0
    if bent.cap is not None:
        fading = exp(-2.0 * tl.abs(tl.div_rn(z, bent.cap)))
        slope = 4.0 * fading / ((1.0 + fading) * (1.0 + fading))
        z = tl.where(inside, bent.cap * tanh(tl.div_rn(z, bent.cap)), float("-inf"))
    if bent.factor is not None:
        z, slope = z * bent.factor, slope * bent.factor
    if bent.scale is not None:
        which = k if bent.by_label is None else y
        scale = tl.load(bent.scale + which, mask=(which >= 0) & (which < classes), other=1.0)
        z, slope = tl.where(inside, z * scale, float("-inf")), slope * scale
    if bent.shift is not None:
        there = (k >= 0) & (k < classes)
        shift = tl.load(bent.shift + k, mask=there, other=0.0)
        left = tl.load(bent.shift + classes + k, mask=there, other=0.0)
        moved = z + shift
        back = moved - z
        rounding = (z - (moved - back)) + (shift - back)
        z = tl.where(shift < -LARGEST, float("-inf"), moved)  # of +inf as well
        low = tl.where(tl.abs(z) <= LARGEST, rounding + left, 0.0)
    return z, low, slope


@triton.jit
def ratio_to(z, highest, low):
    """Return exp(z - highest), 1 where they are alike, infinite ones too; ``low`` is of both."""
    same = z == highest
    return exp_of_difference(tl.where(same, 0.0, z), tl.where(same, 0.0, highest), low)


@triton.jit
def distance(z, highest, low):
    """Return highest - z."""
    return tl.where(z == highest, 0.0, highest - z) - low


@triton.jit
def further(z, low, inside, highest, lowest, rest, PAIRS: tl.constexpr):
    """Return ``highest`` and ``rest`` with further classes, and which of these are at the maximum.

    ``lowest`` is the ``low`` of the maximum, ``rest`` -1 where there was no class before.
    """
    top, bottom = tl.maximum(highest, tl.max(z, axis=1)), lowest
    at_top = inside & (z == top[:, None])
    if PAIRS:
        least = float("-inf")
        bottom = tl.max(tl.where(at_top, low, least), axis=1)
        bottom = tl.maximum(tl.where(highest == top, lowest, least), bottom)
        bottom = tl.where(bottom == least, 0.0, bottom)
        at_top = at_top & (low == bottom[:, None])
    others = inside & (at_top == 0)
    powers = tl.where(others, ratio_to(z, top[:, None], low - bottom[:, None]), 0.0)
    ties = tl.sum(tl.where(at_top, 1.0, 0.0), axis=1)
    # the maximum before is one of those below now, or one more at the top
    before = (rest + 1.0) * ratio_to(highest, top, lowest - bottom) + (ties - 1.0)
    return top, bottom, tl.where(ties > 0.0, before, rest) + tl.sum(powers, axis=1), at_top


@triton.jit
def defined(rest, highest):
    """Return ``rest``, and NaN for rows with two logits at +inf, or all at -inf."""
    return tl.where((tl.abs(highest) > LARGEST) & (rest > 0.0), float("nan"), rest)


@triton.jit
def rest_of_rows(
    z, start, y, there, bent, classes, inner,
    PAIRS: tl.constexpr, ROWS: tl.constexpr, CLASSES: tl.constexpr,
):  # fmt: skip
    """Return max z, its ``low`` and ``rest`` of rows, block by block of classes."""
    highest = tl.full((ROWS,), float("-inf"), tl.float32)
    rest = tl.full((ROWS,), -1.0, tl.float32)
    lowest = tl.zeros((ROWS,), tl.float32)
    for first in range(0, classes, CLASSES):
        k = first + tl.arange(0, CLASSES)[None, :]
        inside = there[:, None] & (k < classes)
        place = z + (start[:, None] + k * inner)
        block, low, _slope = logits_at(place, k, y[:, None], inside, bent, classes)
        highest, lowest, rest, _at_top = further(block, low, inside, highest, lowest, rest, PAIRS)
    return highest, lowest, defined(rest, highest)
