"""Where the classes that nobody wrote belong, and what they are called."""

import inspect
from collections.abc import Callable
from typing import Any

from weightedce.keras.batches import PlacesLoss
from weightedce.keras.elements import BinaryLoss
from weightedce.keras.examples import SoftmaxLoss
from weightedce.keras.loss import WeightedLoss
from weightedce.keras.soft_counts import CountsLoss
from weightedce.objects.family import camel_case

NAMES = {"asymmetric_loss": "AsymmetricLoss"}


def family(function: Callable[..., Any]) -> type[WeightedLoss]:
    """Return what the class of a function inherits."""
    options = inspect.signature(function).parameters
    if "link" in options:
        return CountsLoss
    if "class_weight" in options:
        return SoftmaxLoss
    return PlacesLoss if options["axis"].default is None else BinaryLoss


def named(function: str) -> str:
    """Return the name of a loss as Keras would write it."""
    short = function.removesuffix("_loss").replace("cross_entropy", "crossentropy")
    return NAMES.get(function, camel_case(short))
