"""Kernels: ``positive * f(z) + negative * g(z)`` of an element, and its slope, for three blocks.

Softplus, focal and asymmetric are those of `weightedce.numerics.stable` and `asymmetric`, the
factors those of `weightedce.call.binary_batch` and `weightedce.numerics.smoothing`.
"""

import triton
import triton.language as tl

from weightedce.backends.torch.triton.arithmetic import (
    SMALLEST_NORMAL,
    exp,
    log,
    log1p,
    power,
)
from weightedce.backends.torch.triton.rows import (
    from_above,
    in_range,
    kept,
    not_ignored,
    product,
    put_gradient,
    put_losses,
    rows_of,
    weight_at,
)

SOFTPLUS = tl.constexpr(0)
FOCAL = tl.constexpr(1)
ASYMMETRIC = tl.constexpr(2)


@triton.jit
def softplus(z, positive, negative):
    """Return ``positive * softplus(-z) + negative * softplus(z)`` and its slope."""
    above, far = z > 0.0, tl.abs(z)
    fading = exp(-far)
    wrong = tl.where(above, negative, positive)
    value = product(wrong, far) + (positive + negative) * log1p(fading)
    rising = tl.where(above, negative - positive * fading, negative * fading - positive)
    return value, tl.div_rn(rising, 1.0 + fading)


@triton.jit
def sides(z):
    """Return p, 1 - p, and -log of both, for p = sigmoid(z)."""
    fading = exp(-tl.abs(z))
    tail, above = log1p(fading), z > 0.0
    large, small = tl.div_rn(1.0, 1.0 + fading), tl.div_rn(fading, 1.0 + fading)
    p, rest = tl.where(above, large, small), tl.where(above, small, large)
    return p, rest, tl.where(above, 0.0, -z) + tail, tl.where(above, z, 0.0) + tail


@triton.jit
def focused(p, rest, minus_log_p, gamma, COARSE: tl.constexpr, WHOLE: tl.constexpr):
    """Return ``(1-p)^gamma (-log p)``, and its derivative to the logit of p, but for the sign."""
    factor = power(rest, gamma, COARSE, WHOLE) if WHOLE >= 0 else 1.0
    rate = rest + gamma * product(p, minus_log_p)
    return factor * minus_log_p, factor * rate


@triton.jit
def clipped(p, rest, gamma, clip, COARSE: tl.constexpr, WHOLE: tl.constexpr):
    """Return ``m^gamma (-log(1-m))`` with m = max(p - clip, 0), and its derivative to the logit.

    That is p (1-p) m^gamma (gamma L / m + 1 / (1-m)), with L = -log(1-m).
    """
    m = tl.where(p > clip, p - clip, p * 0.0)
    left = tl.minimum(rest + clip, 1.0)
    near = m < 0.25
    logarithm = -tl.where(near, log1p(-tl.where(near, m, 0.0)), log(tl.where(near, 1.0, left)))
    logarithm = tl.where(m == m, logarithm, m)
    factor = power(m, gamma, COARSE, WHOLE) if WHOLE >= 0 else 1.0
    ratio = tl.div_rn(logarithm, tl.where(m < SMALLEST_NORMAL, SMALLEST_NORMAL, m))
    slope = factor * (p * rest) * (gamma * ratio + tl.div_rn(1.0, left))
    return factor * logarithm, tl.where(m == 0.0, 0.0, slope)


@triton.jit
def block_of(
    z, positive, negative, gamma, gamma_negative, clip, BLOCK: tl.constexpr,
    COARSE: tl.constexpr, WHOLE: tl.constexpr, COARSE_2: tl.constexpr, WHOLE_2: tl.constexpr,
):  # fmt: skip
    """Return the value of a block and its slope."""
    if BLOCK == SOFTPLUS:
        value, slope = softplus(z, positive, negative)
    else:
        p, rest, minus_log_p, minus_log_1p = sides(z)
        of_positive, falling = focused(p, rest, minus_log_p, gamma, COARSE, WHOLE)
        if BLOCK == ASYMMETRIC and clip is not None:
            of_negative, rising = clipped(p, rest, gamma_negative, clip, COARSE_2, WHOLE_2)
        else:
            of_negative, rising = focused(rest, p, minus_log_1p, gamma_negative, COARSE_2, WHOLE_2)
        value = product(positive, of_positive) + product(negative, of_negative)
        slope = negative * rising - positive * falling
    return value, slope


