"""Keras 3: the losses as `keras.losses.Loss` objects, on its TensorFlow, JAX and PyTorch backends.

Classes that Keras has too take its arguments, in its order and meaning, and more by name. Each
hands its options to a function of the library: no formula is here. Importing this module registers
the classes under ``weightedce>NAME``, which is what loading a saved model needs. Losses that say
nothing of their own have a class all the same, named after the function.
"""

from weightedce.backends.missing import needed_by

with needed_by("weightedce.keras, on the backend that Keras is set to,"):
    import keras

from weightedce.keras.binary import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    ConfusionCrossentropy,
)
from weightedce.keras.classes import (
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    SparseCategoricalCrossentropy,
    VectorScalingCrossentropy,
)
from weightedce.keras.constrained import ConstrainedBinaryCrossentropy, ConstrainedCrossentropy
from weightedce.keras.costs import ExpectedCost
from weightedce.keras.counts import Dice, RecallSpecificity, Tversky
from weightedce.keras.families import family, named
from weightedce.objects.family import with_the_rest

_classes = with_the_rest(
    [
        BinaryCrossentropy,
        BinaryFocalCrossentropy,
        CategoricalCrossentropy,
        CategoricalFocalCrossentropy,
        CategoricalGeneralizedCrossEntropy,
        ConfusionCrossentropy,
        ConstrainedBinaryCrossentropy,
        ConstrainedCrossentropy,
        Dice,
        ExpectedCost,
        RecallSpecificity,
        SparseCategoricalCrossentropy,
        Tversky,
        VectorScalingCrossentropy,
    ],
    module=__name__,
    family=family,
    named=named,
)
globals().update(_classes)  # type checkers read them in __init__.pyi
for _class in _classes.values():
    keras.saving.register_keras_serializable(package="weightedce")(_class)
__all__ = list(_classes)
