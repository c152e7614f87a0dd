"""A checked batch of `linear_cross_entropy`: one row an example, and how many rows are a block."""

from dataclasses import dataclass
from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.backends.contract import Shape
from weightedce.call import arguments, dtypes, options
from weightedce.call.by_class import by_class, in_order
from weightedce.call.collated import in_rows
from weightedce.call.factors import cast, one_a_class
from weightedce.call.from_batch import batch_weight, is_batch
from weightedce.call.ignored import ignored, not_all
from weightedce.call.over_shards import NONE, agreed, fingerprint
from weightedce.call.targets import (
    class_labels,
    kept_examples,
    kept_shares,
    labels_or_distribution,
    probabilities,
)
from weightedce.numerics.smoothing import ROUNDING_SLACK

MASSES = 20  # arrays of the size of the logits that the sums of masses make


@dataclass(frozen=True)
class LinearBatch:
    """Arrays with one row an example, in the dtype to compute in, or hidden and weight in half."""

    linear: tuple[Array, Array, Any]  # hidden (N, D), weight (V, D), bias (V,) or None
    rows: tuple[Array, Array, Any]  # targets (N,) or (N, V), sample weight (N,), mask (N,) or None
    shared: tuple[Any]  # class weight (V,) or 0-d, or None
    shape: Shape  # of the loss
    target_range: str
    block_size: int


def linear_batch(
    hidden: Array,
    weight: Array,
    targets: Any,
    *,
    bias: Any,
    axis: int,
    class_weight: Any,
    sample_weight: Any,
    mask: Any,
    ignore_index: Any,
    target_range: str,
    block_size: int | None,
    shards: Any,
    alike: tuple[Any, ...],
    smoothed: bool,
) -> LinearBatch:
    """Check the arguments and bring them into rows."""
    dtype = dtypes.computed_in("hidden", hidden)
    backend = backend_of(hidden)
    xp, shape = backend.namespace, backend.shape(hidden)
    h = hidden if backend.multiplies_half(hidden, weight) else cast(hidden, dtype)
    # beside which weights are laid
    z = h if h.dtype == dtype else xp.empty((0,), dtype=dtype, device=backend.device(h))
    if not shape:
        raise ValueError("hidden: expected shape (..., D), got one number")
    axis = arguments.axis_of(shape, axis, "hidden")
    features, loss_shape = shape[axis], shape[:axis] + shape[axis + 1 :]
    if not arguments.all_known(features):
        raise ValueError(f"hidden: expected a known number of features along axis {axis}")
    for name, array, along in (("hidden", hidden, axis), ("weight", weight, 0)):
        if backend.layout(array, along) is not None:
            raise TypeError(
                f"{name}: expected no DTensor that is on a mesh along axis {along}: pass its "
                f"to_local(), and with the rows of weight shards=mesh[...], the devices they are on"
            )
    try:
        w, classes = _weight(weight, h, features)
        b = None if bias is None else _vector("bias", bias, z, classes)
        logits = (*loss_shape[:axis], classes, *loss_shape[axis:])
        raw = in_rows(targets, h, logits)
    except (TypeError, ValueError):
        if shards is not None:  # the others hear of it
            backend.shards(shards, _nothing(h, 1), 1, NONE)
        raise
    most = classes
    if shards is not None:
        alike = (*alike, shape, class_weight, sample_weight, mask, ignore_index, target_range)
        kinds = backend.learns(hidden), str(h.dtype)
        note = fingerprint(raw, logits, axis, (*alike, bias is None, block_size, *kinds))
        over = agreed(backend, shards, _nothing(h, classes), 1, note)
        classes, most = over.classes, over.most
    raw, hard = labels_or_distribution(raw, logits, axis)
    ignore = ignored(ignore_index, integer=True)
    used = not_all(ignore, raw, classes) if hard and shards is None else ignore
    if shards is not None and not hard and (used or is_batch(class_weight)):
        raise ValueError(
            "targets: expected class labels for ignore_index or class_weight='batch' beside "
            "shards, since no device sees the whole of a distribution: use mask"
        )
    keep = kept_examples(mask, used, raw, hard, h, loss_shape, axis)
    checked = options.target_range(target_range)
    outside = None
    if hard:
        seen = shards is None
        raw, outside = class_labels("targets", raw, classes, ignore, keep, seen=seen)
    elif shards is None:
        checked = _check_distribution(raw, keep, axis, checked)
    if is_batch(class_weight):
        shares = None if hard else kept_shares(raw, keep, dtype, axis)
        labels = raw if hard else None
        class_weight = batch_weight(labels, outside, shares, keep, classes, axis, dtype)
    if outside is not None:
        raw = xp.where(outside, -1, raw)  # which the blocks make NaN

    sample = 1.0 if sample_weight is None else sample_weight
    signed = options.target_range(target_range) == "any"
    sample = arguments.weight_beside("sample_weight", sample, z, signed=signed)
    sample = arguments.along_leading("sample_weight", sample, loss_shape)
    sample = xp.reshape(xp.broadcast_to(sample, loss_shape), (-1,))
    per_class: Any = None
    if class_weight is not None:
        per_class = one_a_class("class_weight", class_weight, z, classes, signed=signed)
        everywhere = (*loss_shape[:axis], classes, *loss_shape[axis:])
        arguments.along_axis("class_weight", per_class, everywhere, axis)
        per_class = xp.reshape(per_class, (-1,)) if len(per_class.shape) else per_class

    h = xp.reshape(_last(h, axis), (-1, features))
    y = xp.reshape(raw, (-1,)) if hard else xp.reshape(_last(raw, axis), (-1, logits[axis]))
    if keep is not None:
        keep = xp.reshape(keep, (-1,))
        # here already: 0 times a NaN of a masked row would reach the gradient to the weight
        h = xp.where(xp.expand_dims(keep, axis=1), h, 0.0)
    elements = backend.linear_elements(h, features, classes)
    if shards is not None and (smoothed or not hard):  # a block goes across devices at once
        elements //= MASSES
    size = block_rows(backend.shape(h)[0], most, block_size, elements)
    return LinearBatch((h, w, b), (y, sample, keep), (per_class,), loss_shape, checked, size)


