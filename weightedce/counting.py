"""From labels to class counts: at once, or piece by piece.

Lists in, lists out; an array gives an array of the same library, inside a compiled step too.
Whatever has `to_numpy`, such as a pandas or polars column, counts as its NumPy array.
"""

from collections.abc import Mapping
from numbers import Integral
from typing import Any, Self

from weightedce import arguments, options
from weightedce.backends import Array, backend_of


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
    num_classes = _class_number(num_classes)
    if isinstance(labels, list | tuple):
        return class_counts(
            host_array("labels", labels, int), num_classes, ignore_index=ignore_index
        ).tolist()
    labels = arguments.class_labels("labels", column(labels))
    ignore_index = options.ignored(ignore_index, integer=True)
    xp = backend_of(labels).namespace
    outside = (labels < 0) | (labels >= num_classes)
    if ignore_index is not None:
        outside = outside & (labels != ignore_index)
    arguments.all_inside("labels", labels, outside, 0, num_classes - 1)
    labels = xp.reshape(labels, (-1,))
    if ignore_index is not None:
        labels = xp.where(labels == ignore_index, num_classes, labels)
    return _occurrences(labels, num_classes)


class ClassCounter:
    r"""Count classes in labels that come in pieces: batches, files, processes.

    .. math:: n_k = \sum_j \#\{i : y^{(j)}_i = k\}

    over the pieces j. The counts are those of `class_counts` on all labels at once, exactly:
    they are Python integers, which do not overflow.

    Parameters
    ----------
    num_classes : int
        K, the number of classes, at least 1.
    ignore_index : int, optional
        A label that is not counted.

    Notes
    -----
    Counting reads the labels, so `update` is not for compiled code: there, add up what
    `class_counts` returns. Counters with the same options can be added with ``+`` and ``sum``,
    compared with ``==``, pickled, and saved by way of `to_dict`.

    Examples
    --------
    >>> counter = ClassCounter(3)
    >>> for batch in ([0, 2, 0], [0, 0], [2]):
    ...     counter = counter.update(batch)
    >>> counter.counts
    [4, 0, 2]
    >>> balanced(counter.counts)
    [0.75, 0.0, 1.5]
    >>> counter + ClassCounter(3).update([1])
    ClassCounter(3, counts=[4, 1, 2])
    """

    def __init__(self, num_classes: int, *, ignore_index: int | None = None) -> None:
        self._ignore_index: int | None = options.ignored(ignore_index, integer=True)
        self._counts = [0] * _class_number(num_classes)

    @property
    def num_classes(self) -> int:
        """K, the number of classes."""
        return len(self._counts)

    @property
    def ignore_index(self) -> int | None:
        """The label that is not counted."""
        return self._ignore_index

    @property
    def counts(self) -> list[int]:
        """The counts so far, as Python integers: what the estimators of weights take."""
        return list(self._counts)

    def update(self, labels: Any) -> Self:
        """Count one more piece, of any library and shape; return the counter itself.

        A label outside 0..K-1 is a ValueError, on an accelerator and in Dask too, and leaves
        the counter as it was. A Dask array is computed once, block by block.
        """
        size = self.num_classes
        if isinstance(labels, list | tuple):
            labels = host_array("labels", labels, int)
        labels = arguments.class_labels("labels", column(labels))
        xp = backend_of(labels).namespace
        outside = (labels < 0) | (labels >= size)
        if self.ignore_index is not None:
            ignored = labels == self.ignore_index
            outside = outside & ~ignored
            labels = xp.where(ignored, size + 1, labels)
        arguments.all_inside("labels", labels, outside, 0, size - 1)
        # K + 1 counters: where nothing could be raised before, the last one tells.
        labels = xp.reshape(xp.where(outside, size, labels), (-1,))
        *counts, others = _as_integers(_occurrences(labels, size + 1))
        if others:
            raise ValueError(f"labels: expected values in 0..{size - 1}, got {others} others")
        self._counts = [a + b for a, b in zip(self._counts, counts, strict=True)]
        return self

    def merge(self, other: "ClassCounter") -> Self:
        """Add the counts of another counter to this one; return this one."""
        if not isinstance(other, ClassCounter):
            raise TypeError(f"other: expected a ClassCounter, got {type(other).__qualname__}")
        mine, theirs = self._options(), other._options()
        if mine != theirs:
            raise ValueError(
                f"other: expected a counter with (num_classes, ignore_index) = {mine}, got {theirs}"
            )
        self._counts = [a + b for a, b in zip(self._counts, other._counts, strict=True)]
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the state as plain numbers, for JSON, YAML or a checkpoint."""
        return {"counts": self.counts, "ignore_index": self.ignore_index}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Return a counter with the state that `to_dict` returned."""
        counts = list(state["counts"])
        if not all(type(n) is int and n >= 0 for n in counts):
            raise ValueError(f"state: expected counts that are integers >= 0, got {counts!r:.80}")
        counter = cls(len(counts), ignore_index=state["ignore_index"])
        counter._counts = counts
        return counter

    def __add__(self, other: object, /) -> Self:
        if not isinstance(other, ClassCounter):
            return NotImplemented
        return self.from_dict(self.to_dict()).merge(other)

    def __radd__(self, other: object, /) -> Self:
        """Let ``sum`` start from its 0."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __eq__(self, other: object, /) -> bool:
        if not isinstance(other, ClassCounter):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment] # it changes

    def __repr__(self) -> str:
        ignoring = "" if self.ignore_index is None else f"ignore_index={self.ignore_index}, "
        return f"{type(self).__name__}({self.num_classes}, {ignoring}counts={self._counts})"

    def _options(self) -> tuple[int, int | None]:
        return self.num_classes, self.ignore_index


def column(values: Any) -> Any:
    """Return the NumPy array in a column of a data frame; anything else as it is."""
    return values.to_numpy() if hasattr(values, "to_numpy") else values


def host_array(name: str, values: Any, dtype: type) -> Array:
    """Return a list as a NumPy array, whatever frameworks are there."""
    import numpy as np

    found = arguments.numbers_in(name, values)
    if dtype is int and not all(isinstance(number, Integral) for number in found):
        raise TypeError(f"{name}: expected integers, got {values!r:.80}")
    try:
        return np.asarray(values, dtype=dtype)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{name}: expected numbers in rows of one length, got {values!r:.80} ({error})"
        ) from None


def _class_number(num_classes: Any) -> int:
    if isinstance(num_classes, bool) or not isinstance(num_classes, Integral) or num_classes < 1:
        raise ValueError(f"num_classes: expected an integer >= 1, got {num_classes!r}")
    return int(num_classes)


def _occurrences(labels: Array, size: int) -> Array:
    """Count 0..size-1 in a vector of integers; what is outside is not counted."""
    backend = backend_of(labels)
    xp = backend.namespace
    # where sorting would need all blocks, or all devices, at once
    bincount = getattr(backend, "bincount", None)
    counted = None if bincount is None else bincount(labels, size)
    if counted is not None:
        return counted
    index = xp.arange(size, device=backend.device(labels))
    ordered = xp.sort(labels)
    end = xp.searchsorted(ordered, index, side="right")
    return end - xp.searchsorted(ordered, index, side="left")


def _as_integers(counts: Array) -> list[int]:
    """Return a vector of integers, on whatever device, as Python's own."""
    import numpy as np

    if not hasattr(counts, "tolist"):  # TensorFlow, Dask
        counts = np.asarray(counts)
    return [int(n) for n in counts.tolist()]
