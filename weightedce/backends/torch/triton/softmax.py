"""Kernels: what all losses over classes need of a row: max z, and the sum of the other powers.

As in `weightedce.numerics.softmax`, ``rest`` is the sum of exp(z_k - max z) over all classes but
one at the maximum, which is left out of the sum, not subtracted: small losses keep their digits.
"""

import triton
import triton.language as tl

from weightedce.backends.torch.triton.arithmetic import LARGEST, exp_of_difference


@triton.jit
def logits_at(z, start, k, inner, inside):
    """Return the logits of classes k of rows that start at ``start``, -inf beyond them."""
    found = tl.load(z + (start[:, None] + k[None, :] * inner), mask=inside, other=float("-inf"))
    return found.to(tl.float32)


@triton.jit
def ratio_to(z, highest):
    """Return exp(z - highest), 1 where they are alike, infinite ones too."""
    same = z == highest
    return tl.where(same, 1.0, exp_of_difference(tl.where(same, 0.0, z), highest))


@triton.jit
def distance(z, highest):
    """Return highest - z."""
    return tl.where(z == highest, 0.0, highest - z)


@triton.jit
def further(z, inside, highest, rest):
    """Return ``highest`` and ``rest`` with further classes, and which of these are at the maximum.

    ``rest`` is -1 where there was no class before.
    """
    top = tl.maximum(highest, tl.max(z, axis=1))
    at_top = inside & (z == top[:, None])
    others = inside & (z != top[:, None])
    powers = tl.sum(tl.where(others, ratio_to(z, top[:, None]), 0.0), axis=1)
    ties = tl.sum(tl.where(at_top, 1.0, 0.0), axis=1)
    # the maximum before is one of those below now, or one more at the top
    before = (rest + 1.0) * ratio_to(highest, top) + (ties - 1.0)
    return top, tl.where(ties > 0.0, before, rest) + powers, at_top


@triton.jit
def defined(rest, highest):
    """Return ``rest``, and NaN for rows with two logits at +inf, or all at -inf."""
    return tl.where((tl.abs(highest) > LARGEST) & (rest > 0.0), float("nan"), rest)


@triton.jit
def rest_of_rows(z, start, there, classes, inner, ROWS: tl.constexpr, CLASSES: tl.constexpr):
    """Return max z and ``rest`` of rows, block by block of classes."""
    highest = tl.full((ROWS,), float("-inf"), tl.float32)
    rest = tl.full((ROWS,), -1.0, tl.float32)
    for first in range(0, classes, CLASSES):
        k = first + tl.arange(0, CLASSES)
        inside = there[:, None] & (k < classes)[None, :]
        block = logits_at(z, start, k, inner, inside)
        highest, rest, _at_top = further(block, inside, highest, rest)
    return highest, defined(rest, highest)
