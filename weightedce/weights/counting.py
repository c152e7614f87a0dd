"""From labels to class counts.

Lists in, lists out; an array gives an array of the same library, inside a compiled step too.
Whatever has `to_numpy`, such as a pandas or polars column, counts as its NumPy array.
"""

from numbers import Integral
from typing import Any

from weightedce.backends import backend_of
from weightedce.call import options
from weightedce.call.arguments import column, host_array
from weightedce.call.targets import all_inside, class_labels


def class_counts(labels: Any, num_classes: int, *, ignore_index: int | None = None) -> Any:
    r"""Count how often each class occurs.

    .. math:: n_k = \#\{i : y_i = k\}, \quad k = 0, \dots, K - 1

    Parameters
    ----------
    labels : array, column or list of int
        Class labels in 0..K-1, of any shape (label maps included). A pandas or polars column
        counts as the NumPy array that its ``to_numpy()`` gives.
    num_classes : int
        K, the number of classes, at least 1. It must be given: the labels of a batch need not
        hold every class, and a compiled step needs a static shape.
    ignore_index : int, optional
        A label that is not counted.

    Returns
    -------
    array or list of int
        Shape (K,), integers; a class that does not occur has 0. A Dask array for a Dask array,
        not yet computed: its blocks are counted one by one, so that the labels may be larger
        than the memory.

    Raises
    ------
    TypeError
        If the labels are not integers.
    ValueError
        If a label is outside 0..K-1; it is named with its position. Under tracing, in Dask and
        on an accelerator, where nothing can be raised, such labels are not counted.

    Notes
    -----
    Gradients: none flow. Works in ``jax.jit`` and ``vmap``, ``torch.compile`` and
    ``tf.function``: the labels are sorted, O(n log n), and nothing of size n x K is held.

    Examples
    --------
    >>> import numpy as np
    >>> class_counts(np.array([0, 2, 0, 0]), 3)
    array([3, 0, 1])
    >>> class_counts([[0, 1], [1, 255]], 2, ignore_index=255)
    [1, 2]
    """
    num_classes = class_number(num_classes)
    if isinstance(labels, list | tuple):
        return class_counts(
            host_array("labels", labels, int), num_classes, ignore_index=ignore_index
        ).tolist()
    labels = class_labels("labels", column(labels))
    ignore_index = options.ignored(ignore_index, integer=True)
    xp = backend_of(labels).namespace
    outside = (labels < 0) | (labels >= num_classes)
    if ignore_index is not None:
        outside = outside & (labels != ignore_index)
    all_inside("labels", labels, outside, 0, num_classes - 1)
    labels = xp.reshape(labels, (-1,))
    if ignore_index is not None:
        labels = xp.where(labels == ignore_index, num_classes, labels)
    return backend_of(labels).bincount(labels, num_classes)


def class_number(num_classes: Any) -> int:
    """Return a number of classes."""
    if isinstance(num_classes, bool) or not isinstance(num_classes, Integral) or num_classes < 1:
        raise ValueError(f"num_classes: expected an integer >= 1, got {num_classes!r}")
    return int(num_classes)
