"""The building blocks: the only room where floating point is argued about. It knows no loss.

Both blocks keep the digits of small losses, give the limit at infinite logits, and are written
so that a library's own autodiff gives the right first and second derivative everywhere.
"""

from weightedce.arguments import lay_along
from weightedce.backends import Array, backend_of


def weighted_softplus(logits: Array, positive: Array, negative: Array) -> Array:
    """Return ``positive * softplus(-z) + negative * softplus(z)``, elementwise.

    With d = |z| this is ``wrong * d + (positive + negative) * log1p(exp(-d))``, where ``wrong``
    is the weight of the side that z speaks against: no term is negative, so no digit is lost.
    """
    xp = backend_of(logits).namespace
    above = logits > 0
    # where, not abs or maximum: libraries disagree on their derivative at 0 (torch's plain
    # formula gives 1/2, JAX 0, TensorFlow 1); this one gives 1/2, and 1/4 for the second.
    distance = xp.where(above, logits, -logits)
    wrong = xp.where(above, negative, positive)
    return _times(wrong, distance) + (positive + negative) * xp.log1p(xp.exp(-distance))


def weighted_log_softmax(logits: Array, mass: Array, axis: int) -> Array:
    """Return ``sum_k mass_k * (logsumexp(z) - z_k)`` over ``axis``.

    With t the position of one maximum and rest = sum_{k != t} exp(z_k - z_t),
    ``logsumexp(z) - z_k = (z_t - z_k) + log1p(rest)``: no term is negative. The maximum is
    dropped from the sum, not subtracted, so that rest keeps its digits when it is tiny.

    The derivatives need as much care. The first, to z_t, is -rest / (1 + rest) for the mass at
    t and 1 / (1 + rest) for the mass elsewhere; the second is rest / (1 + rest)^2 for both. So
    z_t enters as a constant ``shift`` plus ``lift``, which is 0 and has derivative 1, in forms
    of one and the same function whose derivatives come out of autodiff without cancelling.
    """
    backend = backend_of(logits)
    xp = backend.namespace
    classes = xp.arange(logits.shape[axis], device=backend.device(logits))
    top = lay_along(classes, axis, len(logits.shape)) == xp.argmax(logits, axis=axis, keepdims=True)

    highest = xp.sum(xp.where(top, logits, 0.0), axis=axis, keepdims=True)
    shift = backend.detach(highest)
    infinite = xp.isinf(shift)
    lift = xp.where(infinite, 0.0, highest) - xp.where(infinite, 0.0, shift)

    largest = xp.finfo(logits.dtype).max
    finite_shift = xp.where(shift == -xp.inf, -largest, xp.where(infinite, largest, shift))
    others = xp.where(top, finite_shift, logits)
    error = _subtraction_error(backend.detach(others), finite_shift)
    ratios = xp.exp(others - finite_shift) * (1.0 + error)
    rest = xp.sum(xp.where(top, 0.0, ratios), axis=axis, keepdims=True)

    other_mass = xp.where(top, 0.0, mass)
    distance = xp.where(top, 0.0, xp.where(infinite, highest, shift) - others)
    at_top = xp.log1p(rest * xp.exp(-lift))
    elsewhere = xp.where(rest > 1.0, xp.log1p(rest + xp.expm1(lift)), lift + at_top)
    return (
        xp.sum(xp.where(top, mass, 0.0), axis=axis) * xp.squeeze(at_top, axis=axis)
        + xp.sum(other_mass, axis=axis) * xp.squeeze(elsewhere, axis=axis)
        + xp.sum(_times(other_mass, distance), axis=axis)
    )


def _times(weight: Array, distance: Array) -> Array:
    """Return ``weight * distance`` with 0 * inf = 0.

    The infinite distance becomes the largest number, not 0: the derivative to the weight, which
    is the distance, then stays at its limit as far as numbers go.
    """
    xp = backend_of(weight).namespace
    unweighted = xp.isinf(distance) & (weight == 0.0)
    return weight * xp.where(unweighted, xp.finfo(distance.dtype).max, distance)


def _subtraction_error(a: Array, b: Array) -> Array:
    """Return what rounding took from ``a - b`` (TwoSum; Knuth 1969, section 4.2.2).

    exp turns an absolute error into a relative one: the rounding of z_k - z_t alone would move
    exp(z_k - z_t) by |z_k - z_t| / 2 ulp, 40 ulp for a difference of 80.
    """
    xp = backend_of(a).namespace
    a = xp.where(xp.isinf(a), 0.0, a)  # its exp is 0 with any error; inf - inf would be NaN
    difference = a - b
    minus_b = difference - a
    error = (a - (difference - minus_b)) - (b + minus_b)
    return xp.where(xp.isinf(difference), 0.0, error)
