"""Kernels: the loss of labels, ``mass * (1 - p_y)^gamma (-log p_y)``, and its slope.

With d = max z - z_y it is -log p_y = d + log1p(rest): see `weightedce.numerics.softmax.label_loss`.
"""

import triton
import triton.language as tl

from weightedce.backends.torch.triton.arithmetic import log1p, power
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


@triton.jit
def mass_of_labels(
    row, there, labels, class_weight, class_step, sample_weight, sample_step, mask, mask_step,
    ignore, weight, classes, SIGNED: tl.constexpr,
):  # fmt: skip
    """Return the labels, which rows are kept, and their mass, NaN for a label that is no class."""
    y = tl.load(labels + row, mask=there, other=0).to(tl.int64)
    keep = not_ignored(kept(there, row, mask, mask_step), y, ignore)
    known = (y >= 0) & (y < classes)
    y = tl.where(known, y, 0)
    mass = weight_at(sample_weight, row // sample_step, keep, SIGNED) * weight
    mass = mass * weight_at(class_weight, y * class_step, keep & known, SIGNED)
    return y, keep, tl.where(known, mass, float("nan"))


@triton.jit
def focused(
    z_y, highest, rest, gamma, COARSE: tl.constexpr, WHOLE: tl.constexpr, FOCAL: tl.constexpr
):
    """Return ``(1-p)^gamma (-log p)``, its derivative to -log p, and (1 - p) (1 + rest).

    For p = own / (1 + rest), own = exp(z_y - max z).
    """
    own = ratio_to(z_y, highest)
    minus_log_p, others = distance(z_y, highest) + log1p(rest), rest + (1.0 - own)
    value, rate = minus_log_p, 1.0
    if FOCAL:
        p, complement = tl.div_rn(own, 1.0 + rest), tl.div_rn(others, 1.0 + rest)
        factor = power(complement, gamma, COARSE, WHOLE)
        ratio = tl.div_rn(product(p, minus_log_p), tl.where(complement == 0.0, 1.0, complement))
        value, rate = factor * minus_log_p, factor * (1.0 + gamma * ratio)
    return value, rate, others


@triton.jit
def labels_kernel(
    z, labels, class_weight, class_step, sample_weight, sample_step, mask, mask_step, ignore,
    weight, gamma, losses, partial, numbers, rows, classes, inner,
    SIGNED: tl.constexpr, APART: tl.constexpr, COARSE: tl.constexpr, WHOLE: tl.constexpr,
    FOCAL: tl.constexpr, ROWS: tl.constexpr, CLASSES: tl.constexpr,
):  # fmt: skip
    """Store the losses of rows or their sums, and max z and rest for the slope."""
    row = rows_of(ROWS)
    there, start = row < rows, start_of(row, classes, inner)
    y, keep, mass = mass_of_labels(
        row, there, labels, class_weight, class_step, sample_weight, sample_step, mask, mask_step,
        ignore, weight, classes, SIGNED,
    )  # fmt: skip
    highest, rest = rest_of_rows(z, start, there, classes, inner, ROWS, CLASSES)
    z_y = tl.load(z + start + y * inner, mask=there, other=0.0).to(tl.float32)
    value, _, _ = focused(z_y, highest, rest, gamma, COARSE, WHOLE, FOCAL)
    loss = tl.where(keep, product(mass, value), 0.0)
    tl.store(numbers + 2 * row, highest, mask=there)
    tl.store(numbers + 2 * row + 1, rest, mask=there)
    put_losses(losses, partial, row, there, loss, mass, keep, APART)


@triton.jit
def labels_slope_kernel(
    upstream, upstream_step, sums, numbers,
    z, labels, class_weight, class_step, sample_weight, sample_step, mask, mask_step, ignore,
    weight, gamma, gradient, rows, classes, inner,
    SIGNED: tl.constexpr, DIVISOR: tl.constexpr, COARSE: tl.constexpr, WHOLE: tl.constexpr,
    FOCAL: tl.constexpr, ROWS: tl.constexpr, CLASSES: tl.constexpr,
):  # fmt: skip
    """Store the gradient: p_k for the other classes, minus their sum for the label."""
    row = rows_of(ROWS)
    there, start = row < rows, start_of(row, classes, inner)
    y, keep, mass = mass_of_labels(
        row, there, labels, class_weight, class_step, sample_weight, sample_step, mask, mask_step,
        ignore, weight, classes, SIGNED,
    )  # fmt: skip
    highest = tl.load(numbers + 2 * row, mask=there, other=0.0)
    rest = tl.load(numbers + 2 * row + 1, mask=there, other=0.0)
    z_y = tl.load(z + start + y * inner, mask=there, other=0.0).to(tl.float32)
    _, rate, others = focused(z_y, highest, rest, gamma, COARSE, WHOLE, FOCAL)
    mass = from_above(upstream, upstream_step, sums, row, there, DIVISOR) * mass * rate
    scale = tl.div_rn(mass, 1.0 + rest)
    for first in range(0, classes, CLASSES):
        k = first + tl.arange(0, CLASSES)
        inside = there[:, None] & (k < classes)[None, :]
        block = logits_at(z, start, k, inner, inside)
        powers = ratio_to(block, highest[:, None])
        slope = tl.where(k[None, :] == y[:, None], -others[:, None], powers) * scale[:, None]
        place = gradient + (start[:, None] + k[None, :] * inner)
        put_gradient(place, slope, keep[:, None], inside)
