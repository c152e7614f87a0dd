"""NumPy: what goes through all logits of a small batch."""

import numpy as np

from weightedce.backends.handed import Array, Factors, Sloped
from weightedce.numerics.at_once import row_sums, scale
from weightedce.numerics.one_side import ONE_SIDED
from weightedce.numerics.stable import focal_with_slope, softplus_with_slope


class NumPyPasses:
    """In the fewest steps: see `handed.Passes`."""

    xp = np

    exp, log1p = np.exp, np.log1p

    def power(self, array: Array, exponent: float) -> Array:
        """Return the powers."""
        return array**exponent

    def added(self, rows: Array) -> Array:
        """Return the sum of each row."""
        return row_sums(np, rows)

    def scale(self, array: Array, factor: Array | float) -> None:
        """Multiply an array by a factor, in its place."""
        scale(array, factor)

    def sloped(
        self, form: Sloped, batch: Factors, slope: bool, calm: bool
    ) -> tuple[Array, Array | None]:
        """Return a form of a block and its slope."""
        own = ONE_SIDED.get(form.func) if calm and batch.hard else None
        if own is not None:
            return own(self, batch, slope, *form.args, **form.keywords)
        if batch.hard and form.func is softplus_with_slope:
            return _one_side(0.0, batch, slope)
        if batch.hard and form.func is focal_with_slope:
            return _one_side(form.args[0], batch, slope)
        return form(batch.logits, batch.positive, batch.negative, slope)


def _one_side(gamma: float, batch: Factors, slope: bool) -> tuple[Array, Array | None]:
    """Return `stable.focal` and its slope for targets that are 0 or 1, in half the steps.

    With u = z for y = 0 and -z for y = 1, q = sigmoid(u), and the one factor w that is not 0, it
    is ``w q^gamma softplus(u)``, with the slope ``+-w q^gamma (q + gamma (1 - q) softplus(u))``.
    """
    u = (1.0 - 2.0 * batch.targets) * batch.logits
    weight, signed = batch.positive + batch.negative, batch.negative - batch.positive
    fading = np.exp(-np.abs(u))
    softplus, whole = np.maximum(u, 0.0) + np.log1p(fading), 1.0 + fading
    q = np.maximum(fading, u > 0.0) / whole
    if gamma:
        power = q**gamma
        weight *= power  # before what follows: a power may be next to underflow
        signed *= power
        if slope:
            q += np.maximum(fading, u <= 0.0) / whole * softplus * gamma
    softplus *= weight
    return softplus, q * signed if slope else None


BY_NUMPY = NumPyPasses()
