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
    minus_log_p = softmax.label_log_softmax(logits, labels, axis)
    simple = stable.complement(q * minus_log_p)
    if stable.seen_between(minus_log_p, 0.0, ROUNDED / q if isinstance(q, float) else ROUNDED):
        return simple
    place = backend_of(logits).namespace.argmax(logits, axis=axis)
    rest = softmax.label_log_softmax(logits, place, axis)
    top, own = (softmax.picked(logits, x, axis) for x in (place, labels))
    return _complement(q, minus_log_p, simple, _power(top, own, rest, q))


def class_complement(logits: Array, axis: int, q: float | Array) -> Array:
    """Return ``1 - p_k ** q`` for every class k along ``axis``."""
    xp = backend_of(logits).namespace
    minus_log_p = softmax.negative_log_softmax(logits, axis)
    simple = stable.complement(q * minus_log_p)
    if stable.seen_between(minus_log_p, 0.0, ROUNDED / q if isinstance(q, float) else ROUNDED):
        return simple
    place = xp.argmax(logits, axis=axis)
    top, rest = (
        xp.expand_dims(softmax.picked(x, place, axis), axis=axis) for x in (logits, minus_log_p)
    )
    return _complement(q, minus_log_p, simple, _power(top, logits, rest, q))


def _complement(q: float | Array, minus_log_p: Array, simple: Array, power: Array) -> Array:
    xp = backend_of(power).namespace
    return xp.where(q * minus_log_p < 0.5, simple, 1.0 - power)  # as in `stable.complement`


def _power(top: Array, own: Array, rest: Array, q: float | Array) -> Array:
    """Return ``exp(-q (z_t - z_k + rest))``."""
    backend = backend_of(own)
    xp = backend.namespace
    top, own = _bounded(top), _bounded(own)
    whole, mine = xp.floor(backend.detach(top)), xp.floor(backend.detach(own))
    steps, left = whole - mine, (top - whole) - (own - mine) + rest
    coarse = (q if isinstance(q, float) else backend.detach(q)) // COARSE * COARSE
    return xp.exp(-coarse * steps) * xp.exp(-(q - coarse) * steps - q * left)


def _bounded(logits: Array) -> Array:
    """Return logits whose difference is no infinity: see `stable.finite`."""
    xp = backend_of(logits).namespace
    bound = xp.finfo(logits.dtype).max / 4
    return xp.where(logits > bound, bound, xp.where(logits < -bound, -bound, logits))
