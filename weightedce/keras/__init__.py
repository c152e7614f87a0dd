"""Keras 3: the losses as `keras.losses.Loss` objects, on its TensorFlow, JAX and PyTorch backends.

Classes that Keras has too take its arguments, in its order and meaning, and more by name. Each
hands its options to a function of the library: no formula is here. Importing this module registers
the classes under ``weightedce>NAME``, which is what loading a saved model needs.
"""

from weightedce.keras.binary import (
    AsymmetricLoss,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    ConfusionCrossentropy,
)
from weightedce.keras.costs import ExpectedCost
from weightedce.keras.counts import Dice, FBeta, RecallSpecificity, Tversky
from weightedce.keras.focal import (
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    PolyCrossentropy,
)
from weightedce.keras.imbalance import (
    BalancedSoftmaxCrossentropy,
    LDAMCrossentropy,
    LogitAdjustedCrossentropy,
    VectorScalingCrossentropy,
)
from weightedce.keras.softmax import CategoricalCrossentropy, SparseCategoricalCrossentropy

__all__ = [
    "AsymmetricLoss",
    "BalancedSoftmaxCrossentropy",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "ConfusionCrossentropy",
    "Dice",
    "ExpectedCost",
    "FBeta",
    "LDAMCrossentropy",
    "LogitAdjustedCrossentropy",
    "PolyCrossentropy",
    "RecallSpecificity",
    "SparseCategoricalCrossentropy",
    "Tversky",
    "VectorScalingCrossentropy",
]