def _nothing(hidden: Array, classes: int) -> Array:
    """Return no rows of logits, in a dtype that holds the numbers of classes."""
    backend = backend_of(hidden)
    xp = backend.namespace
    return xp.empty((0, classes), dtype=xp.float32, device=backend.device(hidden))


def block_rows(count: Any, classes: int, block_size: int | None, elements: int) -> int:
    """Return the rows of a block: the ones asked for, or by the size of the logits."""
    if block_size is not None:
        size = options.whole("block_size", block_size)
        if size < 1:
            raise ValueError(f"block_size: expected at least 1, got {size}")
        return size
    most = max(1, elements // classes)
    if not isinstance(count, int) or count <= most:
        return most
    return -(-count // -(-count // most))  # as many blocks, of nearly the same size


def _weight(weight: Array, hidden: Array, features: int) -> tuple[Array, int]:
    """Return the matrix beside ``hidden``, and its number of rows."""
    dtypes.floating("weight", weight)
    matrix = arguments.beside("weight", weight, hidden, hidden.dtype)
    shape = backend_of(matrix).shape(matrix)
    if len(shape) != 2 or shape[1] != features or not arguments.all_known(shape[0]) or shape[0] < 1:
        raise ValueError(
            f"weight: expected shape (V, {features}), one row of {features} features a class, "
            f"got shape {tuple(weight.shape)}"
        )
    return matrix, shape[0]


def _vector(name: str, value: Any, hidden: Array, classes: int) -> Array:
    """Return one number a class beside ``hidden``."""
    if by_class(value):
        value = in_order(name, value, classes, 0.0)
    vector = arguments.beside(name, value, hidden, hidden.dtype)
    if tuple(backend_of(vector).shape(vector)) != (classes,):
        raise ValueError(
            f"{name}: expected shape ({classes},), one number a class, got shape "
            f"{tuple(vector.shape)}"
        )
    return vector


def _check_distribution(targets: Array, keep: Any, axis: int, target_range: str) -> str:
    """Raise for a number outside [0, 1]; return what the blocks still have to look at.

    Least and greatest first: to look at every number at once takes as much memory again.
    """
    backend = backend_of(targets)
    xp = backend.namespace
    if target_range == "any" or not dtypes.is_floating(targets) or 0 in targets.shape:
        return target_range
    low, high = -ROUNDING_SLACK, 1.0 + ROUNDING_SLACK
    # not "outside": of NaN neither is true
    found = backend.read(~((xp.min(targets) >= low) & (xp.max(targets) <= high)))
    if found:  # perhaps in a row that does not count
        shares = targets if keep is None else kept_shares(targets, keep, targets.dtype, axis)
        probabilities("targets", shares)
    return "any" if found is False else target_range


def _last(array: Array, axis: int) -> Array:
    """Move ``axis`` to the end."""
    rank = len(array.shape)
    if axis == rank - 1:
        return array
    order = (*range(axis), *range(axis + 1, rank), axis)
    return backend_of(array).namespace.permute_dims(array, order)
