"""Scalar options: numbers in a range, words out of a list. One style of error, as in arguments."""

from collections.abc import Collection, Sequence
from math import inf
from numbers import Integral, Real
from typing import Any, Literal, get_args

from weightedce.backends import backend_of

ReductionName = Literal["mean", "sum", "none", "weighted_mean", "total"]
Link = Literal["sigmoid", "softmax"]  # from logits to probabilities
LabelReduction = Literal["mean", "sum", "none"]
ProblemReduction = Literal["mean", "weighted_mean", "sum", "none", "pooled"]  # over classes, labels
Absent = Literal["skip", "count"]  # what becomes of a class without targets
SmoothingWeight = Literal["target", "class"]
TargetRange = Literal["unit", "any"]
IgnoreIndex = float | Collection[float] | None  # of a label, or several
LabelSmoothing = float | Sequence[float]  # of all labels, or of each class
Background = int | Collection[int] | None  # classes without a loss of their own
Normalize = Literal["samples", "classes"]
Assignment = Literal["hard", "soft"]
ScaleBy = Literal["class", "label"]
Devices = object | None  # what a library calls several by
Errors = Literal["hinge", "probability"]


def choice(name: str, value: str, options: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``options``."""
    if value not in options:
        raise ValueError(f"{name}: expected one of {', '.join(options)}, got {value!r}")
    return value


def whole(name: str, value: Any) -> int:
    """Return ``value`` if it is an integer that an int32 holds."""
    if type(value) is not int:
        value = python_number(name, value)
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError(
                f"{name}: expected an integer, got {type(value).__qualname__}: {value!r}"
            )
    if not -(2**31) <= int(value) < 2**31:
        raise ValueError(f"{name}: expected an integer of 32 bits, got {value!r}")
    return int(value)


def number(name: str, value: Any, low: float = -inf, high: float = inf) -> float:
    """Return ``value`` if it is a finite number in [low, high]."""
    if type(value) is not float:
        value = python_number(name, value)
        if isinstance(value, bool) or not isinstance(value, Real):
            raise TypeError(f"{name}: expected a number, got {type(value).__qualname__}: {value!r}")
    try:
        found = float(value)
    except OverflowError:  # an integer beyond all floats
        found = inf
    if not low <= found <= high or abs(found) == inf:
        within = f"{low} <= {name} <= {high}" if (low, high) != (-inf, inf) else "a finite number"
        raise ValueError(f"{name}: expected {within}, got {value!r}")
    return found


def python_number(name: str, value: Any) -> Any:
    """Return a 0-d array as a Python number, if it can be read; anything else as it is."""
    if isinstance(value, Real) or getattr(value, "shape", None) != ():
        return value
    found = known(value)
    if found is None:
        raise TypeError(
            f"{name}: expected a Python number, since the formula depends on it, got one that is "
            f"traced, differentiated or on another device: under jax.jit name it in "
            f"static_argnames=[{name!r}], or bind it with functools.partial"
        )
    return found


def known(value: Any) -> Any:
    """Return a 0-d array as a Python number, or None if it cannot be read as a constant."""
    found = backend_of(value).to_host(value)
    return None if found is None else found.item()


def target_range(value: str) -> str:
    """Return what targets may be, if it is valid."""
    return choice("target_range", value, get_args(TargetRange))


def smoothing_policy(value: str) -> str:
    """Return what smooths which, if it is valid."""
    return choice("smoothing_weight", value, get_args(SmoothingWeight))
