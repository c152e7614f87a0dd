"""What people bring as weights and targets, as tensors."""

from numbers import Real
from typing import Any

import numpy as np
import torch

from weightedce.call import arguments, columns, values
from weightedce.call.collated import targets_beside

SIGNED = ("shift", "cost_matrix")  # weights of which numbers below 0 have a meaning


def weight_of(name: str, value: Any) -> torch.Tensor:
    """Return a weight as a floating-point tensor; a tensor of floats as it is."""
    if not isinstance(value, torch.Tensor):
        value = columns.column(value, name)
        if not isinstance(value, Real | list | tuple):
            array = np.asarray(value)
            if array.dtype.kind not in "biuf":
                raise TypeError(
                    f"{name}: expected a number, a list of numbers, an array or a tensor, got "
                    f"{type(value).__qualname__}: {value!r:.80}"
                )
            value = array.astype(array.dtype.newbyteorder("="))  # a copy of its own
        numbers = value.tolist() if isinstance(value, np.ndarray) else value
        if name not in SIGNED:
            values.check_listed(name, columns.plain_numbers(name, numbers))
        try:
            value = torch.tensor(value)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{name}: expected numbers in rows of one length, got {numbers!r:.80} ({error})"
            ) from None
    arguments.library(name, value)  # dense
    if value.is_complex():
        raise TypeError(f"{name}: expected real numbers, got dtype {value.dtype}")
    return value if value.is_floating_point() else value.to(torch.get_default_dtype())


def target_of(target: Any, logits: torch.Tensor) -> torch.Tensor:
    """Return a target as a tensor beside the logits."""
    if not isinstance(target, torch.Tensor) and arguments.holds_arrays(target):
        found: torch.Tensor = targets_beside(target, logits, "target")
        return found
    try:
        found = torch.as_tensor(target, device=logits.device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"target: expected a tensor, an array or numbers, got {type(target).__qualname__} "
            f"({error})"
        ) from None
    arguments.library("target", found)  # dense
    return found
