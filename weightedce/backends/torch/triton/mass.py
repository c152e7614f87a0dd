"""Kernels: ``sum_k mass_k (-log p_k)`` of smoothed labels and of distributions, and its slope.

It is that of `weightedce.numerics.mass.MassSums`. The mass of a class is
``s ((1 - e) t_k w_k + c b_k)``: sample weight s, target t, class weights w, smoothing e. Smoothed
is either what is weighted, b_k = 1 and c = e/K sum_j t_j w_j, or the target, b_k = w_k and c = e/K.
So two shares are added up, that of the targets and that of b, and c is known in the end.
"""

import triton
import triton.language as tl

from weightedce.backends.torch.triton.arithmetic import log1p
from weightedce.backends.torch.triton.rows import (
    from_above,
    in_range,
    kept,
    not_ignored,
    product,
    put_gradient,
    put_losses,
    rows_of,
    start_of,
    weight_at,
)
from weightedce.backends.torch.triton.softmax import (
    defined,
    distance,
    further,
    logits_at,
    ratio_to,
)


@triton.jit
def shares_at(
    given, y, place, k, inside, classes,
    HARD: tl.constexpr, OF_TARGET: tl.constexpr, SIGNED: tl.constexpr,
):  # fmt: skip
    """Return t_k, t_k w_k and b_k, 0 beyond the classes."""
    if HARD:
        t = tl.where(inside & (k == y[:, None]), 1.0, 0.0)
    else:
        t = tl.load(given.targets + place, mask=inside, other=0.0).to(tl.float32)
        t = in_range(t, SIGNED)
    if given.class_weight is None:
        of_targets, even = t, tl.where(inside, 1.0, 0.0)
    else:
        w = weight_at(given.class_weight, k * given.class_step, k < classes, SIGNED)
        of_targets = t * w
        even = tl.where(inside, 1.0 if OF_TARGET else w, 0.0)
    return t, of_targets, even


@triton.jit
def further_mass(shares, away, at_top, step, others, top, behind):
    """Return the mass below the maximum, that at it, and ``sum_k mass_k (max z - z_k)``.

    With further classes, which are ``away`` from the maximum; it was ``step`` lower before.
    """
    whole = others + top
    behind += tl.where(whole == 0.0, 0.0, whole * step)
    others, top = tl.where(step > 0.0, whole, others), tl.where(step > 0.0, 0.0, top)
    others += tl.sum(tl.where(at_top, 0.0, shares), axis=1)
    top += tl.sum(tl.where(at_top, shares, 0.0), axis=1)
    return others, top, behind + tl.sum(tl.where(shares == 0.0, 0.0, shares * away), axis=1)


