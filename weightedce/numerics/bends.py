"""The two blocks of nearly every loss with slope and bend, their first and second derivative.

Not for autodiff. They stand beside the sloped forms of `stable` and `softmax`, by what these are
known: a backend that carries two derivatives along takes them in place of the composed forms.
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


def mass_bent(axis: int, classes: int, logits: Array, mass: Array) -> Bent:
    """Return ``sum_k mass_k * (logsumexp(z) - z_k)``, whose bend is ``sum_j mass_j p_k (1 - p_k)``.

    At the top 1 - p_k is what the others have, for which 1 - p_k is at least 1/2.
    """
    backend = backend_of(logits)
    xp = backend.namespace
    sums = softmax.mass_sums(axis, classes, logits, mass)
    inverse = 1.0 / (1.0 + sums.rest)
    p = xp.where(sums.at_top, inverse, sums.powers * inverse)
    others = xp.where(sums.at_top, sums.rest * inverse, 1.0 - p)
    value = xp.sum(sums.loss(), axis=axis)
    return Bent(value, sums.slope(mass), sums.whole * p * others)


def label_bent(axis: int, classes: int, logits: Array, labels: Array) -> Bent:
    """Return ``logsumexp(z) - z_y``."""
    hot = backend_of(logits).one_hot(labels, logits, axis, 1.0, 0.0)
    return mass_bent(axis, classes, logits, hot)


# by the function of the sloped form
BENT: dict[Callable[..., Any], Callable[..., Bent]] = {
    stable.softplus_with_slope: softplus_bent,
    softmax.mass_with_slope: mass_bent,
}
