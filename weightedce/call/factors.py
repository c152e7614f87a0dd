"""What the batches of both kinds are made of: masks and weights, laid along the logits."""

from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.backends.contract import Shape
from weightedce.call import arguments


def cast(array: Array, dtype: Any) -> Array:
    """Return the array in the dtype; the array itself where it has it, for a copy takes time."""
    return array if array.dtype == dtype else backend_of(array).namespace.astype(array, dtype)


def times(weight: Array | float, array: Array | float) -> Array | float:
    """Return the product, and spare the pass where the weight is 1."""
    return array if isinstance(weight, float) and weight == 1.0 else weight * array


def kept(mask: Any, ignore: float | None, given: Array, z: Array, shape: Shape) -> Any:
    """Combine ``mask`` and ``ignore_index`` into one boolean array of the loss's shape."""
    if mask is None and ignore is None:
        return None
    backend = backend_of(z)
    xp = backend.namespace
    keep = None
    if mask is not None:
        keep = arguments.beside("mask", mask, z, None)
        keep = keep if keep.dtype == xp.bool else keep != 0
        keep = arguments.along_leading("mask", keep, shape)
        keep = xp.broadcast_to(keep, shape)
    if ignore is not None:
        used = given != ignore
        keep = used if keep is None else keep & used
    return keep


def sample_of(weight: Any, keep: Array | None, z: Array, shape: Shape) -> Array | float:
    """Return ``mask * sample_weight``, laid along the leading axes of the loss."""
    if weight is None and keep is None:
        return 1.0
    xp = backend_of(z).namespace
    if weight is None:
        return xp.astype(keep, z.dtype)
    weight = arguments.weight_beside("sample_weight", weight, z)
    weight = arguments.along_leading("sample_weight", weight, shape)
    return weight if keep is None else xp.where(keep, weight, 0.0)


def along(name: str, weight: Any, z: Array, shape: Shape, axis: int) -> Array | float:
    """Return a scalar or per-class weight, laid along the class axis."""
    if weight is None:
        return 1.0
    weight = arguments.weight_beside(name, weight, z)
    return arguments.along_axis(name, weight, shape, axis)
