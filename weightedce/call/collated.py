"""Targets that came as a list of columns, one array a label: in rows.

So a data loader of PyTorch collates rows ``(x, [0, 1, 1])``.
"""

from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.backends.contract import Shape
from weightedce.call.arguments import all_known, beside, holds_arrays, shown
from weightedce.call.columns import is_sequence


def targets_beside(targets: Any, logits: Array, name: str = "targets") -> Array:
    """Return targets as an array beside ``logits``: see `in_rows`."""
    return in_rows(targets, logits, backend_of(logits).shape(logits), name)


def in_rows(targets: Any, logits: Array, shape: Shape, name: str = "targets") -> Array:
    """Return targets as an array; of two axes, lists of rows or of columns, in ``shape``."""
    found = beside(name, targets, logits, None)
    if type(targets) is type(logits) or not is_sequence(targets) or not holds_arrays(targets):
        return found
    mine = backend_of(found).shape(found)
    if len(shape) != 2 or not all_known(*shape, *mine) or mine != shape[::-1]:
        return found
    if mine == shape and shape[0] > 1:
        raise ValueError(
            f"{name}: expected one array of shape {shown(shape)}, got a list of {mine[0]} arrays, "
            f"which may be rows or columns: stack them, such as torch.stack(labels, dim=1) where "
            f"each holds one label, as a DataLoader collates rows (x, [0, 1, 1])"
        )
    return backend_of(found).namespace.permute_dims(found, (1, 0))
