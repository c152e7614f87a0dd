"""What goes through all logits of a small batch, on NumPy's arrays; a library has its own."""

import numpy as np

from weightedce.backends.handed import Array, Factors, Sloped

IN_ONE_PRODUCT = 64  # classes: the sum of a row as a product with ones, in the same digits


class Passes:
    """NumPy's, which take the least time for few logits."""

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


BY_NUMPY = Passes()
