"""The Lovász extension of the Jaccard loss: what an error weighs by its place among all errors.

With the errors in falling order, the loss is the sum of each error times what it adds to
``J = (F + B) / (P + B)``: P is the mass of all positives, F that of the positives and B that of the
negatives up to there. A positive of mass a adds ``a / (P + B)``, a negative of mass b
``b (P - F) / ((P + B) (P + B + b))``: nothing cancels. Of errors that are alike the positives come
first, and the negatives share what they add together; so the order of the elements is of no
account.
"""

from typing import NamedTuple

from weightedce.backends import Array, backend_of


class Slopes(NamedTuple):
    """What an error of mass 1 weighs in the loss."""

    of_positives: Array
    of_negatives: Array


def jaccard_slopes(key: Array, positive: Array, negative: Array) -> Slopes:
    """Return what errors weigh, for elements along one axis; both are constants of the logits.

    The error of a positive grows with ``-key``, that of a negative with ``key``; each element has
    a mass of both. Without positives the largest error is the loss.
    """
    backend = backend_of(key)
    xp, falling = backend.namespace, -backend.detach(key)
    key = -falling  # side by side in memory, as torch.searchsorted wants it
    total = backend.sum(positive)
    before = _Sums(falling, negative)  # the negatives in the order of their errors
    behind = _Sums(falling, positive)  # the positives in the opposite one
    of_positives = backend.ratio(xp.ones_like(key), total + before.below(key))
    above, with_ties = before.below(falling), before.up_to(falling)
    left = behind.below(key)  # P - F, and so the sum of the others
    first = xp.where(above == 0.0, xp.ones_like(key), 0.0)
    whole = xp.where(total == 0.0, first, left / xp.where(total == 0.0, 1.0, total + above))
    of_negatives = backend.ratio(whole, total + with_ties)
    known = key == key  # NaN has no place among the errors
    return Slopes(*(xp.where(known, slope, key) for slope in (of_positives, of_negatives)))


class _Sums:
    """Masses in the rising order of their keys, added up."""

    def __init__(self, key: Array, mass: Array) -> None:
        backend = backend_of(key)
        self.xp = xp = backend.namespace
        order = xp.argsort(key)
        self.key = xp.take(key, order, axis=0)
        self.sums = backend.cumulative_sum(xp.take(mass, order, axis=0))

    def below(self, key: Array) -> Array:
        """Return the mass of what has a smaller key."""
        return self._before(self.xp.searchsorted(self.key, key, side="left"))

    def up_to(self, key: Array) -> Array:
        """Return the mass of what has no larger key."""
        return self._before(self.xp.searchsorted(self.key, key, side="right"))

    def _before(self, place: Array) -> Array:
        """Return the sum of the first ones."""
        xp = self.xp
        last = xp.take(self.sums, xp.where(place > 0, place - 1, 0), axis=0)
        return xp.where(place > 0, last, 0.0)
