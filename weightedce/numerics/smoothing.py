"""What may be a target, and the factors of a binary loss that is smoothed: in arithmetic alone.

Of targets y, 0 becomes ``rise`` and 1 becomes 1 - ``fall``: both are e/2 of one yes/no question;
e/K and e - e/K of one class out of K.
"""

from weightedce.backends.handed import Array

# Soft targets may leave [0, 1] by what rounding in bfloat16 does to a mixture (2**-8), no more.
ROUNDING_SLACK = 0.01


def smoothed_mass(
    positive: Array, negative: Array, rise: Array | float, fall: Array | float
) -> tuple[Array, Array]:
    """Return the factors of both sides, weighted first, and smoothed then."""
    return (1.0 - fall) * positive + rise * negative, (1.0 - rise) * negative + fall * positive


def smoothed_targets(
    target: Array,
    rest: Array,
    pos: Array | float,
    neg: Array | float,
    rise: Array | float,
    fall: Array | float,
) -> tuple[Array, Array]:
    """Return the same, of targets y and 1 - y smoothed first, and weighted then."""
    kept = 1.0 - (rise + fall)
    return (kept * target + rise) * pos, (kept * rest + fall) * neg
