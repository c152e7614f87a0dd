"""Losses whose weights are found, not given: a rate is asked for, and a multiplier learns it."""

from weightedce.constraints.binary import constrained_binary_cross_entropy
from weightedce.constraints.classes import constrained_cross_entropy

__all__ = ["constrained_binary_cross_entropy", "constrained_cross_entropy"]
