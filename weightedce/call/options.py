"""Scalar options: numbers in a range, words out of a list. One style of error, as in arguments."""

from collections.abc import Sequence
from math import inf
from numbers import Integral, Real
from typing import Any, Literal, get_args

ReductionName = Literal["mean", "sum", "none", "weighted_mean", "total"]
LabelReduction = Literal["mean", "sum", "none"]  # over the labels
SmoothingWeight = Literal["target", "class"]
TargetRange = Literal["unit", "any"]
Normalize = Literal["samples", "classes"]
Assignment = Literal["hard", "soft"]
ScaleBy = Literal["class", "label"]


def choice(name: str, value: str, options: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``options``."""
    if value not in options:
        raise ValueError(f"{name}: expected one of {', '.join(options)}, got {value!r}")
    return value


def whole(name: str, value: Any) -> int:
    """Return ``value`` if it is an integer that an int32 holds."""
    if type(value) is not int and (isinstance(value, bool) or not isinstance(value, Integral)):
        raise TypeError(f"{name}: expected an integer, got {type(value).__qualname__}: {value!r}")
    if not -(2**31) <= int(value) < 2**31:
        raise ValueError(f"{name}: expected an integer of 32 bits, got {value!r}")
    return int(value)


def ignored(ignore_index: Any, *, integer: bool) -> Any:
    """Return ``ignore_index`` if it is None, a number or, for labels, an integer."""
    if ignore_index is None:
        return None
    if integer:
        return whole("ignore_index", ignore_index)
    return number("ignore_index", ignore_index)


def number(name: str, value: Any, low: float = -inf, high: float = inf) -> float:
    """Return ``value`` if it is a finite number in [low, high]."""
    if type(value) is not float and (isinstance(value, bool) or not isinstance(value, Real)):
        raise TypeError(f"{name}: expected a number, got {type(value).__qualname__}: {value!r}")
    if not low <= float(value) <= high or abs(value) == inf:
        raise ValueError(f"{name}: expected {low} <= {name} <= {high}, got {value!r}")
    return float(value)


def target_range(value: str) -> str:
    """Return what targets may be, if it is valid."""
    return choice("target_range", value, get_args(TargetRange))


def smoothing(label_smoothing: float, smoothing_weight: str) -> float:
    """Return the label smoothing if it and its policy are valid."""
    choice("smoothing_weight", smoothing_weight, get_args(SmoothingWeight))
    return number("label_smoothing", label_smoothing, 0, 1)
