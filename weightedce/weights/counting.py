"""From labels to class counts.

Lists in, lists out; an array gives an array of the same library, inside a compiled step too.
What else labels may be, such as columns of data frames, is said in `weightedce.call.columns`.
"""

from collections.abc import Mapping
from math import inf
from numbers import Integral
from typing import Any, NamedTuple

from weightedce.backends import Array, backend_of
from weightedce.backends.contract import Shape
from weightedce.call.arguments import all_known, array_of, shown
from weightedce.call.by_class import by_class
from weightedce.call.columns import host_array, is_sequence
from weightedce.call.dtypes import dtype_name, is_floating
from weightedce.call.factors import cast
from weightedce.call.ignored import Ignored, ignored, left
from weightedce.call.options import python_number
from weightedce.call.targets import check_labels_dtype, class_labels
from weightedce.weights import in_memory


def class_counts(labels: Any, num_classes: int | None = None, *, ignore_index: Any = None) -> Any:
    r"""Count how often each class occurs.

    .. math:: n_k = \#\{i : y_i = k\}, \quad k = 0, \dots, K - 1

    Parameters
    ----------
    labels : array, column or list of int
        Class labels in 0..K-1, of any shape (label maps included) and any dtype that holds whole
        numbers. A column of pandas, polars or Arrow counts as a NumPy array, with NaN for nulls.
    num_classes : int, optional
        K, the number of classes, at least 1. Give it: the labels at hand need not hold every
        class. Without it K is the largest label + 1, where that can be read.
    ignore_index : number or several, optional
        Labels that are not counted, such as -100, ``(-100, 255)``, or NaN for nulls.

    Returns
    -------
    array or list of int
        Shape (K,), integers; a class that does not occur has 0. A Dask array for a Dask array,
        not yet computed: its blocks are counted one by one, so that the labels may be larger
        than the memory.

    Raises
    ------
    TypeError
        If the labels are no numbers.
    ValueError
        If a label is outside 0..K-1, not whole or missing; it is named with its position. Under
        tracing, in Dask and on an accelerator, where nothing can be raised, such labels are not
        counted. Where labels are one-hot, as can be seen.

    Notes
    -----
    Gradients: none flow. Works in ``jax.jit`` and ``vmap``, ``torch.compile`` and
    ``tf.function``, there with ``num_classes``. Nothing of size n x K is held, and of a JAX array
    on several devices only the counts travel.

    Examples
    --------
    >>> import numpy as np
    >>> class_counts(np.array([0, 2, 0, 0]), 3)
    array([3, 0, 1])
    >>> class_counts([[0, 1], [1, 255]], 2, ignore_index=255)
    [1, 2]
    """
    if num_classes is not None:
        num_classes = class_number(num_classes)
    listed = is_sequence(labels)
    if listed:
        labels = host_array("labels", labels)
    ignore = ignored(ignore_index, integer=True)
    labels = label_array(labels)
    counts = counts_here(labels, num_classes, ignore)
    if counts is not None:
        return counts.tolist() if listed else backend_of(labels).constant(counts, labels)
    found = labels_in(labels, num_classes, ignore)
    return backend_of(found.labels).bincount(found.labels, found.classes)


class Labels(NamedTuple):
    """Checked labels, flat: what is not to be counted is ``classes``."""

    labels: Array
    classes: int
    outside: Array | None  # what could not be read may have been outside, and is not counted
    keep: Array | None  # what is not ignored, of the shape that came


def label_array(labels: Any) -> Array:
    """Return labels, which may be a column, as an array that holds numbers."""
    if isinstance(labels, Mapping) or (
        by_class(labels) and getattr(labels, "name", "") in ("count", "proportion")
    ):
        raise TypeError(
            f"labels: expected labels, got counts by class, {type(labels).__qualname__}: balanced "
            f"and whatever takes counts take them as they are"
        )
    labels = array_of("labels", labels)[0]
    check_labels_dtype("labels", labels)
    return labels


