"""The block of the asymmetric loss, composed and with its slope, of the pieces of `stable`."""

from functools import partial
from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.backends.handed import Block
from weightedce.numerics import stable


def asymmetric(gamma_pos: float, gamma_neg: float, clip: float) -> Block:
    """Return ``positive (1-p)^gamma_pos (-log p) + negative m^gamma_neg (-log(1-m))``.

    With m = max(p - clip, 0).
    """
    gammas = {"gamma_pos": _whole(gamma_pos), "gamma_neg": _whole(gamma_neg)}
    sloped = partial(asymmetric_with_slope, **gammas, clip=clip)
    return Block(partial(_composed, **gammas, clip=clip), sloped)


def _whole(gamma: Any) -> Any:
    """Return a whole number as an integer: XLA and Inductor multiply for such a power."""
    return int(gamma) if isinstance(gamma, float) and gamma.is_integer() else gamma


def _composed(
    logits: Array,
    positive: Array,
    negative: Array,
    *,
    gamma_pos: float,
    gamma_neg: float,
    clip: float,
) -> Array:
    xp = backend_of(logits).namespace
    minus_log_p, minus_log_1p = stable.softplus_pair(logits)
    if not isinstance(clip, float) or clip:
        p, rest = stable.complement(minus_log_1p), stable.complement(minus_log_p)
        m = xp.where(p > clip, p - clip, 0.0)
        # not up to 1/2: from -0.42 to -0.29 XLA's log1p is off by 128 ulp in float64
        minus_log_1m = xp.where(m < 0.25, -xp.log1p(-m), -xp.log(rest + clip))
        of_negatives = stable.power(m, gamma_neg) * minus_log_1m
    else:
        of_negatives = stable.focused(minus_log_1p, gamma_neg)
    return stable.times(positive, stable.focused(minus_log_p, gamma_pos)) + stable.times(
        negative, of_negatives
    )


def asymmetric_with_slope(
    logits: Array,
    positive: Array,
    negative: Array,
    slope: bool,
    *,
    gamma_pos: float,
    gamma_neg: float,
    clip: float,
) -> tuple[Array, Array | None]:
    """Return `asymmetric` and, if wanted, its derivative to the logits."""
    backend = backend_of(logits)
    xp, product = backend.namespace, backend.product
    p, rest, minus_log_p, minus_log_1p = backend.sides(logits)
    falling = rest**gamma_pos
    falling *= positive
    value = product(falling, minus_log_p)
    if clip:
        one = xp.ones_like(logits)
        m, left = xp.maximum(p - clip, 0.0 * one), xp.minimum(rest + clip, one)
        # log(1-m) = log(3/4) + log(4/3 (1-m)) above 1/4, as in the composed form, without ``where``
        quarter = xp.minimum(4.0 * m, one)
        quarter *= -0.25
        minus_log_1m = xp.log1p(quarter)
        minus_log_1m += xp.log(xp.minimum(left * (4.0 / 3.0), one))
        minus_log_1m *= -1.0
    else:
        m, left, minus_log_1m = p, rest, minus_log_1p
    rising = (m * m) ** 2 if gamma_neg == 4 else m**gamma_neg  # a third of the time
    rising *= negative
    value += product(rising, minus_log_1m)
    if not slope:
        return value, None
    # the slope of (1-p)^gamma softplus(-z) is -(1-p)^gamma (1-p + gamma p softplus(-z))
    minus_log_p = product(p, minus_log_p)
    minus_log_p *= gamma_pos
    minus_log_p += rest
    falling *= minus_log_p
    # that of m^gamma L, L = -log(1-m), is p (1-p) m^gamma (gamma L / m + 1 / (1-m))
    if clip:
        rising *= xp.sign(m)  # 0 below the clip for gamma 0 too
        minus_log_1m /= xp.maximum(m, xp.finfo(logits.dtype).smallest_normal * one)
        minus_log_1m *= gamma_neg
        minus_log_1m += 1.0 / left
        minus_log_1m *= p
        minus_log_1m *= rest
    else:
        minus_log_1m = product(rest, minus_log_1m)
        minus_log_1m *= gamma_neg
        minus_log_1m += p
    rising *= minus_log_1m
    rising -= falling
    return value, rising
