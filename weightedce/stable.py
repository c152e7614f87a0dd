"""The building blocks of every loss: where floating point is argued about. It knows no loss.

The blocks keep the digits of small losses, give the limit at infinite logits, and are written
so that a library's own autodiff gives the right first and second derivative everywhere. Those
over classes have a room of their own, `softmax`.
"""

import math
from collections.abc import Callable
from functools import partial

from weightedce.arguments import seen_between
from weightedce.backends import Array, backend_of

# Of logits, what they are multiplied with, and whether the slope is wanted, to the value and the
# slope, its derivative to the logits. The factors of a binary loss are those of the positive and
# the negative side. A partial, so that a backend can tell by ``func`` what it has a form of its
# own for.
Sloped = partial[tuple[Array, Array | None]]


def weighted_softplus(logits: Array, positive: Array, negative: Array) -> Array:
    """Return ``positive * softplus(-z) + negative * softplus(z)``, elementwise."""
    return with_slope(_composed_softplus, sloped_softplus, logits, positive, negative)


def focused_softplus(logits: Array, positive: Array, negative: Array, gamma: float) -> Array:
    """Return ``positive * (1-p)^gamma * softplus(-z) + negative * p^gamma * softplus(z)``."""
    if gamma == 0:
        return weighted_softplus(logits, positive, negative)
    composed = partial(_composed_focal, gamma)
    return with_slope(composed, sloped_focal(gamma), logits, positive, negative)


def sloped_focal(gamma: float) -> Sloped:
    """Return `focused_softplus` for a ``gamma``, with its derivative to the logits."""
    return partial(focal_with_slope, gamma) if gamma else sloped_softplus


def with_slope(
    composed: Callable[..., Array],
    sloped: Sloped,
    logits: Array,
    *factors: Array,
    axis: int | None = None,
) -> Array:
    """Return a block in the form that suits the library.

    ``composed`` is for autodiff of any order, at every point. ``sloped`` gives value and slope
    in few passes: a backend that offers ``attach`` joins the two. The value has an element for
    each logit, or with ``axis`` for all that lie along it.
    """
    attach = getattr(backend_of(logits), "attach", None)
    if attach is None:
        return composed(logits, *factors)
    return attach(composed, sloped, axis, logits, *factors)


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
    """Return `weighted_softplus` and, if wanted, its derivative to the logits."""
    xp = backend_of(logits).namespace
    above, distance = logits > 0, xp.abs(logits)
    fading = xp.exp(-distance)
    wrong = xp.where(above, negative, positive)
    value = product(wrong, distance) + (positive + negative) * xp.log1p(fading)
    if not slope:
        return value, None
    rising = xp.where(above, negative - positive * fading, negative * fading - positive)
    return value, rising / (1.0 + fading)


sloped_softplus: Sloped = partial(softplus_with_slope)


def _composed_focal(gamma: float, logits: Array, positive: Array, negative: Array) -> Array:
    minus_log_p, minus_log_1p = softplus_pair(logits)
    return times(positive, focused(minus_log_p, gamma)) + times(
        negative, focused(minus_log_1p, gamma)
    )


def focal_with_slope(
    gamma: float, logits: Array, positive: Array, negative: Array, slope: bool
) -> tuple[Array, Array | None]:
    """Return `focused_softplus` and, if wanted, its derivative to the logits."""
    p, rest, minus_log_p, minus_log_1p = sides(logits)
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


def sides(logits: Array) -> tuple[Array, Array, Array, Array]:
    """Return p, 1 - p, and -log of both, for p = sigmoid(z); not for autodiff.

    Without ``where``, which in NumPy takes six times as long as an exponential.
    """
    backend = backend_of(logits)
    own = getattr(backend, "sides", None)
    found: tuple[Array, Array, Array, Array] | None = None if own is None else own(logits)
    if found is not None:
        return found
    xp, sigmoid = backend.namespace, getattr(backend, "sigmoid", None)
    fading = xp.exp(-xp.abs(logits))
    if sigmoid is None:
        whole, side = 1.0 + fading, xp.sign(logits)
        p, rest = xp.maximum(fading, side), xp.maximum(fading, -side)
        p /= whole
        rest /= whole
    else:
        p, rest = sigmoid(logits), sigmoid(-logits)
    zero, tail = xp.zeros_like(logits), xp.log1p(fading)
    below, above = xp.maximum(-logits, zero), xp.maximum(logits, zero)
    below += tail
    above += tail
    return p, rest, below, above


