"""NumPy: what goes through all logits of a small batch."""

import numpy as np

from weightedce.backends.handed import Array, Factors, Sloped

IN_ONE_PRODUCT = 64  # classes: the sum of a row as a product with ones, in the same digits


class NumPyPasses:
    """In the fewest steps: see `handed.Passes`."""

    xp = np

    def exp(self, array: Array) -> Array:
        """Return the exponentials."""
        return np.exp(array)

    def added(self, rows: Array) -> Array:
        """Return the sum of each row."""
        classes = rows.shape[1]
        if classes <= IN_ONE_PRODUCT:
            return rows @ np.ones(classes, rows.dtype)
        return np.add.reduce(rows, 1)

    def scale(self, array: Array, factor: Array | float) -> None:
        """Multiply an array by a factor, in its place."""
        array *= factor

    def sloped(self, form: Sloped, batch: Factors, slope: bool) -> tuple[Array, Array | None]:
        """Return a form of a block and its slope."""
        return form(batch.logits, batch.positive, batch.negative, slope)


BY_NUMPY = NumPyPasses()
