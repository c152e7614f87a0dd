"""Powers of a softmax, p_k ** q, without the rounding of log p_k.

-log p_k = 700 is rounded by 300 ulp of its exponential. So its parts are kept apart: whole steps
between the logits, which are exact, and what is left, which is small.
"""

from weightedce.backends import Array, backend_of
from weightedce.numerics import softmax, stable

COARSE = 2.0**-11  # so many bits of q times whole steps up to 2**13 are exact in float32
ROUNDED = 8.0  # a logarithm whose rounding is 4 ulp of its exponential


def label_complement(logits: Array, labels: Array, axis: int, q: float | Array) -> Array:
    """Return ``1 - p_y ** q`` for one label y an example."""
    backend = backend_of(logits)
    minus_log_p = softmax.label_log_softmax(logits, labels, axis)
    simple = stable.complement(q * minus_log_p)
    if stable.seen_between(minus_log_p, 0.0, ROUNDED / q if isinstance(q, float) else ROUNDED):
        return simple
    fixed = backend.detach(logits)
    place = backend.namespace.argmax(fixed, axis=axis)
    rest = softmax.label_log_softmax(fixed, place, axis)
    top, own = (softmax.picked(fixed, x, axis) for x in (place, labels))
    return _complement(q * minus_log_p, simple, power(top, own, rest, q))


def class_complement(logits: Array, axis: int, q: float | Array) -> Array:
    """Return ``1 - p_k ** q`` for every class k along ``axis``."""
    backend = backend_of(logits)
    xp = backend.namespace
    minus_log_p = softmax.negative_log_softmax(logits, axis)
    simple = stable.complement(q * minus_log_p)
    if stable.seen_between(minus_log_p, 0.0, ROUNDED / q if isinstance(q, float) else ROUNDED):
        return simple
    fixed, logs = backend.detach(logits), backend.detach(minus_log_p)
    place = xp.argmax(fixed, axis=axis)
    top, rest = (xp.expand_dims(softmax.picked(x, place, axis), axis=axis) for x in (fixed, logs))
    return _complement(q * minus_log_p, simple, power(top, fixed, rest, q))


def _complement(exponent: Array, simple: Array, power: Array) -> Array:
    """Return ``1 - power``, a constant, with the derivative of ``1 - exp(-exponent)``.

    Where that is ``simple`` it is that itself: as in `stable.complement`.
    """
    backend = backend_of(power)
    xp = backend.namespace
    finite = xp.where(stable.infinite(exponent), 0.0, exponent)
    lift = finite - backend.detach(finite)  # 0, with its derivative
    return xp.where(exponent < 0.5, simple, 1.0 - power * xp.exp(-lift))


def power(top: Array, own: Array, rest: Array, q: float | Array) -> Array:
    """Return ``exp(-q (z_t - z_k + rest))`` of constants."""
    backend = backend_of(own)
    xp = backend.namespace
    q = q if isinstance(q, float) else backend.detach(q)
    top, own = _bounded(top), _bounded(own)
    whole, mine = xp.floor(top), xp.floor(own)
    steps, left = whole - mine, (top - whole) - (own - mine) + rest
    coarse = q // COARSE * COARSE
    return xp.exp(-coarse * steps) * xp.exp(-(q - coarse) * steps - q * left)


def _bounded(logits: Array) -> Array:
    """Return logits whose difference is no infinity: see `stable.finite`."""
    xp = backend_of(logits).namespace
    bound = xp.finfo(logits.dtype).max / 4
    return xp.where(logits > bound, bound, xp.where(logits < -bound, -bound, logits))
