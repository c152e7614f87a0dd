"""Exact values and derivatives of losses on the soft counts of classes, each against the rest.

Imports nothing of weightedce but `truth`, and what differentiates a definition of counts.
"""

from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp

from weightedce.validation.counts_truth import COUNTS, SIGNS, Partials
from weightedce.validation.truth import DIGITS, FAR, Exact

Number = Any  # float in, mpf out


class ClassCountsTruth:
    """Value and derivatives of the sum over k of ``definition(tp_k, fn_k, fp_k, tn_k)``.

    Each example has K logits, and for each class two masses: of its positive and negative share.
    ``skip``: a class without positive mass has neither loss nor derivative.
    """

    def __init__(
        self,
        definition: Callable[[Number, Number, Number, Number], Number],
        logits: Sequence[Sequence[float]],
        masses: Sequence[Sequence[Sequence[Number]]],
        classes: int,
        *,
        skip: bool,
    ) -> None:
        self.masses, self.classes = masses, range(classes)
        with mp.workdps(DIGITS):
            self.p = [_softmax(row) for row in logits]
            self.rest = [[mp.fsum(p[:k] + p[k + 1 :]) for k in self.classes] for p in self.p]
            self.of_counts = []
            for k in self.classes:
                counts = [
                    mp.fsum(m[k][side] * p[k] for m, p in zip(masses, shares, strict=True))
                    for side, shares in ((0, self.p), (0, self.rest), (1, self.p), (1, self.rest))
                ]
                present = [any(mass[k][side] for mass in masses) for side in (0, 1)]
                used = _nothing if skip and not present[0] else definition
                self.of_counts.append(Partials(used, counts, present))
            self.partials = [[of.partial(c) for c in COUNTS] for of in self.of_counts]
            self.largest = [of.largest() for of in self.of_counts]
            self.sizes = [mp.fsum(abs(x) for mass in masses for x in mass[k]) for k in self.classes]

    @mp.workdps(DIGITS)
    def value(self) -> list[Exact]:
        """Return the loss of each class."""
        losses = [of.partial() for of in self.of_counts]
        return [Exact(x, abs(x), size) for x, size in zip(losses, self.sizes, strict=True)]

    @mp.workdps(DIGITS)
    def gradient(self) -> list[Exact]:
        """Return the derivative to each logit."""
        mass = mp.fsum(s * max(x, 1) for s, x in zip(self.sizes, self.largest, strict=True))
        found = []
        for n in range(len(self.masses)):
            for j in self.classes:
                slopes = [self._slope(n, k, j) for k in self.classes]
                terms = [
                    self.partials[k][c] * move
                    for k in self.classes
                    for c, move in enumerate(self._along(n, k, slopes[k]))
                ]
                scale = mp.fsum(
                    self.largest[k] * self._reach(n, k, slopes[k]) for k in self.classes
                )
                found.append(Exact(mp.fsum(terms), scale, mass))
        return found

    @mp.workdps(DIGITS)
    def hessian_column(self, j: int) -> list[Exact]:
        """Return the derivative to each logit of the sum of those to the logits of class j."""
        numbers = range(len(self.masses))
        second = [[[of.partial(c, d) for d in COUNTS] for c in COUNTS] for of in self.of_counts]
        steepest = [
            max(largest**2, *(abs(x) for row in matrix for x in row))
            for largest, matrix in zip(self.largest, second, strict=True)
        ]
        columns = [[self._along(n, k, self._slope(n, k, j)) for n in numbers] for k in self.classes]
        totals = [[mp.fsum(moves[c] for moves in column) for c in COUNTS] for column in columns]
        sizes = [mp.fsum(abs(x) for moves in column for x in moves) for column in columns]
        found = []
        for n in numbers:
            for i in self.classes:
                number = scale = mass = mp.mpf(0)
                for k in self.classes:
                    slope, (bend, bound) = self._slope(n, k, i), self._bend(n, k, i, j)
                    along, bent = self._along(n, k, slope), self._along(n, k, bend)
                    number += mp.fsum(self.partials[k][c] * bent[c] for c in COUNTS)
                    number += mp.fsum(
                        second[k][c][d] * along[c] * totals[k][d] for c in COUNTS for d in COUNTS
                    )
                    scale += self.largest[k] * self._reach(n, k, bound)
                    scale += steepest[k] * sizes[k] * self._reach(n, k, slope)
                    mass += self.sizes[k] * max(self.largest[k], steepest[k] * sizes[k], 1)
                found.append(Exact(number, scale, mass))
        return found

    def _slope(self, n: int, k: int, j: int) -> Number:
        """Return the derivative of p_k to logit j."""
        p = self.p[n]
        return p[k] * self.rest[n][k] if j == k else -p[k] * p[j]

    def _bend(self, n: int, k: int, i: int, j: int) -> tuple[Number, Number]:
        """Return the second derivative of p_k to logits i and j, and what its terms come to."""
        p = self.p[n]

        def above(a: int, b: int) -> Number:
            return self.rest[n][b] if a == b else -p[b]

        first, second = p[k] * above(k, i) * above(k, j), p[k] * p[i] * above(i, j)
        return first - second, abs(first) + abs(second)

    def _along(self, n: int, k: int, factor: Number) -> list[Number]:
        """Return how the four counts of class k move with p_k of one example."""
        return [SIGNS[c] * self.masses[n][k][c // 2] * factor for c in COUNTS]

    def _reach(self, n: int, k: int, factor: Number) -> Number:
        return mp.fsum(map(abs, self._along(n, k, factor)))


def _softmax(row: Sequence[float]) -> list[Number]:
    z = [mp.sign(x) * FAR if mp.isinf(x) else mp.mpf(x) for x in row]
    exponentials = [mp.exp(x) for x in z]
    total = mp.fsum(exponentials)
    return [x / total for x in exponentials]


def _nothing(*_: Number) -> Number:
    return mp.mpf(0)
