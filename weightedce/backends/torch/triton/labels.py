"""Kernels: the loss of labels, ``mass * f(-log p_y)``, and its slope, for four forms f.

With d = max z - z_y it is -log p_y = d + log1p(rest): see `weightedce.numerics.softmax.label_loss`.
The forms are those of `weightedce.numerics.at_once`: `focused_odds`, `poly_odds`, `behind_odds`;
and `stable.generalized`.
"""

import triton
import triton.language as tl

from weightedce.backends.torch.triton.arithmetic import (
    SMALLEST_NORMAL,
    exp,
    log,
    log1p,
    power,
    tanh,
)
from weightedce.backends.torch.triton.rows import (
    from_above,
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
    distance,
    logits_at,
    ratio_to,
    rest_of_rows,
)

FOCUSED = tl.constexpr(0)
POLY = tl.constexpr(1)
BEHIND = tl.constexpr(2)
GENERALIZED = tl.constexpr(3)


@triton.jit
def mass_of_labels(row, there, given, classes, SIGNED: tl.constexpr):
    """Return the labels, which rows are kept, and their mass, NaN for a label that is no class."""
    y = tl.load(given.targets + row, mask=there, other=0).to(tl.int64)
    keep = not_ignored(kept(there, row, given.mask, given.mask_step), y, given.ignore)
    known = (y >= 0) & (y < classes)
    y = tl.where(known, y, 0)
    mass = weight_at(given.sample_weight, row // given.sample_step, keep, SIGNED) * given.weight
    mass = mass * weight_at(given.class_weight, y * given.class_step, keep & known, SIGNED)
    return y, keep, tl.where(known, mass, float("nan"))


@triton.jit
def focused(d, own, others, rest, gamma, COARSE: tl.constexpr, WHOLE: tl.constexpr):
    """Return ``(1-p)^gamma (-log p)`` and its derivative to -log p; ``WHOLE`` -1: gamma is 0."""
    minus_log_p, rate = d + log1p(rest), 1.0
    value = minus_log_p
    if WHOLE >= 0:
        p, complement = tl.div_rn(own, 1.0 + rest), tl.div_rn(others, 1.0 + rest)
        factor = power(complement, gamma, COARSE, WHOLE)
        ratio = tl.div_rn(product(p, minus_log_p), tl.where(complement == 0.0, 1.0, complement))
        value, rate = factor * minus_log_p, factor * (1.0 + gamma * ratio)
    return value, rate


@triton.jit
def poly(d, own, others, rest, epsilon):
    """Return ``-log p + epsilon (1 - p)`` and its derivative to -log p."""
    value = d + log1p(rest) + epsilon * tl.div_rn(others, 1.0 + rest)
    return value, 1.0 + epsilon * tl.div_rn(own, 1.0 + rest)


@triton.jit
def behind(d, own, others, rest, margin):
    """Return ``log(1 + odds e^margin)`` of odds = others / own, and its derivative to -log p.

    That is d + margin + log(others + own e^-margin), in which nothing cancels unless the label has
    the maximum: then own is 1. The margin is below 170.
    """
    half = exp(0.5 * margin)
    odds, whole = others * half * half, others + own * exp(-margin)
    whole = tl.where(whole < SMALLEST_NORMAL, SMALLEST_NORMAL, whole)
    near = (d == 0.0) & (odds < 1e38)
    value = tl.where(near, log1p(tl.where(near, odds, 0.0)), d + margin + log(whole))
    value = tl.where(rest == rest, value, rest)
    return value, tl.div_rn(1.0 + rest, whole)


@triton.jit
def generalized(
    d, own, rest, q, root, COARSE: tl.constexpr, WHOLE: tl.constexpr, COARSE_2: tl.constexpr,
    WHOLE_2: tl.constexpr,
):  # fmt: skip
    """Return ``(1 - p^q) / q`` and its derivative to -log p, which is p^q.

    ``own`` is a root of e^-d, which would be an underflow before its power is.
    """
    scaled = q * (d + log1p(rest))
    of_rest = power(tl.div_rn(1.0, 1.0 + rest), q, COARSE, WHOLE)
    raised = power(own, q * root, COARSE_2, WHOLE_2) * of_rest
    near = scaled < 0.5
    t = tanh(0.5 * tl.where(near, scaled, 0.0))
    return tl.div_rn(tl.where(near, tl.div_rn(2.0 * t, 1.0 + t), 1.0 - raised), q), raised


@triton.jit
def labels_kernel(
    z, bent, given, tail, losses, partial, numbers, rows, classes, inner,
    SIGNED: tl.constexpr, APART: tl.constexpr, FORM: tl.constexpr, COARSE: tl.constexpr,
    WHOLE: tl.constexpr, COARSE_2: tl.constexpr, WHOLE_2: tl.constexpr, WIDTH: tl.constexpr,
    ROWS: tl.constexpr, CLASSES: tl.constexpr,
):  # fmt: skip
    """Store the losses of rows or their sums, and of each row what its slope needs.

    That is max z, what the powers of other classes are multiplied with, the slope of the label,
    and of pairs the ``low`` of max z.
    """
    PAIRS: tl.constexpr = bent.shift is not None
    row = rows_of(ROWS)
    there, start = row < rows, start_of(row, classes, inner)
    y, keep, mass = mass_of_labels(row, there, given, classes, SIGNED)
    highest, lowest, rest = rest_of_rows(
        z, start, y, there, bent, classes, inner, PAIRS, ROWS, CLASSES
    )
    z_y, low_y, _slope = logits_at(z + (start + y * inner), y, y, there, bent, classes)
    low_y = low_y - lowest
    own, d = ratio_to(z_y, highest, low_y), distance(z_y, highest, low_y)
    others = rest + (1.0 - own)
    if FORM == POLY:
        value, rate = poly(d, own, others, rest, tail.number)
    elif FORM == BEHIND:
        margin = tl.load(tail.margin + y, mask=there, other=0.0)
        value, rate = behind(d, own, others, rest, margin)
    elif FORM == GENERALIZED:
        part = tl.div_rn(1.0, tail.root)
        of_root = ratio_to(z_y * part, highest * part, low_y * part)
        value, rate = generalized(
            d, of_root, rest, tail.number, tail.root, COARSE, WHOLE, COARSE_2, WHOLE_2
        )
    else:
        value, rate = focused(d, own, others, rest, tail.number, COARSE, WHOLE)
    loss, of_others = product(mass, value), mass * rate
    of_label = -of_others * others
    if tail.z_loss is not None:
        log_sum = highest + (lowest + log1p(rest))
        loss += tail.z_loss * product(mass, log_sum * log_sum)
        more = 2.0 * tail.z_loss * mass * log_sum
        of_others, of_label = of_others + more, of_label + more * own
    of_others, of_label = tl.div_rn(of_others, 1.0 + rest), tl.div_rn(of_label, 1.0 + rest)
    tl.store(numbers + WIDTH * row, highest, mask=there)
    tl.store(numbers + WIDTH * row + 1, tl.where(keep, of_others, 0.0), mask=there)
    tl.store(numbers + WIDTH * row + 2, tl.where(keep, of_label, 0.0), mask=there)
    if PAIRS:
        tl.store(numbers + WIDTH * row + 3, lowest, mask=there)
    put_losses(losses, partial, row, there, tl.where(keep, loss, 0.0), mass, keep, APART)


@triton.jit
def labels_slope_kernel(
    upstream, upstream_step, sums, numbers, z, bent, labels, gradient, rows, classes, inner,
    DIVISOR: tl.constexpr, WIDTH: tl.constexpr, ROWS: tl.constexpr, CLASSES: tl.constexpr,
):  # fmt: skip
    """Store the gradient: p_k for the other classes, minus their sum for the label.

    It may take the place of the logits, of which each is read once, where it is written.
    """
    PAIRS: tl.constexpr = bent.shift is not None
    row = rows_of(ROWS)
    there, start = row < rows, start_of(row, classes, inner)
    y = tl.load(labels + row, mask=there, other=0).to(tl.int64)[:, None]
    highest = tl.load(numbers + WIDTH * row, mask=there, other=0.0)[:, None]
    of_others = tl.load(numbers + WIDTH * row + 1, mask=there, other=0.0)
    of_label = tl.load(numbers + WIDTH * row + 2, mask=there, other=0.0)
    lowest = 0.0
    if PAIRS:
        lowest = tl.load(numbers + WIDTH * row + 3, mask=there, other=0.0)[:, None]
    keep = (of_others != 0.0) | (of_label != 0.0)  # NaN too; of a masked row both are 0
    scale = from_above(upstream, upstream_step, sums, row, there, DIVISOR)
    of_others, of_label = (of_others * scale)[:, None], (of_label * scale)[:, None]
    for first in range(0, classes, CLASSES):
        k = first + tl.arange(0, CLASSES)[None, :]
        inside = there[:, None] & (k < classes)
        place = start[:, None] + k * inner
        block, low, bend = logits_at(z + place, k, y, inside, bent, classes)
        slope = tl.where(k == y, of_label, ratio_to(block, highest, low - lowest) * of_others)
        put_gradient(gradient + place, slope * bend, keep[:, None], inside)