@triton.jit
def weights_of_rows(row, there, given, classes, HARD: tl.constexpr, SIGNED: tl.constexpr):
    """Return the labels, which rows are kept, and their weight, NaN for a label that is none."""
    keep = kept(there, row, given.mask, given.mask_step)
    y = tl.zeros_like(row)
    if HARD:
        y = tl.load(given.targets + row, mask=there, other=0).to(tl.int64)
        keep = not_ignored(keep, y, given.ignore)
    s = weight_at(given.sample_weight, row // given.sample_step, keep, SIGNED) * given.weight
    return y, keep, tl.where((y >= 0) & (y < classes), s, float("nan"))


@triton.jit
def mass_kernel(
    z, bent, given, kept_part, share, z_loss, losses, partial, numbers, rows, classes, inner,
    HARD: tl.constexpr, SMOOTHED: tl.constexpr, OF_TARGET: tl.constexpr, SKIP_NAN: tl.constexpr,
    SIGNED: tl.constexpr, APART: tl.constexpr, WIDTH: tl.constexpr, ROWS: tl.constexpr,
    CLASSES: tl.constexpr,
):  # fmt: skip
    """Store the losses of rows or their sums, and of each row the numbers for its slope.

    ``kept_part`` is 1 - e, ``share`` e / K.
    """
    PAIRS: tl.constexpr = bent.shift is not None
    row = rows_of(ROWS)
    there, start = row < rows, start_of(row, classes, inner)
    y, keep, s = weights_of_rows(row, there, given, classes, HARD, SIGNED)
    highest = tl.full((ROWS,), float("-inf"), tl.float32)
    rest = tl.full((ROWS,), -1.0, tl.float32)
    none = tl.zeros((ROWS,), tl.float32)
    others, top, behind, even_others, even_top, even_behind = none, none, none, none, none, none
    missing, lowest = none, none
    for first in range(0, classes, CLASSES):
        k = first + tl.arange(0, CLASSES)[None, :]
        inside = there[:, None] & (k < classes)
        place, before, lower = start[:, None] + k * inner, highest, lowest
        block, low, _slope = logits_at(z + place, k, y[:, None], inside, bent, classes)
        highest, lowest, rest, at_top = further(block, low, inside, highest, lowest, rest, PAIRS)
        step = distance(before, highest, lower - lowest)
        away = distance(block, highest[:, None], low - lowest[:, None])
        t, of_targets, even = shares_at(
            given, y, place, k, inside, classes, HARD, OF_TARGET, SIGNED
        )
        others, top, behind = further_mass(of_targets, away, at_top, step, others, top, behind)
        if SMOOTHED:
            even_others, even_top, even_behind = further_mass(
                even, away, at_top, step, even_others, even_top, even_behind
            )
        if SKIP_NAN:
            missing += tl.sum(tl.where(t != t, 1.0, 0.0), axis=1)
    if SKIP_NAN:
        keep = keep & (missing == 0.0)
    rest = defined(rest, highest)
    tail, whole = log1p(rest), others + top
    weight = whole
    loss, c = behind + whole * tail, none
    if SMOOTHED:
        c = whole * share if OF_TARGET else none + share
        even_whole = even_others + even_top
        loss = product(kept_part, loss) + product(c, even_behind + even_whole * tail)
        whole = kept_part * whole + c * even_whole
        others = kept_part * others + c * even_others
    if z_loss is not None:  # its slope is more of every p_k, as more mass would be
        log_sum = highest + (lowest + tail)
        loss += z_loss * product(weight, log_sum * log_sum)
        more = 2.0 * z_loss * weight * log_sum
        whole, others = whole + more, others + more
    loss = tl.where(keep, product(s, loss), 0.0)
    tl.store(numbers + WIDTH * row, highest, mask=there)
    tl.store(numbers + WIDTH * row + 1, rest, mask=there)
    tl.store(numbers + WIDTH * row + 2, whole, mask=there)
    tl.store(numbers + WIDTH * row + 3, others, mask=there)
    tl.store(numbers + WIDTH * row + 4, c, mask=there)
    tl.store(numbers + WIDTH * row + 5, tl.where(keep, 1.0, 0.0), mask=there)
    if PAIRS:
        tl.store(numbers + WIDTH * row + 6, lowest, mask=there)
    put_losses(losses, partial, row, there, loss, s * weight, keep, APART)


@triton.jit
def mass_slope_kernel(
    upstream, upstream_step, sums, numbers, z, bent, given, kept_part, gradient,
    rows, classes, inner,
    HARD: tl.constexpr, SMOOTHED: tl.constexpr, OF_TARGET: tl.constexpr, SIGNED: tl.constexpr,
    DIVISOR: tl.constexpr, WIDTH: tl.constexpr, ROWS: tl.constexpr, CLASSES: tl.constexpr,
):  # fmt: skip
    """Store the gradient ``sum_j mass_j * p_k - mass_k``: see `MassSums.slope`.

    It may take the place of the logits, of which each is read once, where it is written.
    """
    PAIRS: tl.constexpr = bent.shift is not None
    row = rows_of(ROWS)
    there, start = row < rows, start_of(row, classes, inner)
    y, _kept, s = weights_of_rows(row, there, given, classes, HARD, SIGNED)
    highest = tl.load(numbers + WIDTH * row, mask=there, other=0.0)[:, None]
    rest = tl.load(numbers + WIDTH * row + 1, mask=there, other=0.0)
    whole = tl.load(numbers + WIDTH * row + 2, mask=there, other=0.0)
    others = tl.load(numbers + WIDTH * row + 3, mask=there, other=0.0)
    c = tl.load(numbers + WIDTH * row + 4, mask=there, other=0.0)
    keep = tl.load(numbers + WIDTH * row + 5, mask=there, other=0.0) != 0.0
    lowest = 0.0
    if PAIRS:
        lowest = tl.load(numbers + WIDTH * row + 6, mask=there, other=0.0)[:, None]
    scale = from_above(upstream, upstream_step, sums, row, there, DIVISOR) * s
    of_all = tl.div_rn(whole, 1.0 + rest)
    # where the maximum has most of p, 1 - p_k is rest / (1 + rest)
    of_one, near = others - of_all * rest, rest < 1.0
    for first in range(0, classes, CLASSES):
        k = first + tl.arange(0, CLASSES)[None, :]
        inside = there[:, None] & (k < classes)
        place = start[:, None] + k * inner
        block, low, bend = logits_at(z + place, k, y[:, None], inside, bent, classes)
        _target, mass, even = shares_at(
            given, y, place, k, inside, classes, HARD, OF_TARGET, SIGNED
        )
        if SMOOTHED:
            mass = kept_part * mass + c[:, None] * even
        slope = of_all[:, None] * ratio_to(block, highest, low - lowest) - mass
        at_top = block == highest
        if PAIRS:
            at_top = at_top & (low == lowest)
        slope = tl.where(at_top & near[:, None], of_one[:, None], slope) * scale[:, None]
        put_gradient(gradient + place, slope * bend, keep[:, None], inside)
