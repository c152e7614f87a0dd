"""Compare the losses of the libraries, step by step."""

from typing import NamedTuple

import numpy as np

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}  # relative


class Difference(NamedTuple):
    """The step where two libraries are furthest apart, relative to the larger loss."""

    relative: float
    step: int
    lowest: str
    low: float
    highest: str
    high: float

    def __str__(self) -> str:
        """Name both libraries and show all their digits."""
        return (
            f"{self.relative:.1e} at step {self.step} "
            f"({self.lowest} {self.low!r}, {self.highest} {self.high!r})"
        )


def largest_difference(histories: dict[str, list[float]]) -> Difference:
    """Compare the losses of two or more libraries; there must be one number a step for each."""
    names, losses = list(histories), np.array(list(histories.values()))
    low, high = losses.min(axis=0), losses.max(axis=0)
    relative = np.abs(high - low) / np.abs(losses).max(axis=0)
    worst = int(relative.argmax())  # NaN counts as the largest
    first, second = losses[:, worst].argmin(), losses[:, worst].argmax()
    return Difference(
        float(relative[worst]),
        worst + 1,
        names[first],
        float(low[worst]),
        names[second],
        float(high[worst]),
    )
