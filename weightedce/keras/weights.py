"""Weights as Keras's users give them: dicts, lists, numbers, and the word for those of a batch."""

from typing import Any

from keras import ops

from weightedce.call import columns, values


def check_weight(name: str, weight: Any) -> None:
    """Refuse what is no weight: negative numbers, infinite ones, other words than "batch"."""
    if isinstance(weight, dict):
        weight = list(weight.values())
    if isinstance(weight, str):
        words = " or 'batch'" if name in ("class_weight", "pos_weight") else ""
        if weight != "batch" or not words:
            raise ValueError(f"{name}: expected numbers{words}, got {weight!r}")
    elif weight is not None:
        values.check_listed(name, columns.plain_numbers(name, weight))


def class_vector(weight: Any, classes: int) -> Any:
    """Return the class weights of a dict as a list; classes that it leaves out weigh 1."""
    if not isinstance(weight, dict):
        return weight
    if unknown := [k for k in weight if not 0 <= k < classes]:
        raise ValueError(f"class_weight: expected classes in 0..{classes - 1}, got {unknown}")
    return [weight.get(k, 1.0) for k in range(classes)]


def product(weight: Any, factor: Any) -> Any:
    """Return ``weight * factor``, where None is 1; lists stay lists."""
    if weight is None or factor is None:
        return factor if weight is None else weight
    if isinstance(weight, list) and isinstance(factor, int | float):
        return [number * factor for number in weight]
    if isinstance(weight, list):
        weight = ops.convert_to_tensor(weight, factor.dtype)
    return weight * factor
