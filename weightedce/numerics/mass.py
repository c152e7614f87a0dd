"""The softmax block of a mass on each class: smoothed labels, distributions.

The value and its derivative are made of sums over the classes, which may lie on several devices.
"""

import math
from functools import partial
from typing import NamedTuple

from weightedce.backends import Array, backend_of
from weightedce.backends.handed import Block
from weightedce.numerics import stable
from weightedce.numerics.softmax import (
    defined,
    distance,
    negative_log_softmax,
    shift_of,
)


def mass_log_softmax(logits: Array, mass: Array, axis: int, unmarked: Array | None = None) -> Array:
    """Return ``sum_k mass_k * (logsumexp(z) - z_k)``, one number per example.

    ``unmarked`` is the mass before what is none became NaN: see `marked_with_slope`.
    """
    composed, classes = partial(_composed_mass, axis), logits.shape[axis]
    if unmarked is None:
        block = Block(composed, partial(mass_with_slope, axis, classes))
        return stable.attached(block, logits, mass, axis=axis)
    block = Block(composed, partial(marked_with_slope, axis, classes))
    return stable.attached(block, logits, mass, unmarked, axis=axis)


def _composed_mass(axis: int, logits: Array, mass: Array, *_: Array) -> Array:
    return stable.weighted_sum(mass, negative_log_softmax(logits, axis), axis)


def mass_with_slope(
    axis: int, classes: int, logits: Array, mass: Array, slope: bool
) -> tuple[Array, Array | None]:
    """Return the value of `MassSums`, one number an example, and, if wanted, its derivative."""
    sums = mass_sums(axis, classes, logits, mass)
    # of one number: torch.compile cannot squeeze an axis that it keeps symbolic
    value = backend_of(logits).namespace.sum(sums.loss(), axis=axis)
    return value, sums.slope(mass) if slope else None


def marked_with_slope(
    axis: int, classes: int, logits: Array, mass: Array, unmarked: Array, slope: bool
) -> tuple[Array, Array | None]:
    """Return the same, for a compiler that makes a mark as it adds up, and not twice.

    A NaN in a sum makes the derivative of its row NaN, which needs no mark then: XLA writes the
    marked mass to memory where both ask for it.
    """
    sums = mass_sums(axis, classes, logits, mass)
    value = backend_of(logits).namespace.sum(sums.loss(), axis=axis)
    return value, sums.slope(unmarked) if slope else None


class MassSums(NamedTuple):
    """What ``sum_k mass_k * (logsumexp(z) - z_k)`` and its derivative are made of.

    With t the position of a maximum, and rest the sum of exp(z_k - z_t) over all classes but t,
    the value is ``sum_k mass_k * (z_t - z_k) + sum_k mass_k * log1p(rest)``, the derivative
    ``sum_j mass_j * p_k - mass_k``. Where p_k is nearly 1 that is, without what cancels,
    ``sum_{j != k} mass_j - sum_j mass_j * (1 - p_k)``; where p_k is small, that would cancel.
    """

    highest: Array  # max z; it and the next five have one number a row
    ties: Array  # how many classes are at the maximum
    rest: Array
    behind: Array  # sum_k mass_k * (z_t - z_k)
    whole: Array  # sum_k mass_k
    others: Array  # the same without the classes at the maximum
    at_top: Array  # which classes are
    powers: Array  # exp(z_k - z_t) of the others, 0 at the top

    def loss(self) -> Array:
        """Return the value, one number a row."""
        return self.behind + self.whole * backend_of(self.rest).namespace.log1p(self.rest)

    def slope(self, mass: Array, more: Array | float = 0.0) -> Array:
        """Return the derivative, and ``more * p_k`` to it."""
        xp = backend_of(mass).namespace
        share = (self.whole + more) / (1.0 + self.rest)
        of_one = self.others + more - share * self.rest
        of_top = xp.where((self.ties == 1.0) & (self.rest < 1.0), of_one, share - mass)
        return xp.where(self.at_top, of_top, share * self.powers - mass)


def mass_sums(axis: int, classes: int, logits: Array, mass: Array) -> MassSums:
    """Return the sums over the classes along an axis."""
    backend = backend_of(logits)
    highest = backend.namespace.max(logits, axis=axis, keepdims=True)
    terms = mass_terms(classes, logits, mass, highest)
    # in one go: what is summed is read once
    return terms.summed(*backend.sums(axis, terms.arrays))


class MassTerms(NamedTuple):
    """What is added up over the classes, ``arrays``, and what goes with it."""

    highest: Array
    at_top: Array
    factor: Array  # that the first of the arrays, the powers, lacks
    arrays: list[Array]

    def summed(
        self, below: Array, ties: Array, behind: Array, top: Array, others: Array
    ) -> MassSums:
        """Return the sums from those of the arrays."""
        rest = defined(below * self.factor + (ties - 1.0), self.highest)
        powers = self.arrays[0] * self.factor
        return MassSums(self.highest, ties, rest, behind, top + others, others, self.at_top, powers)


def mass_terms(classes: int, logits: Array, mass: Array, highest: Array) -> MassTerms:
    """Return what is added up, given the maximum of each row."""
    xp = backend_of(logits).namespace
    by, factor = shift_of(highest, classes)
    at_top, powers = _topped(logits, highest, by)
    counted = xp.where(at_top, xp.ones_like(logits), 0.0)
    distances = mass * distance(logits, highest)
    distances = xp.where(mass == 0.0, 0.0, distances)  # 0 * inf = 0
    of_top, of_others = xp.where(at_top, mass, 0.0), xp.where(at_top, 0.0, mass)
    return MassTerms(highest, at_top, factor, [powers, counted, distances, of_top, of_others])


def _topped(logits: Array, highest: Array, by: Array) -> tuple[Array, Array]:
    """Return which classes are at the maximum, and `shifted_exp` of the others, 0 for these.

    The exponentials say themselves where the maximum was, by a number that none of the others
    comes near to (see `shift_of`): what lies in memory of XLA is then all that the derivative
    reads, and the logits need not be read again.
    """
    xp = backend_of(logits).namespace
    most = xp.finfo(logits.dtype).max
    exponents = logits - xp.clip(by, max=most)  # an infinite logit above all is at the maximum
    powers = xp.exp(xp.where(logits == highest, float(int(math.log(most))), exponents))
    at_top = powers > most / 4
    return at_top, xp.where(at_top, 0.0, powers)
