"""The building blocks of every loss: where floating point is argued about. It knows no loss.

The blocks keep the digits of small losses, give the limit at infinite logits, and are written
so that a library's own autodiff gives the right first and second derivative everywhere. Those
over classes have a room of their own, `softmax`.
"""

import math
from functools import partial

from weightedce.backends import Array, backend_of
from weightedce.backends.handed import Block


def attached(block: Block, logits: Array, *factors: Array, axis: int | None = None) -> Array:
    """Return a block in the form that suits the library: see `Backend.attach`."""
    return backend_of(logits).attach(block, axis, logits, *factors)


def focal(gamma: float) -> Block:
    """Return ``positive * (1-p)^gamma * softplus(-z) + negative * p^gamma * softplus(z)``."""
    if is_zero(gamma):
        return SOFTPLUS
    return Block(partial(_composed_focal, gamma), partial(focal_with_slope, gamma))


def _composed_softplus(logits: Array, positive: Array, negative: Array) -> Array:
    """With d = |z| it is ``wrong * d + (positive + negative) * log1p(exp(-d))``.

    ``wrong`` is the weight of the side that z speaks against: no term is negative, so no digit
    is lost.
    """
    xp = backend_of(logits).namespace
    above = logits > 0
    # where, not abs or maximum: libraries disagree on their derivative at 0 (torch's plain
    # formula gives 1/2, JAX 0, TensorFlow 1); this one gives 1/2, and 1/4 for the second.
    distance = xp.where(above, logits, -logits)
    wrong = xp.where(above, negative, positive)
    return times(wrong, distance) + (positive + negative) * xp.log1p(xp.exp(-distance))


def softplus_with_slope(
    logits: Array, positive: Array, negative: Array, slope: bool
) -> tuple[Array, Array | None]:
    """Return `SOFTPLUS` and, if wanted, its derivative to the logits."""
    backend = backend_of(logits)
    xp = backend.namespace
    above, distance = logits > 0, xp.abs(logits)
    fading = xp.exp(-distance)
    wrong = xp.where(above, negative, positive)
    value = backend.product(wrong, distance) + (positive + negative) * xp.log1p(fading)
    if not slope:
        return value, None
    rising = xp.where(above, negative - positive * fading, negative * fading - positive)
    return value, rising / (1.0 + fading)


# positive * softplus(-z) + negative * softplus(z)
SOFTPLUS = Block(_composed_softplus, partial(softplus_with_slope))


def _composed_focal(gamma: float, logits: Array, positive: Array, negative: Array) -> Array:
    minus_log_p, minus_log_1p = softplus_pair(logits)
    return times(positive, focused(minus_log_p, gamma)) + times(
        negative, focused(minus_log_1p, gamma)
    )


def focal_with_slope(
    gamma: float, logits: Array, positive: Array, negative: Array, slope: bool
) -> tuple[Array, Array | None]:
    """Return `focal` and, if wanted, its derivative to the logits."""
    backend = backend_of(logits)
    product = backend.product
    p, rest, minus_log_p, minus_log_1p = backend.sides(logits)
    falling, rising = rest**gamma, p**gamma
    falling *= positive
    rising *= negative
    value = product(falling, minus_log_p)
    value += product(rising, minus_log_1p)
    if not slope:
        return value, None
    # the slope of (1-p)^gamma softplus(-z) is -(1-p)^gamma (1-p + gamma p softplus(-z))
    minus_log_p = product(p, minus_log_p)
    minus_log_p *= gamma
    minus_log_p += rest
    minus_log_1p = product(rest, minus_log_1p)
    minus_log_1p *= gamma
    minus_log_1p += p
    rising *= minus_log_1p
    falling *= minus_log_p
    rising -= falling
    return value, rising


