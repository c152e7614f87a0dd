"""One public loss, or one small family, a file: its docstring and its mathematics."""

from weightedce.losses.binary_cross_entropy import binary_cross_entropy
from weightedce.losses.cross_entropy import cross_entropy

__all__ = ["binary_cross_entropy", "cross_entropy"]
