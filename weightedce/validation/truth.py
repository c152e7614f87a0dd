"""From a textbook definition to exact values and derivatives. Imports nothing of weightedce.

Every loss is linear in the target: `binary_masses` and `class_masses` follow the formulas of
the documentation letter by letter, and `Truth` multiplies, adds up and differentiates.

With 600 digits the definitions need no trick: 1 + exp(-1000) is not 1. Derivatives are central
differences with a step of 1e-60. Infinite logits are replaced by +-1,000,000, from where on
nothing that a float64 can hold changes any more.
"""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import mpmath as mp

Number = Any  # float in, mpf out

DIGITS = 600
STEP = mp.mpf(10) ** -60
FAR = 1_000_000
REMEMBERED = 100_000  # targets with their weights, which many losses have in common


@lru_cache(REMEMBERED)
@mp.workdps(DIGITS)
def binary_masses(
    y: float,
    *,
    pos_weight: float = 1.0,
    neg_weight: float = 1.0,
    sample_weight: float = 1.0,
    label_smoothing: float = 0.0,
    smoothing_weight: str = "target",
    classes: int = 2,
) -> tuple[list[Number], Number]:
    """Return the factors of the two losses of a binary definition, and the effective weight.

    Of one class against the rest, ``classes`` in all, too: smoothing moves a target of 0 to e / K.
    """
    y, pos, neg, s, e = map(mp.mpf, (y, pos_weight, neg_weight, sample_weight, label_smoothing))
    rise = e / classes
    if smoothing_weight == "target":
        positive = y * pos * (1 - e + rise) + (1 - y) * neg * rise
        negative = y * pos * (e - rise) + (1 - y) * neg * (1 - rise)
    else:
        smooth = (1 - e) * y + rise
        positive, negative = smooth * pos, (1 - smooth) * neg
    return [s * positive, s * negative], s * (y * pos + (1 - y) * neg)


@lru_cache(REMEMBERED)
@mp.workdps(DIGITS)
def class_masses(
    q: Sequence[float],
    *,
    class_weight: Sequence[float],
    sample_weight: float = 1.0,
    label_smoothing: float | Sequence[float] = 0.0,
    smoothing_weight: str = "target",
) -> tuple[list[Number], Number]:
    """Return the factors of the K losses of a definition, and the effective weight."""
    q, w = [mp.mpf(x) for x in q], [mp.mpf(x) for x in class_weight]
    s, classes = mp.mpf(sample_weight), range(len(q))
    each = label_smoothing if isinstance(label_smoothing, Sequence) else None
    e = [mp.mpf(x) for x in ([label_smoothing] * len(q) if each is None else each)]
    weighted = [q[k] * w[k] for k in classes]

    def smoothed(shares: Sequence[Number], spread: Number) -> list[Number]:
        return [(1 - e[k]) * shares[k] + spread / len(q) for k in classes]

    def moved(shares: Sequence[Number]) -> Number:
        return mp.fsum(e[k] * shares[k] for k in classes)

    if smoothing_weight == "target":
        masses = smoothed(weighted, moved(weighted))
    else:  # one number for all makes e / K of a row that does not sum to 1 too, as torch does
        masses = [m * w[k] for k, m in enumerate(smoothed(q, e[0] if each is None else moved(q)))]
    return [s * mass for mass in masses], s * mp.fsum(weighted)


class Exact(NamedTuple):
    """An exact sum over the classes, and what a floating-point result may be measured by."""

    number: Number
    scale: Number  # the sum of the absolute terms: terms that cancel leave an ulp of them
    mass: Number  # the sum of the factors: a term too small for the dtype, times its factor


class Truth:
    """Value and derivatives of ``sum_k mass_k * definition(z)_k``, for one element or example."""

    def __init__(
        self, definition: Callable[[tuple[Number, ...]], Sequence[Number]], logits: Sequence[float]
    ) -> None:
        self.definition = definition
        self.infinite = [mp.isinf(z) for z in logits]
        self.undefined = any(mp.isnan(z) for z in logits) or (
            len(logits) > 1
            and (sum(z == mp.inf for z in logits) > 1 or all(z == -mp.inf for z in logits))
        )
        self.logits = tuple(
            mp.sign(z) * FAR if mp.isinf(z) else mp.mpf(0 if mp.isnan(z) else z) for z in logits
        )

    def value(self, masses: Sequence[Number]) -> Exact:
        """Return the loss."""
        return self._combine(masses, self._losses(()))

    def gradient(self, masses: Sequence[Number], i: int) -> Exact:
        """Return the derivative to logit i."""
        return self._combine(masses, self._losses((i,)))

    def hessian(self, masses: Sequence[Number], i: int, j: int) -> Exact:
        """Return the second derivative to logits i and j."""
        return self._combine(masses, self._losses((min(i, j), max(i, j))))

    def curvature(self, masses: Sequence[Number], i: int) -> Exact:
        """Return the second derivative to logit i.

        Where it crosses 0 no digit of it is left to hold: it is measured by the third, too, which
        says how far off the crossing is.
        """
        second = self._combine(masses, self._losses((i, i)))
        third = self._combine(masses, self._losses((i, i, i)))
        return second._replace(scale=max(second.scale, third.scale))

    def mass_gradient(self, k: int) -> Number:
        """Return the derivative to mass k: the loss of the pure target k."""
        return self._losses(())[k]

    def mass_gradients(self) -> Sequence[Number]:
        """Return the derivatives to all masses."""
        found: Sequence[Number] = self._losses(())
        return found

    def _combine(self, masses: Sequence[Number], losses: Sequence[Number]) -> Exact:
        if self.undefined:
            return Exact(mp.nan, mp.nan, mp.nan)
        with mp.workdps(DIGITS):
            terms = [m * loss for m, loss in zip(masses, losses, strict=True) if m != 0]
            return Exact(mp.fsum(terms), mp.fsum(map(abs, terms)), mp.fsum(map(abs, masses)))

    @cache  # noqa: B019 - lives as long as the few examples of a test
    @mp.workdps(DIGITS)
    def _losses(self, by: tuple[int, ...]) -> Sequence[Number]:
        """Return the pure losses, differentiated once to each logit named in ``by``."""
        losses = _difference(self._at, len(self.logits), by)
        if any(self.infinite):
            return [mp.inf if loss > FAR / 100 else loss for loss in losses]
        return losses

    @cache  # noqa: B019 - the quotients of one row share most of their points
    def _at(self, steps: tuple[int, ...]) -> Sequence[Number]:
        """Return the pure losses so many steps beside the logits."""
        return self.definition(tuple(z + n * STEP for z, n in zip(self.logits, steps, strict=True)))


def _difference(
    f: Callable[[tuple[int, ...]], Sequence[Number]], size: int, by: tuple[int, ...]
) -> Sequence[Number]:
    """Return the central difference quotient at 0 of a function of steps, for the axes ``by``."""
    terms = {(0,) * size: 1}
    for axis in by:
        moved: dict[tuple[int, ...], int] = {}
        for steps, factor in terms.items():
            for sign in (1, -1):
                point = (*steps[:axis], steps[axis] + sign, *steps[axis + 1 :])
                moved[point] = moved.get(point, 0) + sign * factor
        terms = moved
    columns = [[factor * loss for loss in f(steps)] for steps, factor in terms.items()]
    return [mp.fsum(column) / (2 * STEP) ** len(by) for column in zip(*columns, strict=True)]
