"""Losses of labels and of distributions with their slopes, for small batches in NumPy's arrays.

What counts there is the number of steps, not of bytes: the exponentials are taken once, each row
is summed once, and one array is made, whose label's place is written to twice. Where that is not
exact, or out of range, None is returned.
"""

from functools import lru_cache
from math import isfinite, log
from typing import Any, NamedTuple

from weightedce.backends import Array, Namespace, backend_of
from weightedce.backends.handed import Passes
from weightedce.numerics import stable
from weightedce.numerics.remembered import by_content

# A row with a smaller sum of exponentials has terms that are underflows, where its probabilities
# are none, unless no logit is below LOW. Up to the largest sum, and from the least term of a label
# on, nothing is.
SMALLEST = 0.36
LOW = {"f": -80.0, "d": -700.0}  # by the character of the dtype
HIGH = {"f": 60.0, "d": 600.0}  # a logit whose exponential, times many classes, has fewer bits
BITS = {"f": 90, "d": 900}
MOST = {kind: log(2.0) * bits for kind, bits in BITS.items()}  # a logit that has no fewer
LARGE = 2.0**30  # a sum whose inverse may be multiplied with weights and is no underflow
CALM_LOW, CALM_HIGH = -40.0, 20.0  # of their odds none is an underflow, and no sum is LARGE
MODERATE = 2.0**40  # weights of which no product with all these is out of range
CLASSES = 64  # that a product adds up in the same digits
IN_ONE_PRODUCT = 2**9  # numbers that a product adds up in the same digits as by pairs
FAR = 40.0  # a loss of which the rounding of the logits is no more than its own


def extremes(array: Array) -> tuple[Any, Any]:
    """Return the least and the greatest element; NaN is found first."""
    return array.item(array.argmin()), array.item(array.argmax())


@by_content
def known_extremes(array: Array) -> tuple[Any, Any]:
    """Return the same of weights of classes."""
    return extremes(array)


def row_sums(xp: Namespace, rows: Array) -> Array:
    """Return the sum of each row by NumPy; of few classes as a product with ones: half the time."""
    classes = rows.shape[1]
    if classes > CLASSES:
        return xp.add.reduce(rows, 1)
    return rows.dot(ones(xp, classes, rows.dtype.char))


def scale(array: Array, factor: Any) -> None:
    """Multiply a contiguous array by a factor, in its place."""
    if getattr(factor, "ndim", 0) < 2:
        array *= factor
    else:  # one a row: of few classes in half the time of a loop over the rows
        flat = array.reshape(-1)
        flat *= factor.repeat(array.shape[1])


def added(xp: Namespace, array: Array) -> Any:
    """Return the sum; of a short vector as a product with ones, in the same digits as by pairs."""
    if array.ndim > 1 or array.size > IN_ONE_PRODUCT:
        return xp.add.reduce(array, axis=None)
    return array.dot(ones(xp, array.size, array.dtype.char))


@lru_cache(2 * CLASSES)
def ones(xp: Namespace, count: int, kind: str) -> Array:
    """Return ones, not to be written to."""
    return xp.ones(count, kind)


def is_calm(low: float, high: float, terms: int) -> bool:
    """Tell whether no exponential, nor a sum of so many, is next to under- or overflow.

    So that there is nothing to look at afterwards, and nothing that NumPy warns of.
    """
    return low >= CALM_LOW and high + log(terms) <= CALM_HIGH


class LabelOdds(NamedTuple):
    """``logsumexp(z) - z_y`` of rows with labels y, in the odds against the label."""

    loss: Array  # log(1 + odds)
    odds: Array  # (1 - p_y) / p_y; it may be inf where the loss is FAR
    own: Array  # the power of the label
    others: Array  # the sum of those of the other classes
    powers: Array  # (N, K): ``exp(z_k)``, and in the label's place minus the sum of the others
    whole: Array | None  # by what they are to be divided to be the derivative of the loss

    @property
    def rest(self) -> Array:
        """Return 1 - p_y."""
        return self.others / (self.own + self.others)


def label_odds(
    passes: Passes,
    logits: Array,
    place: Array,
    factor: Array | None,
    slope: bool,
    calm: bool,
    high: float,
) -> LabelOdds | None:
    """Return the loss of each row of (N, K) logits, and what its derivative is made of.

    ``place`` is that of each label's logit, counted through all rows. With a ``factor`` for each
    class, by which its exponential is multiplied; ``calm``: `is_calm`. ``high`` is the largest
    logit, as far as it is known.
    """
    if factor is None and high > MOST[logits.dtype.char]:
        return _shifted(passes, logits, place)
    powers = passes.exp(logits)
    if factor is not None:
        passes.scale(powers, factor)
    flat = powers.ravel()
    own = flat[place]
    flat[place] = 0.0
    others = passes.added(powers)
    odds = others / own
    whole: Any = None
    if slope or not calm:
        whole = own + others
        flat[place] = -others
    if not calm:
        low, high = extremes(whole)
        most = 2.0 ** BITS[logits.dtype.char]
        fits = high <= most and own.item(own.argmin()) * most >= 1.0
        if not (fits and (low >= SMALLEST or _normal(logits, factor))):
            return _shifted(passes, logits, place) if factor is None else None
    return LabelOdds(passes.log1p(odds), odds, own, others, powers, whole)