def softplus_pair(logits: Array) -> tuple[Array, Array]:
    """Return ``softplus(-z), softplus(z)``: -log p and -log(1 - p) for p = sigmoid(z)."""
    xp = backend_of(logits).namespace
    above = logits > 0
    distance = xp.where(above, logits, -logits)  # where, not abs: see above
    tail = xp.log1p(xp.exp(-distance))
    return xp.where(above, 0.0, distance) + tail, xp.where(above, distance, 0.0) + tail


def chances(logits: Array) -> tuple[Array, Array]:
    """Return p and 1 - p for p = sigmoid(z), both with all their digits."""
    return backend_of(logits).chances(_composed_chances, logits)


def _composed_chances(logits: Array) -> tuple[Array, Array]:
    minus_log_p, minus_log_1p = softplus_pair(logits)
    return complement(minus_log_1p), complement(minus_log_p)


def shifted_softplus(logits: Array, shift: Array) -> Array:
    """Return ``softplus(z - shift)``, for a moderate shift.

    ``exp(z) * exp(-shift)``, not exp of the difference, whose rounding moves it by half an
    ulp a unit. Of a product of two XLA makes that again, so a select is in between.
    """
    xp = backend_of(logits).namespace
    distance = logits - shift
    above = distance > 0
    straight = xp.where(above, distance, 0.0)
    del distance  # so that its memory serves again
    fading = xp.exp(xp.where(above, -logits, logits))
    tail = xp.log1p(fading * xp.where(above, xp.exp(shift), xp.exp(-shift)))
    return straight + tail


def seen_between(values: Array, low: float, high: float) -> bool:
    """Tell whether all values can be seen at once, and are between ``low`` and ``high``.

    Least and greatest value take one pass; to say which value is outside takes four.
    """
    found = None if 0 in values.shape else backend_of(values).extremes(values)
    return found is not None and bool(low <= found[0] and found[1] <= high)


def weighted_sum(weight: Array, loss: Array, axis: int) -> Array:
    """Return ``sum_k weight_k * loss_k`` over ``axis``, with 0 * inf = 0."""
    return backend_of(loss).sum(times(weight, loss), axis)


def times(weight: Array, loss: Array) -> Array:
    """Return ``weight * loss`` with 0 * inf = 0.

    The infinite loss becomes the largest number, not 0: the derivative to the weight, which is
    the loss, then stays at its limit as far as numbers go. To see that no loss is infinite takes
    eager libraries less time than to select.
    """
    xp = backend_of(loss).namespace
    most = xp.finfo(loss.dtype).max
    if seen_between(loss, -most, most):
        return weight * loss
    return weight * xp.where(infinite(loss) & (weight == 0.0), most, loss)


def infinite(array: Array) -> Array:
    """Tell which elements are inf or -inf.

    Not by `isinf`, through which Inductor goes one by one, nor by a constant inf, which
    TensorFlow's check_numerics would report.
    """
    xp = backend_of(array).namespace
    return xp.abs(array) > xp.finfo(array.dtype).max


def finite(logits: Array) -> Array:
    """Return the logits with infinite ones as large constants, for what is bounded.

    The derivative there is 0 and may meet an infinite factor, which it outweighs.
    """
    xp = backend_of(logits).namespace
    largest = xp.finfo(logits.dtype).max
    bounded = xp.where(logits > largest, largest, logits)
    return xp.where(logits < -largest, -largest, bounded)


def complement(negative_log: Array) -> Array:
    """Return 1 - p from -log p, with all its digits where p is nearly 1.

    There it is 2 t / (1 + t) with t = tanh(-log(p) / 2), not expm1: Inductor computes that as
    exp(x) - 1, and torch and JAX differentiate it as its value plus 1, without digits for small p.
    """
    xp = backend_of(negative_log).namespace
    near = negative_log < 0.5
    t = xp.tanh(0.5 * xp.where(near, negative_log, 0.0))
    return xp.where(near, 2.0 * t / (1.0 + t), 1.0 - xp.exp(-negative_log))