@triton.jit
def factors_of(
    place, there, given, OF_TARGET: tl.constexpr, SKIP_NAN: tl.constexpr, SIGNED: tl.constexpr
):
    """Return the factors of both sides, the effective weight, and what is kept."""
    y = tl.load(given.targets + place, mask=there, other=0.0).to(tl.float32)
    keep = not_ignored(kept(there, place, given.mask, given.mask_step), y, given.ignore)
    if SKIP_NAN:
        keep = keep & (y == y)
    y = in_range(y, SIGNED)
    s = weight_at(given.sample_weight, place // given.sample_step, keep, SIGNED)
    label = (place // given.inner) % given.labels
    p = s * given.pos * weight_at(given.pos_weight, label, keep, SIGNED)
    n = s * given.neg * weight_at(given.neg_weight, label, keep, SIGNED)
    half, rest = 0.5 * given.smoothing, 1.0 - y
    if OF_TARGET:  # `smoothing.smoothed_mass`
        of_positive, of_negative = p * y, n * rest
        positive = (1.0 - half) * of_positive + half * of_negative
        negative = (1.0 - half) * of_negative + half * of_positive
    else:  # `smoothing.smoothed_targets`
        positive = ((1.0 - given.smoothing) * y + half) * p
        negative = ((1.0 - given.smoothing) * rest + half) * n
    return positive, negative, y * p + rest * n, keep


@triton.jit
def elements_kernel(
    z, given, gamma, gamma_negative, clip, losses, partial, size,
    OF_TARGET: tl.constexpr, SKIP_NAN: tl.constexpr, SIGNED: tl.constexpr, APART: tl.constexpr,
    BLOCK: tl.constexpr, COARSE: tl.constexpr, WHOLE: tl.constexpr, COARSE_2: tl.constexpr,
    WHOLE_2: tl.constexpr, ELEMENTS: tl.constexpr,
):  # fmt: skip
    """Store the losses of elements, or their sums."""
    place = rows_of(ELEMENTS)
    there = place < size
    positive, negative, weight, keep = factors_of(place, there, given, OF_TARGET, SKIP_NAN, SIGNED)
    logit = tl.load(z + place, mask=there, other=0.0).to(tl.float32)
    value, _ = block_of(
        logit, positive, negative, gamma, gamma_negative, clip, BLOCK, COARSE, WHOLE, COARSE_2,
        WHOLE_2,
    )  # fmt: skip
    loss = tl.where(keep, value, 0.0)
    put_losses(losses, partial, place, there, loss, weight, keep, APART)


@triton.jit
def elements_slope_kernel(
    upstream, upstream_step, sums, z, given, gamma, gamma_negative, clip, gradient, size,
    OF_TARGET: tl.constexpr, SKIP_NAN: tl.constexpr, SIGNED: tl.constexpr, DIVISOR: tl.constexpr,
    BLOCK: tl.constexpr, COARSE: tl.constexpr, WHOLE: tl.constexpr, COARSE_2: tl.constexpr,
    WHOLE_2: tl.constexpr, ELEMENTS: tl.constexpr,
):  # fmt: skip
    """Store the gradient."""
    place = rows_of(ELEMENTS)
    there = place < size
    positive, negative, _, keep = factors_of(place, there, given, OF_TARGET, SKIP_NAN, SIGNED)
    logit = tl.load(z + place, mask=there, other=0.0).to(tl.float32)
    _, slope = block_of(
        logit, positive, negative, gamma, gamma_negative, clip, BLOCK, COARSE, WHOLE, COARSE_2,
        WHOLE_2,
    )  # fmt: skip
    slope = slope * from_above(upstream, upstream_step, sums, place, there, DIVISOR)
    put_gradient(gradient + place, slope, keep, there)
