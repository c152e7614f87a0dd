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
    targets, y, start, k, inner, inside, class_weight, class_step, classes,
    HARD: tl.constexpr, OF_TARGET: tl.constexpr, SIGNED: tl.constexpr,
):  # fmt: skip
    """Return t_k, t_k w_k and b_k, 0 beyond the classes."""
    if HARD:
        t = tl.where(inside & (k[None, :] == y[:, None]), 1.0, 0.0)
    else:
        place = start[:, None] + k[None, :] * inner
        t = tl.load(targets + place, mask=inside, other=0.0).to(tl.float32)
        t = in_range(t, SIGNED)
    if class_weight is None:
        of_targets, even = t, tl.where(inside, 1.0, 0.0)
    else:
        w = weight_at(class_weight, k * class_step, k < classes, SIGNED)
        of_targets = t * w[None, :]
        even = tl.where(inside, 1.0 if OF_TARGET else w[None, :], 0.0)
    return t, of_targets, even


@triton.jit
def further_mass(shares, z, at_top, before, highest, others, top, behind):
    """Return the mass below the maximum, that at it, and ``sum_k mass_k (max z - z_k)``.

    With further classes; the maximum was ``before``.
    """
    whole = others + top
    behind += tl.where(whole == 0.0, 0.0, whole * distance(before, highest))
    moved = highest > before
    others, top = tl.where(moved, whole, others), tl.where(moved, 0.0, top)
    steps = tl.where(shares == 0.0, 0.0, shares * distance(z, highest[:, None]))
    others += tl.sum(tl.where(at_top, 0.0, shares), axis=1)
    top += tl.sum(tl.where(at_top, shares, 0.0), axis=1)
    return others, top, behind + tl.sum(steps, axis=1)


