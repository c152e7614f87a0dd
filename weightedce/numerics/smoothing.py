"""What may be a target, and the factors of a binary loss that is smoothed: in arithmetic alone."""

from weightedce.backends.handed import Array

# Soft targets may leave [0, 1] by what rounding in bfloat16 does to a mixture (2**-8), no more.
ROUNDING_SLACK = 0.01


def smoothed_mass(
    positive: Array, negative: Array, smoothing: Array | float
) -> tuple[Array, Array]:
    """Return the factors of both sides, weighted first, and smoothed then."""
    kept, half = 1.0 - smoothing / 2, smoothing / 2
    return kept * positive + half * negative, kept * negative + half * positive


def smoothed_targets(
    target: Array, rest: Array, pos: Array | float, neg: Array | float, smoothing: Array | float
) -> tuple[Array, Array]:
    """Return the same, of targets y and 1 - y smoothed first, and weighted then."""
    kept, half = 1.0 - smoothing, smoothing / 2
    return (kept * target + half) * pos, (kept * rest + half) * neg
