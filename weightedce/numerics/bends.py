"""The two blocks of nearly every loss with slope and bend, their first and second derivative.

Of NumPy's arrays, of finite logits, and not for autodiff. They stand beside the sloped forms of
`stable` and `softmax`, by what these are known: a backend that carries two derivatives along takes
them in place of the composed forms.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from weightedce.backends import Array, backend_of
from weightedce.numerics import softmax, stable


class Bent(NamedTuple):
    """The value of a block, and its derivatives to each logit, of the shape of the logits."""

    value: Array
    slope: Array
    bend: Array
    low: Array | None = None  # what rounding took from the value, where it is a logarithm of p
    spread: Array | None = None  # over classes: the Hessian is diag(spread) less what makes rows 0


def softplus_bent(logits: Array, positive: Array, negative: Array) -> Bent:
    """Return ``positive * softplus(-z) + negative * softplus(z)``.

    Without ``where``: see `Backend.sides`. With t = exp(-|z|) the bend is p (1 - p) =
    t / (1 + t)^2 times the sum of the factors; the slope ``negative p - positive (1 - p)`` has
    its digits where both are.
    """
    backend = backend_of(logits)
    xp = backend.namespace
    fading, side = xp.exp(-xp.abs(logits)), xp.sign(logits)
    inverse, tail = 1.0 / (1.0 + fading), xp.log1p(fading)
    small = fading * inverse
    p, rest = xp.maximum(small, side * inverse), xp.maximum(small, -side * inverse)
    above = xp.maximum(logits, 0.0 * tail)
    value = positive * (above - logits + tail) + negative * (above + tail)
    return Bent(value, negative * p - positive * rest, (positive + negative) * (small * inverse))


def focal_bent(gamma: float, logits: Array, positive: Array, negative: Array) -> Bent:
    """Return `stable.focal`.

    With q = sigmoid(u), r = 1 - q, s = softplus(u) it is ``q^gamma s`` for each side, u = z or -z,
    whose slope is ``q^gamma (gamma r s + q)`` and whose bend is
    ``q^gamma r (gamma s (gamma r - q) + (2 gamma + 1) q)``, which crosses 0 once. Of the composed
    form it has half the digits far out, where p is made of its rounded logarithm.
    """
    p, rest, minus_log_p, minus_log_1p = backend_of(logits).sides(logits)
    up = _focal_side(gamma, negative, p, rest, minus_log_1p)
    down = _focal_side(gamma, positive, rest, p, minus_log_p)
    return Bent(up.value + down.value, up.slope - down.slope, up.bend + down.bend)


def _focal_side(gamma: float, weight: Array, q: Array, r: Array, s: Array) -> Bent:
    power = weight * q**gamma
    both = r * s  # first, since s may be infinite where r is 0
    slope = gamma * both + q
    bend = gamma * (gamma * r * both - q * both) + (2.0 * gamma + 1.0) * q * r
    return Bent(power * s, power * slope, power * bend)


class Softmax(NamedTuple):
    """What the blocks over classes are made of; classes are along the first axis of two."""

    top: Array  # the place of a maximum of each row, as an index
    odds: Array  # sum_k exp(z_k - max z) over the others
    p: Array
    rest: Array  # 1 - p: at the top what the others have, elsewhere it is at least 1/2


def _softmax(logits: Array) -> Softmax:
    xp = backend_of(logits).namespace
    classes, count = logits.shape
    top = (logits.argmax(axis=0), xp.arange(count))
    by, factor = softmax.shift_of(logits[top], classes)
    powers = softmax.shifted_exp(logits, by)
    powers *= factor
    powers[top] = 0.0
    odds = backend_of(logits).sum(powers, 0)
    inverse = 1.0 / (1.0 + odds)
    powers[top] = 1.0
    powers *= inverse
    rest = 1.0 - powers
    rest[top] = odds * inverse
    return Softmax(top, odds, powers, rest)


def label_bent(logits: Array, labels: Array) -> Bent:
    """Return ``logsumexp(z) - z_y``, whose bend is ``p_k (1 - p_k)``."""
    xp = backend_of(logits).namespace
    top, odds, p, rest = _softmax(logits)
    own = (labels, top[1])
    highest, logit, tail = logits[top], logits[own], xp.log1p(odds)
    distance = highest - logit
    back = distance - highest
    lost = (highest - (distance - back)) - (logit + back)  # exactly: Knuth 1969, 4.2.2
    value = distance + tail  # of two numbers at least 0
    larger, smaller = xp.maximum(distance, tail), xp.minimum(distance, tail)
    slope = xp.array(p)
    slope[own] = -rest[own]
    return Bent(value, slope, p * rest, lost + (smaller - (value - larger)), p)


def mass_bent(logits: Array, mass: Array) -> Bent:
    """Return ``sum_k mass_k * (logsumexp(z) - z_k)``, whose bend is ``sum_j mass_j p_k (1 - p_k)``.

    The slope is that of `mass.MassSums`.
    """
    backend = backend_of(logits)
    xp = backend.namespace
    top, odds, p, rest = _softmax(logits)
    behind = backend.sum(mass * (logits[top] - logits), 0)
    others = xp.array(mass)
    others[top] = 0.0
    of_others = backend.sum(others, 0)
    whole = of_others + mass[top]
    spread = whole * p
    slope = spread - mass
    slope[top] = xp.where(odds < 1.0, of_others - whole * rest[top], slope[top])
    return Bent(behind + whole * xp.log1p(odds), slope, spread * rest, None, spread)


# of elements, by the function of the sloped form
BENT: dict[Callable[..., Any], Callable[..., Bent]] = {
    stable.softplus_with_slope: softplus_bent,
    stable.focal_with_slope: focal_bent,
}
