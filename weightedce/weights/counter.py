"""Class counts of labels that come piece by piece."""

from collections.abc import Mapping
from typing import Any, Self

from weightedce.backends import Array, backend_of, host
from weightedce.call import options
from weightedce.call.arguments import column, host_array
from weightedce.call.targets import all_inside, class_labels
from weightedce.weights.counting import class_number


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
        self._counts = [0] * class_number(num_classes)

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
        labels = class_labels("labels", column(labels))
        xp = backend_of(labels).namespace
        outside = (labels < 0) | (labels >= size)
        if self.ignore_index is not None:
            ignored = labels == self.ignore_index
            outside = outside & ~ignored
            labels = xp.where(ignored, size + 1, labels)
        all_inside("labels", labels, outside, 0, size - 1)
        # K + 1 counters: where nothing could be raised before, the last one tells.
        labels = xp.reshape(xp.where(outside, size, labels), (-1,))
        *counts, others = _as_integers(backend_of(labels).bincount(labels, size + 1))
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


def _as_integers(counts: Array) -> list[int]:
    """Return a vector of integers, on whatever device, as Python's own."""
    if not hasattr(counts, "tolist"):  # TensorFlow, Dask
        counts = host().namespace.asarray(counts)
    return [int(n) for n in counts.tolist()]