def focused(negative_log: Array, gamma: float) -> Array:
    """Return ``(1 - p) ** gamma * (-log p)`` from -log p, with its limits at p = 0 and p = 1."""
    if is_zero(gamma):
        return negative_log
    xp = backend_of(negative_log).namespace
    # where p = 0 the factor is 1; its derivative, 0, must not meet the infinite -log p
    factor = power(complement(negative_log), gamma)
    return xp.where(infinite(negative_log), 1.0, factor) * negative_log


def generalized(negative_log: Array, q: float | Array) -> Array:
    """Return ``(1 - p ** q) / q`` from -log p; that is rounded, and so p ** q: see `powers`."""
    return complement(q * negative_log) / q


def poly(negative_log: Array, epsilon: float | Array) -> Array:
    """Return ``-log p + epsilon (1 - p)`` from -log p."""
    return negative_log + epsilon * complement(negative_log)


def behind(negative_log: Array, margin: Array) -> Array:
    """Return -log p, from what it was, where the logit of its class is lower by a margin.

    The odds against class k are (1 - p_k) / p_k; a margin is a factor of them. Not further: of a
    logarithm of large odds the second derivative cancels.
    """
    xp = backend_of(negative_log).namespace
    near = (negative_log < 1.0) & (margin < 60.0)
    small = xp.where(near, negative_log, 0.0)
    odds = complement(small) * xp.exp(small)
    of_odds = xp.log1p(odds * xp.exp(xp.where(near, margin, 0.0)))
    large = xp.where(near, 1.0, negative_log)
    p_rest = complement(large)
    _, of_logs = softplus_pair(large + log(p_rest) + margin)
    return xp.where(near, of_odds, xp.where(p_rest == 0.0, 0.0, of_logs))


def power(base: Array, exponent: float | Array) -> Array:
    """Return ``base ** exponent`` for base >= 0, exponent >= 0, with derivative 0 at base 0.

    Not exp(exponent * log(base)): that loses |log(result)| ulp. The true derivative at 0 is
    infinite for exponents below 1, but what is multiplied here vanishes faster.
    """
    xp = backend_of(base).namespace
    lifted, low, factor = _lifted(base)
    raised = lifted**exponent
    raised = xp.where(low, raised * factor**-exponent, raised)
    known = isinstance(exponent, int | float)
    at_zero = (1.0 if exponent == 0 else 0.0) if known else xp.astype(exponent == 0.0, base.dtype)
    return xp.where(base <= 0.0, at_zero, raised)  # NaN stays


def is_zero(number: float | Array) -> bool:
    """Tell whether a number is 0 and nothing that is traced, so that what it multiplies can go."""
    return isinstance(number, int | float) and number == 0


def log(base: Array) -> Array:
    """Return ``log(base)`` for base >= 0, and 0 with derivative 0 at base 0."""
    xp = backend_of(base).namespace
    lifted, low, factor = _lifted(base)
    logarithm = xp.log(lifted)
    return xp.where(low & (base > 0.0), logarithm - math.log(factor), logarithm)


def log_prior(prior: Array) -> Array:
    """Return ``log(prior)``, and -inf without a warning for a class that does not occur."""
    xp = backend_of(prior).namespace
    none = prior == 0.0  # and no NaN, which is no class that does not occur
    return xp.where(none, -xp.inf, xp.log(xp.where(none, 1.0, prior)))


def _lifted(base: Array) -> tuple[Array, Array, float]:
    """Return small bases times a factor, which are small, and the factor; 1 for base 0.

    Second derivatives of powers and logarithms divide by the square of the base, which for
    small bases overflows; multiplied into the middle of the range first, they do not.
    """
    xp = backend_of(base).namespace
    factor = 2.0 ** round(-math.log2(xp.finfo(base.dtype).smallest_normal) / 2)
    low = base < 1 / factor
    return xp.where(base <= 0.0, 1.0, xp.where(low, base * factor, base)), low, factor
