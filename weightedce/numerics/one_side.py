"""Losses of yes/no targets with their slopes, for small batches in NumPy's arrays.

Targets that are 0 or 1 have one side each, and so one logarithm. The logits are in the middle of
the range: no exponential is next to under- or overflow, see `at_once.is_calm`.
"""

from collections.abc import Callable
from typing import Any

from weightedce.backends import Array
from weightedce.backends.handed import Factors, Passes
from weightedce.numerics.asymmetric import asymmetric_with_slope
from weightedce.numerics.stable import focal_with_slope, softplus_with_slope

LEAST = 1e-20  # below any m that is not 0


def focal(
    passes: Passes, batch: Factors, slope: bool, gamma: float = 0.0
) -> tuple[Array, Array | None]:
    """Return `stable.focal` and its slope.

    With u = z for y = 0 and -z for y = 1, q = sigmoid(u), and w the one factor that is not 0, it
    is ``w q^gamma softplus(u)``, with the slope ``+-w q^gamma (q + gamma (1 - q) softplus(u))``.
    """
    u = batch.targets * -2.0
    u += 1.0
    u *= batch.logits
    q = passes.exp(u)
    value, weight = passes.log1p(q), batch.positive + batch.negative
    if not gamma and not slope:
        value *= weight
        return value, None
    whole = q + 1.0
    q /= whole
    signed = batch.negative - batch.positive
    if gamma:
        power = _power(passes, q, gamma)
        weight *= power  # before what follows: a power may be next to underflow
        signed *= power
        if slope:
            q += gamma * value / whole
    value *= weight
    if not slope:
        return value, None
    q *= signed
    return value, q


def asymmetric(
    passes: Passes,
    batch: Factors,
    slope: bool,
    *,
    gamma_pos: float,
    gamma_neg: float,
    clip: float,
) -> tuple[Array, Array | None]:
    """Return `asymmetric.asymmetric` and its slope, by the odds against the target.

    These are (1-p) / p, and m / (1-m).
    """
    xp, yes = passes.xp, batch.targets
    rising = passes.exp(batch.logits)
    rest = rising + 1.0
    p = rising / rest
    xp.reciprocal(rest, out=rest)
    m, left = p, rest
    if clip:
        m, left = p - clip, rest + clip
        xp.maximum(m, 0.0, out=m)
        xp.minimum(left, 1.0, out=left)
    odds = m / left
    some = 1.0 - yes
    odds *= some
    xp.divide(yes, rising, out=some)
    odds += some
    loss = passes.log1p(odds)
    falling = _power(passes, rest, gamma_pos) * batch.positive
    growing = _power(passes, m, gamma_neg) * batch.negative
    value = xp.add(falling, growing, out=rising)
    value *= loss
    if not slope:
        return value, None
    # that of m^gamma L is p (1-p) m^gamma (gamma L + m / (1-m)) / m, and 0 below the clip
    if clip and not gamma_neg:
        growing *= m > 0.0
    if gamma_neg:
        odds += xp.multiply(loss, gamma_neg, out=some)
    odds /= xp.maximum(m, LEAST, out=some)
    odds *= p
    odds *= rest
    odds *= growing
    # that of (1-p)^gamma (-log p) is -(1-p)^gamma (1-p + gamma p (-log p))
    if gamma_pos:
        loss *= p
        if gamma_pos != 1.0:
            loss *= gamma_pos
        rest = xp.add(rest, loss, out=loss)
    falling *= rest
    odds -= falling
    return value, odds


def _power(passes: Passes, base: Array, gamma: float) -> Array | float:
    """Return the power, by products where it is one that people take."""
    if gamma in (0, 1):
        return base if gamma else 1.0
    square = base * base if gamma in (2, 4) else None
    if square is None:
        return passes.power(base, gamma)
    return square * square if gamma == 4 else square


# by the form of a block: of(passes, batch, slope, ...), with its further arguments
ONE_SIDED: dict[Any, Callable[..., tuple[Array, Array | None]]] = {
    softplus_with_slope: focal,
    focal_with_slope: focal,
    asymmetric_with_slope: asymmetric,
}