def product(weight: Array, loss: Array) -> Array:
    """Return ``weight * loss`` with 0 * inf = 0; not for autodiff.

    A backend of its own leaves NaN there, where that is found afterwards in the sum.
    """
    backend = backend_of(loss)
    own = getattr(backend, "product", None)
    if own is None:
        return backend.namespace.where(weight == 0.0, 0.0, weight * loss)
    return own(weight, loss)


def softplus_pair(logits: Array) -> tuple[Array, Array]:
    """Return ``softplus(-z), softplus(z)``: -log p and -log(1 - p) for p = sigmoid(z)."""
    xp = backend_of(logits).namespace
    above = logits > 0
    distance = xp.where(above, logits, -logits)  # where, not abs: see above
    tail = xp.log1p(xp.exp(-distance))
    return xp.where(above, 0.0, distance) + tail, xp.where(above, distance, 0.0) + tail


def weighted_sum(weight: Array, loss: Array, axis: int) -> Array:
    """Return ``sum_k weight_k * loss_k`` over ``axis``, with 0 * inf = 0."""
    return backend_of(loss).namespace.sum(times(weight, loss), axis=axis)


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
    """Tell which elements are inf or -inf. Inductor goes through `isinf` one by one."""
    xp = backend_of(array).namespace
    return xp.abs(array) == xp.inf


def finite(logits: Array) -> Array:
    """Return the logits with infinite ones as large constants, for what is bounded.

    The derivative there is 0 and may meet an infinite factor, which it outweighs.
    """
    xp = backend_of(logits).namespace
    largest = xp.finfo(logits.dtype).max
    bounded = xp.where(logits == xp.inf, largest, logits)
    return xp.where(logits == -xp.inf, -largest, bounded)


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
    if gamma == 0:
        return negative_log
    xp = backend_of(negative_log).namespace
    # where p = 0 the factor is 1; its derivative, 0, must not meet the infinite -log p
    factor = power(complement(negative_log), gamma)
    return xp.where(infinite(negative_log), 1.0, factor) * negative_log


def power(base: Array, exponent: float) -> Array:
    """Return ``base ** exponent`` for base >= 0, exponent >= 0, with derivative 0 at base 0.

    Not exp(exponent * log(base)): that loses |log(result)| ulp. The true derivative at 0 is
    infinite for exponents below 1, but what is multiplied here vanishes faster.
    """
    xp = backend_of(base).namespace
    lifted, low, factor = _lifted(base)
    raised = lifted**exponent
    raised = xp.where(low, raised * factor**-exponent, raised)
    return xp.where(base > 0.0, raised, float(exponent == 0))


def log(base: Array) -> Array:
    """Return ``log(base)`` for base >= 0, and 0 with derivative 0 at base 0."""
    xp = backend_of(base).namespace
    lifted, low, factor = _lifted(base)
    logarithm = xp.log(lifted)
    return xp.where(low & (base > 0.0), logarithm - math.log(factor), logarithm)


def log_prior(prior: Array) -> Array:
    """Return ``log(prior)``, and -inf without a warning for a class that does not occur."""
    xp = backend_of(prior).namespace
    return xp.where(prior > 0.0, xp.log(xp.where(prior > 0.0, prior, 1.0)), -xp.inf)


def _lifted(base: Array) -> tuple[Array, Array, float]:
    """Return small bases times a factor, which are small, and the factor; 1 for base 0.

    Second derivatives of powers and logarithms divide by the square of the base, which for
    small bases overflows; multiplied into the middle of the range first, they do not.
    """
    xp = backend_of(base).namespace
    factor = 2.0 ** round(-math.log2(xp.finfo(base.dtype).smallest_normal) / 2)
    low = base < 1 / factor
    return xp.where(base > 0.0, xp.where(low, base * factor, base), 1.0), low, factor
