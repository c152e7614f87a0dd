"""Distance from the truth in ulp: the only file that holds a tolerance."""

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import mpmath as mp
import numpy as np

from weightedce.validation.truth import Exact

PER_ELEMENT = 8  # ulp, value and gradient of every loss on every library
SECOND = 16  # ulp, second derivatives: two passes of autodiff round twice


class Format(NamedTuple):
    """What a floating-point format holds; NumPy alone knows no bfloat16."""

    digits: int  # binary digits of the significand
    smallest_normal: float
    largest: float


FORMATS = {
    "float64": Format(53, 2.0**-1022, float(np.finfo("float64").max)),
    "float32": Format(24, 2.0**-126, float(np.finfo("float32").max)),
    "bfloat16": Format(8, 2.0**-126, (2 - 2.0**-7) * 2.0**127),
}


def result_dtype(dtype: str, order: int) -> str:
    """Return the dtype of a derivative: that of the logits, but float32 for a bfloat16 loss."""
    return "float32" if dtype == "bfloat16" and order == 0 else dtype


def allowed(limit: Any, dtype: str, order: int) -> Any:
    """Return the limit in ulp of the result's own dtype.

    A derivative to bfloat16 logits is computed in float32 and rounded once: half an ulp, and
    what float32 was off by, which is 2**16 times smaller in ulp of bfloat16.
    """
    return 0.5 + limit * 2.0**-16 if dtype == "bfloat16" and order else limit


def share(found: Any, limit: Any, dtype: str, order: int) -> Any:
    """Return which share of the allowed error is used up; the last rounding to bfloat16 is none.

    Above 1 exactly where ``found`` is above ``limit``.
    """
    free = 0.5 if dtype == "bfloat16" and order else 0.0
    return np.maximum(found - free, 0.0) / (limit - free)


class Expected(NamedTuple):
    """Exact numbers as arrays: ``number + rest`` to 32 digits, and what to measure by."""

    number: np.ndarray
    rest: np.ndarray
    scale: np.ndarray
    mass: np.ndarray

    @classmethod
    def of(cls, exact: Iterable[Exact], shape: tuple[int, ...] = (-1,)) -> Self:
        """Lay exact numbers, flat, out as arrays of a shape."""
        rows = []
        for number, scale, mass in exact:
            high = float(number)
            rest = float(number - mp.mpf(high)) if mp.isfinite(number) and np.isfinite(high) else 0
            rows.append((high, rest, float(scale), float(mass)))
        columns = np.asarray(rows, dtype="float64").reshape(-1, 4).T
        return cls(*(column.reshape(shape) for column in columns))

    def at(self, index: Any) -> "Expected":
        """Return some of the elements."""
        return Expected(*(field[index] for field in self))


def distances(got: Any, expected: Expected, dtype: str) -> np.ndarray:
    """Return how many ulp of ``dtype`` each element of ``got`` is from the truth.

    Parameters
    ----------
    got : array of float
        Numbers that came out, of any shape.
    expected : Expected
        The exact numbers, of the same shape.
    dtype : {"float64", "float32", "bfloat16"}
        The format whose ulp is the unit.

    Returns
    -------
    ndarray of float64
        At least 0; infinite for a NaN or infinity that is not right, or is missing.

    Notes
    -----
    The ulp is that of the truth's scale, the sum of the absolute terms: terms that cancel leave
    an ulp of themselves. Processors and compilers flush numbers below the smallest normal one
    to zero, term by term and before a factor is applied: an error of some of these times the
    factor does not count. A right infinity or NaN is 0 ulp away.
    """
    limits = FORMATS[dtype]
    got = np.asarray(got, dtype="float64")
    number, rest, scale, mass = expected
    with np.errstate(invalid="ignore", over="ignore"):
        flushed = 16 * limits.smallest_normal * np.maximum(1.0, mass)
        error = np.maximum(np.abs((got - number) - rest) - flushed, 0.0)
        size = np.clip(scale, limits.smallest_normal, limits.largest)
        _, exponent = np.frexp(size)
        found = error / np.exp2(np.maximum(exponent - limits.digits, -1074).astype("float64"))
    infinite = np.isinf(got) | (np.abs(number) > limits.largest)
    right = np.isinf(got) & (np.sign(got) == np.sign(number)) & (np.abs(number) >= limits.largest)
    found = np.where(infinite, np.where(right, 0.0, np.inf), found)
    undefined = np.isnan(number)
    found = np.where(undefined | np.isnan(got), np.inf, found)
    return np.where(undefined & np.isnan(got), 0.0, found)


def ulps(got: float, truth: Exact, dtype: str) -> float:
    """Return how many ulp of ``dtype`` one number is from the truth: see `distances`."""
    return float(distances([got], Expected.of([truth]), dtype)[0])
