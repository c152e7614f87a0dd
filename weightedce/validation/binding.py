"""From a case to a function of arrays alone: what every library can compile and differentiate."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import weightedce
from weightedce.validation import oracle
from weightedce.validation.cases import WEIGHTS, Case


def array_arguments(case: Case) -> dict[str, np.ndarray]:
    """Return what goes in as arrays behind the logits: targets, then weights and mask by name.

    Those with one entry an example come first.
    """
    found = {"targets": case.targets}
    if case.sample_weight is not None:
        found["sample_weight"] = case.sample_weight
    if case.mask is not None:
        found["mask"] = case.mask
    for name in WEIGHTS:
        if isinstance(case.options.get(name), list):
            found[name] = np.asarray(case.options[name], dtype="float64")
    return found


def constants(case: Case, reduction: str = "none") -> dict[str, Any]:
    """Return the arguments that are no arrays."""
    names = array_arguments(case)
    found = {k: v for k, v in case.options.items() if k not in names}
    if case.per_batch:
        found["axis"] = -1
    if case.loss != "soft_confusion":
        found["reduction"] = reduction
    return found


def function_of(case: Case, reduction: str = "none") -> Callable[..., Any]:
    """Return the case's loss as a function of its logits and `array_arguments`.

    Cases that differ in nothing but arrays share one function, so it is compiled once.
    """
    given = constants(case, reduction)
    options = tuple(sorted((k, _frozen(v)) for k, v in given.items()))
    return _function(case.loss, tuple(array_arguments(case)), options)


@cache
def _function(
    name: str, arrays: tuple[str, ...], options: tuple[tuple[str, Any], ...]
) -> Callable[..., Any]:
    public = getattr(weightedce, name)
    keywords, constant = arrays[1:], dict(options)
    count = constant.pop("count", None) if name in oracle.BATCH else None

    def loss(z: Any, y: Any, *rest: Any) -> Any:
        given = {keyword: rest[i] for i, keyword in enumerate(keywords)}
        result = public(z, y, **given, **constant)
        return getattr(result, count) if count else result

    return loss


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value