def counts_here(labels: Array, classes: int | None, ignore: Ignored) -> Array | None:
    """Return counts as an array of NumPy, where the labels lie in this memory and all are right."""
    view = backend_of(labels).labels_in_memory(labels)
    if view is None:
        return None
    counts = in_memory.counted(view, classes, ignore)
    if counts is not None:
        _refuse_one_hot(labels, tuple(view.shape), len(counts))
    return counts


def labels_in(labels: Array, classes: int | None, ignore: Ignored) -> Labels:
    """Return checked labels of any library, to be counted in ``classes``, or as many as occur."""
    backend = backend_of(labels)
    xp, shape = backend.namespace, backend.shape(labels)
    if not is_floating(labels):
        labels = cast(labels, xp.arange(0).dtype)
    keep = left(labels, ignore)
    if classes is None:
        classes = _largest(labels, keep) + 1
    given, outside = class_labels("labels", labels, classes, ignore, keep)
    _refuse_one_hot(labels, shape, classes)
    marked = keep is None
    if outside is not None:
        if is_floating(labels):
            given = xp.where(outside, classes, given)
        else:  # and of a lazy array neither ``given`` nor ``outside`` is computed
            given = backend.marked_outside(labels, 0, classes - 1, classes)
            marked = all(isinstance(x, int) and x not in range(classes) for x in ignore)
    if not marked:
        given = xp.where(keep, given, classes)
    return Labels(xp.reshape(given, (-1,)), classes, outside, keep)


def _largest(labels: Array, keep: Array | None) -> int:
    """Return the largest label, if it can be read."""
    xp = backend_of(labels).namespace
    used = labels if keep is None else xp.where(keep, labels, 0)
    if 0 in used.shape:
        raise ValueError("num_classes: expected a number of classes, since there are no labels")
    found = backend_of(labels).extremes(used)
    if found is None:
        raise ValueError(
            "num_classes: expected a number of classes, since the labels cannot be read: they are "
            "traced, lazy or on another device"
        )
    largest = max(int(found[1]), 0) if abs(found[1]) < inf else 0
    if largest > in_memory.MOST:
        raise ValueError(
            f"num_classes: expected a number of classes, since the labels go up to {largest}: are "
            f"they numbers of classes?"
        )
    return largest


def _refuse_one_hot(labels: Array, shape: Shape, classes: int) -> None:
    """Refuse zeros and ones with a single one along an axis of the size of the classes.

    Counted as labels they would give nearly as many of class 0 as there are numbers.
    """
    if len(shape) < 2 or not all_known(*shape) or 0 in shape or classes < 2:
        return
    backend = backend_of(labels)
    for axis in {1, len(shape) - 1}:
        if shape[axis] != classes and not (classes == 2 and shape[axis] > 2):
            continue
        if backend.extremes(labels) != (0, 1):
            return
        ones = backend.namespace.sum(labels, axis=axis)
        if backend.extremes(ones) == (1, 1):
            raise ValueError(
                f"labels: expected class numbers, got what looks one-hot, of shape {shown(shape)} "
                f"with a single 1 along axis {axis}: count labels.argmax({axis}); or, if these "
                f"are labels of two classes, labels.reshape(-1)"
            )


def class_number(num_classes: Any) -> int:
    """Return a number of classes."""
    num_classes = python_number("num_classes", num_classes)
    if isinstance(num_classes, bool) or not isinstance(num_classes, Integral) or num_classes < 1:
        raise ValueError(f"num_classes: expected an integer >= 1, got {num_classes!r}")
    return int(num_classes)


def refuse_labels(column: Array) -> None:
    """Refuse a column that looks like labels: 0..m, each of them, twice as often as not.

    An array is not looked at: the counts of a batch over many classes look the same.
    """
    classes = sorted(set(column.tolist())) if hasattr(column, "tolist") else []
    labels = classes == list(range(len(classes))) and 2 <= len(classes) <= len(column) / 2
    if labels or dtype_name(column.dtype) == "bool":
        raise ValueError(
            f"counts: expected one number a class, got what looks like {len(column)} labels: "
            f"class_counts(labels) counts them; counts that look so come as a list"
        )
