"""What people bring as weights and targets, as tensors."""

from typing import Any

import torch

from weightedce.call import arguments, columns, dtypes
from weightedce.call.by_class import by_class, in_order
from weightedce.call.collated import targets_beside

SIGNED = ("shift", "cost_matrix")  # weights of which numbers below 0 have a meaning
# what a class has that is left out; else 1
ABSENT = dict.fromkeys(("counts", "prior", "shift", "recall", "specificity", "precision"), 0.0)


def is_tensor(value: Any) -> bool:
    """Tell whether a value is a tensor: of torch's own class in a third of the time."""
    return type(value) is torch.Tensor or isinstance(value, torch.Tensor)


def weight_of(name: str, value: Any) -> torch.Tensor:
    """Return a weight as a floating-point tensor; a tensor of floats as it is.

    An array of float64 stays so; other numbers take torch's default dtype.
    """
    if not isinstance(value, torch.Tensor):
        exact = str(getattr(columns.column(value, name), "dtype", "")) == "float64"
        if by_class(value):
            value = in_order(name, value, None, ABSENT.get(name, 1.0))
        beside = torch.zeros((), dtype=torch.float64)
        found = arguments.weight_beside(name, value, beside, signed=name in SIGNED)
        return found.clone() if exact else found.to(torch.get_default_dtype(), copy=True)
    dtypes.library(name, value)  # dense
    if value.is_complex():
        raise TypeError(f"{name}: expected real numbers, got dtype {value.dtype}")
    return value if value.is_floating_point() else value.to(torch.get_default_dtype())


def filled(weight: torch.Tensor, classes: Any, default: float) -> torch.Tensor:
    """Return one number a class where the last classes were left out."""
    missing = classes - weight.shape[0]
    return torch.cat([weight, weight.new_full((missing,), default)]) if missing > 0 else weight


def target_of(target: Any, logits: torch.Tensor) -> torch.Tensor:
    """Return a target as a tensor beside the logits; of a tensor the function looks at the rest."""
    if is_tensor(target) and not target.is_nested:  # which has no shape
        return target
    found: torch.Tensor = targets_beside(target, logits, "target")
    return found