@triton.jit
def weights_of_rows(
    row, there, targets, sample_weight, sample_step, mask, mask_step, ignore, weight, classes,
    HARD: tl.constexpr, SIGNED: tl.constexpr,
):  # fmt: skip
    """Return the labels, which rows are kept, and their weight, NaN for a label that is none."""
    keep = kept(there, row, mask, mask_step)
    y = tl.zeros_like(row)
    if HARD:
        y = tl.load(targets + row, mask=there, other=0).to(tl.int64)
        keep = not_ignored(keep, y, ignore)
    s = weight_at(sample_weight, row // sample_step, keep, SIGNED) * weight
    return y, keep, tl.where((y >= 0) & (y < classes), s, float("nan"))


@triton.jit
def mass_kernel(
    z, targets, class_weight, class_step, sample_weight, sample_step, mask, mask_step, ignore,
    weight, kept_part, share, losses, partial, numbers, rows, classes, inner,
    HARD: tl.constexpr, SMOOTHED: tl.constexpr, OF_TARGET: tl.constexpr, SKIP_NAN: tl.constexpr,
    SIGNED: tl.constexpr, APART: tl.constexpr, ROWS: tl.constexpr, CLASSES: tl.constexpr,
):  # fmt: skip
    """Store the losses of rows or their sums, and six numbers a row for the slope.

    ``kept_part`` is 1 - e, ``share`` e / K.
    """
    row = rows_of(ROWS)
    there, start = row < rows, start_of(row, classes, inner)
    y, keep, s = weights_of_rows(
        row, there, targets, sample_weight, sample_step, mask, mask_step, ignore, weight, classes,
        HARD, SIGNED,
    )  # fmt: skip
    highest = tl.full((ROWS,), float("-inf"), tl.float32)
    rest = tl.full((ROWS,), -1.0, tl.float32)
    none = tl.zeros((ROWS,), tl.float32)
    others, top, behind, even_others, even_top, even_behind = none, none, none, none, none, none
    missing = none
    for first in range(0, classes, CLASSES):
        k = first + tl.arange(0, CLASSES)
        inside = there[:, None] & (k < classes)[None, :]
        block, before = logits_at(z, start, k, inner, inside), highest
        highest, rest, at_top = further(block, inside, highest, rest)
        t, of_targets, even = shares_at(
            targets, y, start, k, inner, inside, class_weight, class_step, classes,
            HARD, OF_TARGET, SIGNED,
        )  # fmt: skip
        others, top, behind = further_mass(
            of_targets, block, at_top, before, highest, others, top, behind
        )
        if SMOOTHED:
            even_others, even_top, even_behind = further_mass(
                even, block, at_top, before, highest, even_others, even_top, even_behind
            )
        if SKIP_NAN:
            missing += tl.sum(tl.where(t != t, 1.0, 0.0), axis=1)
    if SKIP_NAN:
        keep = keep & (missing == 0.0)
    rest = defined(rest, highest)
    tail, whole = log1p(rest), others + top
    effective = s * whole
    loss, c = behind + whole * tail, none
    if SMOOTHED:
        c = whole * share if OF_TARGET else none + share
        even_whole = even_others + even_top
        loss = product(kept_part, loss) + product(c, even_behind + even_whole * tail)
        whole = kept_part * whole + c * even_whole
        others = kept_part * others + c * even_others
    loss = tl.where(keep, product(s, loss), 0.0)
    tl.store(numbers + 6 * row, highest, mask=there)
    tl.store(numbers + 6 * row + 1, rest, mask=there)
    tl.store(numbers + 6 * row + 2, whole, mask=there)
    tl.store(numbers + 6 * row + 3, others, mask=there)
    tl.store(numbers + 6 * row + 4, c, mask=there)
    tl.store(numbers + 6 * row + 5, tl.where(keep, 1.0, 0.0), mask=there)
    put_losses(losses, partial, row, there, loss, effective, keep, APART)


@triton.jit
def mass_slope_kernel(
    upstream, upstream_step, sums, numbers,
    z, targets, class_weight, class_step, sample_weight, sample_step, mask, mask_step, ignore,
    weight, kept_part, gradient, rows, classes, inner,
    HARD: tl.constexpr, SMOOTHED: tl.constexpr, OF_TARGET: tl.constexpr, SIGNED: tl.constexpr,
    DIVISOR: tl.constexpr, ROWS: tl.constexpr, CLASSES: tl.constexpr,
):  # fmt: skip
    """Store the gradient ``sum_j mass_j * p_k - mass_k``: see `MassSums.slope`."""
    row = rows_of(ROWS)
    there, start = row < rows, start_of(row, classes, inner)
    y, _kept, s = weights_of_rows(
        row, there, targets, sample_weight, sample_step, mask, mask_step, ignore, weight, classes,
        HARD, SIGNED,
    )  # fmt: skip
    highest = tl.load(numbers + 6 * row, mask=there, other=0.0)
    rest = tl.load(numbers + 6 * row + 1, mask=there, other=0.0)
    whole = tl.load(numbers + 6 * row + 2, mask=there, other=0.0)
    others = tl.load(numbers + 6 * row + 3, mask=there, other=0.0)
    c = tl.load(numbers + 6 * row + 4, mask=there, other=0.0)
    keep = tl.load(numbers + 6 * row + 5, mask=there, other=0.0) != 0.0
    scale = from_above(upstream, upstream_step, sums, row, there, DIVISOR) * s
    of_all = tl.div_rn(whole, 1.0 + rest)
    # where the maximum has most of p, 1 - p_k is rest / (1 + rest)
    of_one, near = others - of_all * rest, rest < 1.0
    for first in range(0, classes, CLASSES):
        k = first + tl.arange(0, CLASSES)
        inside = there[:, None] & (k < classes)[None, :]
        block = logits_at(z, start, k, inner, inside)
        _target, mass, even = shares_at(
            targets, y, start, k, inner, inside, class_weight, class_step, classes,
            HARD, OF_TARGET, SIGNED,
        )  # fmt: skip
        if SMOOTHED:
            mass = kept_part * mass + c[:, None] * even
        slope = of_all[:, None] * ratio_to(block, highest[:, None]) - mass
        at_top = block == highest[:, None]
        slope = tl.where(at_top & near[:, None], of_one[:, None], slope) * scale[:, None]
        place = gradient + (start[:, None] + k[None, :] * inner)
        put_gradient(place, slope, keep[:, None], inside)