def starts(xp: Namespace, count: int, classes: int) -> Array:
    """Return where rows start, not to be written to."""
    return xp.arange(0, count * classes, classes)


def _normal(logits: Array, factor: Array | None = None) -> bool:
    """Tell whether no exponential, times its factor, is next to underflow."""
    lowest = float(logits.item(logits.argmin()))
    if factor is not None:
        lowest += log(factor.min())
    return lowest >= LOW[logits.dtype.char]


def _shifted(passes: Passes, logits: Array, place: Array) -> LabelOdds | None:
    """Return the same where the exponentials are too large or too small, as `softmax.Shift` has it.

    For labels that have next to no share the loss is the distance to the highest logit, and more.
    """
    xp = passes.xp
    highest = xp.maximum.reduce(logits, 1)
    if not all(map(isfinite, extremes(highest))):
        return None
    by = xp.floor(highest - xp.minimum(xp.maximum(highest, 0.0), HIGH[logits.dtype.char]))
    powers = passes.exp(logits - by[:, None])
    flat = powers.reshape(-1)
    own = flat.take(place)
    flat[place] = 0.0
    others = passes.added(powers)
    flat[place] = -others
    whole = own + others
    odds = others / own
    loss = xp.log1p(odds)
    far = loss > FAR
    loss[far] = (xp.log(whole) + (by - logits.reshape(-1)[place]))[far]
    return LabelOdds(loss, odds, own, others, powers, whole)


@by_content
def factor_of(shares: Array, tau: float = 1.0) -> Array:
    """Return the factor of `softmax.prior_of`."""
    most = shares.max()
    shares = shares / most if most > 0.0 else shares
    return shares if tau == 1.0 else stable.power(shares, tau)


def focused_odds(gamma: float, found: LabelOdds, *_: Any) -> tuple[Array, Array]:
    """Return `stable.focused` of the loss, ``(1-p)^gamma (-log p)``, and its derivative to it."""
    power = found.rest**gamma
    # (1-p)^gamma + gamma (1-p)^(gamma-1) p (-log p), without a power that is infinite at p = 1
    ratio = found.loss / found.odds
    ratio[found.odds == 0.0] = 1.0
    return power * found.loss, power * (1.0 + gamma * ratio)


def poly_odds(epsilon: float, found: LabelOdds, *_: Any) -> tuple[Array, Array]:
    """Return ``-log p + epsilon (1 - p)`` and its derivative to -log p."""
    return found.loss + epsilon * found.rest, (1.0 + epsilon) - epsilon * found.rest


def behind_odds(margin: Array, found: LabelOdds) -> tuple[Array, Array]:
    """Return ``log(1 + odds e^margin)`` and its derivative to log(1 + odds)."""
    xp, far = backend_of(margin).namespace, found.loss > FAR
    value = xp.log1p(found.odds * xp.exp(margin))
    rate = (1.0 + found.odds) / (xp.exp(-margin) + found.odds)
    value[far], rate[far] = (found.loss + margin)[far], 1.0
    return value, rate


def mass_sums(
    passes: Passes, logits: Array, mass: Array, slope: bool, calm: bool
) -> tuple[Array, Array | None] | None:
    """Return ``sum_k mass_k * (logsumexp(z) - z_k)`` of each row, and its derivative if wanted.

    As `mass.MassSums`, of which one maximum of each row is taken by its place.
    """
    xp, powers = passes.xp, passes.exp(logits)
    flat, place = powers.reshape(-1), starts(passes.xp, *logits.shape) + logits.argmax(1)
    most, high = flat.take(place), 1.0
    if not calm:
        low, high = extremes(most)
        if not (high <= 2.0 ** BITS[logits.dtype.char] and (low >= SMALLEST or _normal(logits))):
            return None
    flat[place] = 0.0
    rest = passes.added(powers)
    rest /= most
    distances = logits.reshape(-1).take(place)[:, None] - logits
    distances *= mass
    at_top = mass.reshape(-1).take(place)
    others = mass.copy()
    others.reshape(-1)[place] = 0.0
    of_others = passes.added(others)
    whole = of_others + at_top
    loss = passes.added(distances)
    loss += whole * xp.log1p(rest)
    if not slope:
        return loss, None
    share = whole / (1.0 + rest)
    if high > LARGE:  # not at once: their quotient may be an underflow
        passes.scale(powers, (1.0 / most)[:, None])
        most = 1.0
    passes.scale(powers, (share / most)[:, None])
    powers -= mass
    flat[place] = xp.where(rest < 1.0, of_others - share * rest, share - at_top)
    return loss, powers
