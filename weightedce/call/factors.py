"""What the batches of both kinds are made of: masks and weights, laid along the logits."""

from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.backends.contract import Shape
from weightedce.call import arguments, dtypes
from weightedce.call.by_class import by_class, in_order
from weightedce.call.ignored import Ignored, left


def cast(array: Array, dtype: Any) -> Array:
    """Return the array in the dtype; the array itself where it has it, for a copy takes time."""
    return array if array.dtype == dtype else backend_of(array).namespace.astype(array, dtype)


def times(weight: Array | float, array: Array | float) -> Array | float:
    """Return the product, and spare the pass where the weight is 1."""
    return array if isinstance(weight, float) and weight == 1.0 else weight * array


def kept(mask: Any, ignore: Ignored, given: Array, z: Array, shape: Shape) -> Any:
    """Combine ``mask`` and ``ignore_index`` into one boolean array of the loss's shape."""
    if mask is None and not ignore:
        return None
    xp = backend_of(z).namespace
    keep = left(given, ignore)
    if mask is not None:
        unmasked = xp.broadcast_to(mask_beside(mask, z, shape), shape)
        keep = unmasked if keep is None else unmasked & keep
    return keep


def mask_beside(mask: Any, z: Array, shape: Shape) -> Array:
    """Return a mask as booleans, laid along the leading axes of the loss."""
    keep = arguments.beside("mask", mask, z, None)
    if dtypes.is_floating(keep):
        missing = keep != keep
        if backend_of(z).read(backend_of(z).namespace.any(missing)):
            raise ValueError("mask: expected true or false, got NaN, or a null")
    if dtypes.dtype_name(keep.dtype) != "bool":
        keep = keep != 0
    return arguments.along_leading("mask", keep, shape)


def sample_of(
    weight: Any, keep: Array | None, z: Array, shape: Shape, *, signed: bool = False
) -> Array | float:
    """Return ``mask * sample_weight``, laid along the leading axes of the loss."""
    if weight is None and keep is None:
        return 1.0
    xp = backend_of(z).namespace
    if weight is None:
        return xp.astype(keep, z.dtype)
    weight = arguments.weight_beside("sample_weight", weight, z, signed=signed)
    weight = arguments.along_leading("sample_weight", weight, shape)
    return weight if keep is None else xp.where(keep, weight, 0.0)


def along(
    name: str, weight: Any, z: Array, shape: Shape, axis: int, *, signed: bool = False
) -> Array | float:
    """Return a scalar or per-class weight, laid along the class axis."""
    if weight is None:
        return 1.0
    weight = one_a_class(name, weight, z, shape[axis] if shape else 1, signed=signed)
    return arguments.along_axis(name, weight, shape, axis)


def one_a_class(name: str, weight: Any, z: Array, classes: Any, *, signed: bool = False) -> Array:
    """Return a weight that may come with its classes as an array beside the logits."""
    if type(weight) is not type(z) and by_class(weight):
        weight = in_order(name, weight, classes, 1.0)
    return arguments.weight_beside(name, weight, z, signed=signed)
