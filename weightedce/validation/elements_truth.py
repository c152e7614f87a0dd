"""From a definition on all elements of a batch to exact values and derivatives.

For losses in which each element counts by its place among all others. Imports nothing of
weightedce but `truth`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp

from weightedce.validation.truth import DIGITS, STEP, Exact

Number = Any  # float in, mpf out
FAR = mp.mpf(10) ** 30  # an infinite logit: no sum of finite ones comes near to it
INFINITE = mp.mpf(10) ** 15


class ElementsTruth:
    """Value and derivatives of ``definition(elements)`` over the elements of one problem.

    Each element has a logit, the logit at which the definition is differentiated, which places it,
    and two masses: that of its positive and of its negative share. The definition gives two
    numbers to be added, one of each side.
    """

    def __init__(
        self,
        definition: Callable[[list[tuple[Number, ...]]], tuple[Number, Number]],
        logits: Sequence[float],
        masses: Sequence[Sequence[Number]],
    ) -> None:
        self.definition, self.masses = definition, masses
        self.logits = [mp.sign(x) * FAR if mp.isinf(x) else mp.mpf(x) for x in logits]

    def value(self) -> list[Exact]:
        """Return the loss."""
        with mp.workdps(DIGITS):
            found = self._exact(self._at({}))
            return [found._replace(number=mp.inf) if found.number > INFINITE else found]

    def gradient(self) -> list[Exact]:
        """Return the derivative to each logit."""
        with mp.workdps(DIGITS):
            return [self._exact(self._slope(i)) for i in range(len(self.logits))]

    def hessian_sum(self) -> list[Exact]:
        """Return the derivative to each logit of the sum of the gradient.

        The places are held, so an element's slope moves with its own logit alone. Where it
        crosses 0 it is measured by the third derivative, too: see `Truth.curvature`.
        """
        with mp.workdps(DIGITS):
            found = []
            for i in range(len(self.logits)):
                points = [self._at({i: n * STEP}) for n in (2, 1, 0, -1, -2)]
                terms = list(zip(*points, strict=True))
                second = self._exact([(b - 2 * c + d) / STEP**2 for _, b, c, d, _ in terms])
                third = [(a - 2 * b + 2 * d - e) / (2 * STEP**3) for a, b, _, d, e in terms]
                scale = max(second.scale, self._exact(third).scale)
                found.append(second._replace(scale=scale))
            return found

    def _slope(self, i: int) -> list[Number]:
        up, down = self._at({i: STEP}), self._at({i: -STEP})
        return [(a - b) / (2 * STEP) for a, b in zip(up, down, strict=True)]

    def _at(self, steps: dict[int, Number]) -> tuple[Number, Number]:
        """Return the two numbers, with some logits moved."""
        return self.definition(
            [
                (z + steps.get(i, 0), z, *mass)
                for i, (z, mass) in enumerate(zip(self.logits, self.masses, strict=True))
            ]
        )

    def _exact(self, terms: Sequence[Number]) -> Exact:
        size = mp.fsum(abs(m) for mass in self.masses for m in mass)
        return Exact(mp.fsum(terms), mp.fsum(map(abs, terms)), size)
