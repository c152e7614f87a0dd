"""The block of the seesaw loss: a softmax whose other classes have a constant factor each.

The factors say how far the loss is from that of a softmax, so they take part in the exponents:
``S_j exp(z_j - z_y) = M_j exp((1 + q) (z_j - z_y))`` for a class j above the label y. Formed of
rounded products these would be off by (1 + q) |z_j - z_y| / 2 ulp.
"""

from weightedce.backends import Array, backend_of
from weightedce.numerics import stable

COARSE = 2.0**-11  # so many bits of a rate times whole steps up to 2**13 are exact in float32
SMALL = 60.0  # an exponent whose power is no overflow, however small a factor beside it


def seesaw_loss(logits: Array, hit: Array, factor: Array, q: float | Array, axis: int) -> Array:
    """Return ``log(1 + sum_{j != y} M_j C_j exp(z_j - z_y))``, C_j = max(1, exp(q (z_j - z_y))).

    ``hit`` is true for the class y of each row, ``factor`` is M, in (0, 1] and 1 for y. M and C are
    constants of value: no derivative goes through them. With r the largest term, y's own is 1,
    and rest the sum of the others in units of it, the loss is ``log term_r + log1p(rest)``, where
    neither is negative. The logits enter as constants plus ``lift``, 0 with derivative 1, as in
    `softmax.negative_log_softmax`.
    """
    backend = backend_of(logits)
    xp = backend.namespace
    fixed, rate = backend.detach(logits), 1.0 + q
    z = _bounded(fixed)
    own, highest = _at(hit, z, axis), xp.max(z, axis=axis, keepdims=True)
    above = z > own
    score = xp.where(above, rate * (z - highest), (z - own) + rate * (own - highest))
    first = xp.argmax(score + xp.log(factor), axis=axis, keepdims=True)
    top = _classes(logits, axis) == first
    at_own = xp.any(top & hit, axis=axis, keepdims=True)
    largest, of_top = _at(top, z, axis), _at(top, factor, axis)

    near = _power(z, xp.where(above, largest, own), xp.where(above, rate * xp.ones_like(z), 1.0))
    behind = xp.where(above, 1.0, _power(own, largest, rate))
    terms = near * behind * (factor / of_top)
    unbounded = stable.infinite(fixed)
    lift = xp.where(unbounded, 0.0, logits) - xp.where(unbounded, 0.0, fixed)
    rest = backend.sum(xp.where(top, 0.0, terms * xp.exp(lift)), axis, keepdims=True)

    lifted = _at(top, lift, axis)
    at_top = xp.log1p(rest * xp.exp(-lifted))
    elsewhere = xp.where(rest > 1.0, xp.log1p(rest + xp.expm1(lifted)), lifted + at_top)
    distance = rate * (largest - own)
    small = distance < SMALL
    power = of_top * _power(xp.where(small, largest, own), own, rate)
    ahead = xp.where(small, xp.log(power), distance + xp.log(of_top))
    # of infinite logits the derivative comes by themselves: what they would be lifted by is 0
    mine, theirs = (_at(place, logits, axis) for place in (hit, top))
    most = xp.finfo(logits.dtype).max
    ahead = xp.where(mine < -most, -mine, ahead - _at(hit, lift, axis))
    ahead = ahead + xp.where((theirs > most) & ~at_own, theirs, 0.0)
    loss = xp.where(at_own, at_top, ahead + elsewhere)
    return xp.squeeze(loss + _nowhere(logits, fixed, axis), axis=axis)


def _nowhere(logits: Array, fixed: Array, axis: int) -> Array:
    """Return NaN, of which every logit has a part, for two at +inf or all at -inf; else 0."""
    xp = backend_of(logits).namespace
    most = xp.finfo(logits.dtype).max
    highest = xp.max(fixed, axis=axis, keepdims=True)
    ties = xp.sum(xp.where(fixed == highest, xp.ones_like(fixed), 0.0), axis=axis, keepdims=True)
    undefined = stable.infinite(highest) & (ties > 1.0)
    if logits.shape[axis] > 1:
        undefined = undefined | (highest < -most)
    each = xp.where(undefined, xp.nan, xp.ones_like(highest)) * xp.where(undefined, logits, 0.0)
    return xp.sum(each, axis=axis, keepdims=True)


def _power(a: Array, b: Array, rate: float | Array) -> Array:
    """Return ``exp(rate * (a - b))`` of constants, where that is no overflow.

    Whole steps between the two are exact, and so are their products with few bits of the rate;
    the rest is small. The steps are taken in halves, so that no half is an underflow before.
    """
    xp = backend_of(a).namespace
    whole, mine = xp.floor(a), xp.floor(b)
    steps, left = whole - mine, (a - whole) - (b - mine)
    coarse = rate // COARSE * COARSE
    half = xp.exp(0.5 * coarse * steps)
    return half * xp.exp((rate - coarse) * steps + rate * left) * half


def _bounded(logits: Array) -> Array:
    """Return logits of which no difference, times a rate, is infinite."""
    xp = backend_of(logits).namespace
    bound = xp.finfo(logits.dtype).max * 2.0**-16
    return xp.where(logits > bound, bound, xp.where(logits < -bound, -bound, logits))


def _at(place: Array, values: Array, axis: int) -> Array:
    """Return the value of each row that is at a place."""
    xp = backend_of(values).namespace
    return xp.sum(xp.where(place, values, 0.0), axis=axis, keepdims=True)


def _classes(logits: Array, axis: int) -> Array:
    """Return 0, 1, ... along the class axis."""
    backend = backend_of(logits)
    xp = backend.namespace
    classes = xp.arange(logits.shape[axis], device=backend.device(logits))
    return xp.reshape(classes, tuple(-1 if i == axis else 1 for i in range(len(logits.shape))))
