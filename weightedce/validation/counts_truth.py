"""From a definition on soft confusion counts to exact values and derivatives of a whole batch.

The counts are sums over the elements, so the derivatives follow from those of p = sigmoid(z)
and of the definition, by the chain rule. Imports nothing of weightedce but `truth`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp

from weightedce.validation.truth import DIGITS, FAR, STEP, Exact

Number = Any  # float in, mpf out
COUNTS = range(4)  # tp, fn, fp, tn


SIGNS = (1, -1, 1, -1)  # of p in each count


class Partials:
    """A definition of counts, and its derivatives to them.

    ``present``: whether the positive and the negative side have any mass.
    """

    def __init__(
        self,
        definition: Callable[[Number, Number, Number, Number], Number],
        counts: Sequence[Number],
        present: Sequence[bool],
    ) -> None:
        self.definition, self.counts, self.present = definition, list(counts), present

    def largest(self) -> Number:
        """Return the largest derivative to any count."""
        return max(abs(self._difference(k)) for k in COUNTS)

    def partial(self, *by: int) -> Number:
        """Return the definition, differentiated to the counts named in ``by``.

        Counts of a side that has no mass stay 0: there a definition has another formula.
        """
        present = all(self.present[k // 2] for k in by)
        return self._difference(*by) if present else mp.mpf(0)

    def _difference(self, *by: int) -> Number:
        """Return the central difference quotient."""
        if by and not any(self.counts):
            return mp.mpf(0)
        step = STEP * max(self.counts) if self.counts else STEP

        def differ(point: list[Number], axes: tuple[int, ...]) -> Number:
            if not axes:
                return self.definition(*point)
            k, *others = axes
            up, down = list(point), list(point)
            up[k], down[k] = up[k] + step, down[k] - step
            return (differ(up, tuple(others)) - differ(down, tuple(others))) / (2 * step)

        return differ(list(self.counts), by)


class CountsTruth:
    """Value and derivatives of ``definition(tp, fn, fp, tn)`` over the elements of one problem.

    Each element has a logit and two masses: that of its positive and of its negative share.
    """

    def __init__(
        self,
        definition: Callable[[Number, Number, Number, Number], Number],
        logits: Sequence[float],
        masses: Sequence[Sequence[Number]],
    ) -> None:
        self.masses = masses
        with mp.workdps(DIGITS):
            z = [mp.sign(x) * FAR if mp.isinf(x) else mp.mpf(x) for x in logits]
            p, rest = [_sigmoid(x) for x in z], [_sigmoid(-x) for x in z]
            self.slopes = [a * b for a, b in zip(p, rest, strict=True)]
            self.bends = [s * (b - a) for s, a, b in zip(self.slopes, p, rest, strict=True)]
            counts = [
                mp.fsum(mass[side] * share for mass, share in zip(masses, shares, strict=True))
                for side, shares in ((0, p), (0, rest), (1, p), (1, rest))
            ]
        present = [any(mass[side] for mass in masses) for side in (0, 1)]
        self.of_counts = Partials(definition, counts, present)

    @mp.workdps(DIGITS)
    def value(self) -> list[Exact]:
        """Return the loss."""
        loss = self.of_counts.partial()
        return [Exact(loss, abs(loss), self._mass())]

    @mp.workdps(DIGITS)
    def gradient(self) -> list[Exact]:
        """Return the derivative to each logit.

        Autodiff forms quotients of single counts, which may cancel, to 0 where one side has no
        mass: the largest partial derivative to any count is the scale of them all.
        """
        partials = [self.of_counts.partial(k) for k in COUNTS]
        largest = self.of_counts.largest()
        found = []
        for mass, slope in zip(self.masses, self.slopes, strict=True):
            along = self._along(mass, slope)
            number = mp.fsum(a * b for a, b in zip(partials, along, strict=True))
            scale = largest * mp.fsum(map(abs, along))
            found.append(Exact(number, scale, self._mass() * max(largest, 1)))
        return found

    @mp.workdps(DIGITS)
    def hessian_sum(self) -> list[Exact]:
        """Return the derivative to each logit of the sum of the gradient."""
        partials = [self.of_counts.partial(k) for k in COUNTS]
        second = [[self.of_counts.partial(k, m) for m in COUNTS] for k in COUNTS]
        largest = self.of_counts.largest()
        steepest = max(largest**2, *(abs(x) for row in second for x in row))
        pairs = list(zip(self.masses, self.slopes, strict=True))
        columns = [self._along(mass, slope) for mass, slope in pairs]
        total = [mp.fsum(column) for column in zip(*columns, strict=True)]
        size = mp.fsum(abs(x) for column in columns for x in column)
        found = []
        for (mass, slope), bend, along in zip(pairs, self.bends, columns, strict=True):
            number = mp.fsum(a * b for a, b in zip(partials, self._along(mass, bend), strict=True))
            number += mp.fsum(second[k][m] * along[k] * total[m] for k in COUNTS for m in COUNTS)
            reach = mp.fsum(map(abs, self._along(mass, slope)))
            scale = (largest + steepest * size) * reach
            found.append(Exact(number, scale, self._mass() * max(largest, steepest * size, 1)))
        return found

    def _along(self, mass: Sequence[Number], factor: Number) -> list[Number]:
        """Return how the four counts move with one logit."""
        return [SIGNS[k] * mass[k // 2] * factor for k in COUNTS]

    def _mass(self) -> Number:
        return mp.fsum(abs(m) for mass in self.masses for m in mass)


def _sigmoid(z: Number) -> Number:
    return 1 / (1 + mp.exp(-z))
