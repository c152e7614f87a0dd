"""What targets may be: class labels in 0..K-1, a distribution over the classes, probabilities."""

from weightedce.backends import Array, backend_of
from weightedce.backends.contract import Shape
from weightedce.call.arguments import dtype_name, is_integer, library, shown
from weightedce.numerics.stable import seen_between

# Soft targets may leave [0, 1] by what rounding in bfloat16 does to a mixture (2**-8), no more.
ROUNDING_SLACK = 0.01


def class_labels(name: str, labels: Array) -> Array:
    """Return integer labels of any width in the library's default integer dtype."""
    xp = library(name, labels).namespace
    if not is_integer(labels):
        raise TypeError(f"{name}: expected integers, got dtype {dtype_name(labels.dtype)}")
    return xp.astype(labels, xp.arange(0).dtype)


def are_labels(targets: Array, shape: Shape, axis: int, ignore_index: int | None) -> bool:
    """Tell by rank whether ``targets`` are class labels or a distribution over the classes."""
    rank = len(targets.shape)
    if rank == len(shape) - 1:
        if is_integer(targets):
            return True
        raise TypeError(
            f"targets: expected integer class labels, since they have one axis fewer than the "
            f"logits, got dtype {dtype_name(targets.dtype)} of shape {shown(targets.shape)} for "
            f"logits of shape {shown(shape)}"
        )
    if rank != len(shape):
        raise ValueError(
            f"targets: expected class labels (shape of the logits without axis {axis}) or a "
            f"distribution (shape of the logits), got shape {shown(targets.shape)} for logits of "
            f"shape {shown(shape)}"
        )
    if ignore_index is not None:
        raise ValueError(
            f"ignore_index: expected None for targets that are a distribution, got "
            f"{ignore_index!r}: use mask"
        )
    return False


def all_inside(name: str, values: Array, outside: Array, low: int, high: int) -> bool:
    """Raise for the first value that is ``outside``; tell whether that could be checked.

    A tracer, a compiled graph, an accelerator cannot be asked: False, and the caller puts NaN.
    """
    backend = backend_of(outside)
    xp = backend.namespace
    found = backend.read(xp.any(outside))
    if found:
        first = int(xp.argmax(xp.astype(xp.reshape(outside, (-1,)), xp.int32), axis=0))
        bad = xp.reshape(values, (-1,))[first]
        position: list[str] = []
        for size in reversed(values.shape):
            first, index = divmod(first, int(size))
            position.insert(0, str(index))
        place = f"[{', '.join(position)}]" if position else ""
        value = int(bad) if is_integer(bad) else float(bad)
        raise ValueError(f"{name}: expected values in {low}..{high}, got {name}{place} = {value}")
    return found is not None


def in_range(name: str, values: Array, target_range: str) -> Array:
    """Return targets that are probabilities, or of any size for ``"any"``."""
    return values if target_range == "any" else probabilities(name, values)


def probabilities(name: str, values: Array) -> Array:
    """Return ``values`` if they are in [0, 1] up to rounding; NaN where nothing can be raised."""
    low, high = -ROUNDING_SLACK, 1.0 + ROUNDING_SLACK
    if seen_between(values, low, high):
        return values
    if all_inside(name, values, (values < low) | (values > high), 0, 1):
        return values
    return backend_of(values).nan_outside(values, low, high)
