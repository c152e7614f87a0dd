"""Weighted cross-entropy and its family, under any array library."""

from weightedce.backends import namespace_of
from weightedce.losses import binary_cross_entropy, cross_entropy
from weightedce.reductions import LossTotal
from weightedce.weights import balanced, class_counts, sample_weights

__all__ = [
    "LossTotal",
    "balanced",
    "binary_cross_entropy",
    "class_counts",
    "cross_entropy",
    "namespace_of",
    "sample_weights",
]
__version__ = "0.1.0"
