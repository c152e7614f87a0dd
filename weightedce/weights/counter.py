"""Class counts of labels that come piece by piece."""

import zlib
from collections.abc import Mapping
from typing import Any, Self

from weightedce.backends import Array, backend_of, host
from weightedce.call.across import counts_across
from weightedce.call.columns import host_array, is_sequence
from weightedce.call.ignored import ignored
from weightedce.weights.counting import class_number, counts_here, label_array, labels_in


class ClassCounter:
    r"""Count classes in labels that come in pieces: batches, files, processes.

    .. math:: n_k = \sum_j \#\{i : y^{(j)}_i = k\}

    over the pieces j. The counts are those of `class_counts` on all labels at once, exactly:
    they are integers of 64 bits.

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

    def __init__(self, num_classes: int, *, ignore_index: Any = None) -> None:
        self._ignored = ignored(ignore_index, integer=True)
        self._counts = host_array("counts", [0] * class_number(num_classes), int)

    @property
    def num_classes(self) -> int:
        """K, the number of classes."""
        return len(self._counts)

    @property
    def ignore_index(self) -> Any:
        """The label that is not counted, or the labels, or None."""
        return self._ignored[0] if len(self._ignored) == 1 else self._ignored or None

    @property
    def counts(self) -> list[int]:
        """The counts so far, as Python integers: what the estimators of weights take."""
        found: list[int] = self._counts.tolist()
        return found

    def update(self, labels: Any) -> Self:
        """Count one more piece, of any library and shape; return the counter itself.

        A label outside 0..K-1 is a ValueError, on an accelerator and in Dask too, and leaves
        the counter as it was. A Dask array is computed once, block by block.
        """
        size = self.num_classes
        if is_sequence(labels):
            labels = host_array("labels", labels)
        labels = label_array(labels)
        here = counts_here(labels, size, self._ignored)
        if here is not None:
            self._counts = self._counts + here
            return self
        found = labels_in(labels, size, self._ignored)
        backend = backend_of(found.labels)
        if found.outside is None:
            self._counts = self._counts + _on_host(backend.bincount(found.labels, size))
            return self
        # K + 1 counters: where nothing could be raised before, the last one tells
        counts, xp = backend.bincount(found.labels, size + 1), backend.namespace
        if found.keep is not None:  # computed along with it, since a lazy array is read once
            kept = backend.count(found.keep, counts.dtype)
            counts = xp.concat([counts, xp.reshape(kept, (1,))])
        counts = _on_host(counts)
        kept = sum(counts[: size + 1]) if found.keep is None else counts[-1]
        others = kept - sum(counts[:size])
        if others:
            raise ValueError(f"labels: expected values in 0..{size - 1}, got {others} others")
        self._counts = self._counts + counts[:size]
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
        self._counts = self._counts + other._counts
        return self

    def across(self, devices: Any = None) -> Self:
        r"""Return a counter with the counts of all processes, of which each has counted a part.

        .. math:: n_k = \sum_r n_k^{(r)}

        over the processes r. Every process must call it, one without labels too; this counter
        stays as it is.

        Parameters
        ----------
        devices : optional
            PyTorch: a ``ProcessGroup`` or ``DeviceMesh``. By default all processes of
            torch.distributed or jax.distributed, or the replicas of an eager ``strategy.run`` of
            TensorFlow, whichever is at work; where none is, the counts are those of this process.

        Returns
        -------
        ClassCounter
            With the same options.

        Raises
        ------
        TypeError, ValueError
            If ``devices`` is no group or mesh, or holds this process not; if several libraries
            have processes; on all processes, if the counters have unlike options.

        Notes
        -----
        Two collectives, of 3 and of K integers of 64 bits. Inside of compiled code no counter can
        be: under ``jax.shard_map`` write ``jax.lax.psum(class_counts(labels, K), axis)``.

        Examples
        --------
        >>> ClassCounter(3).update([0, 2, 0]).across()
        ClassCounter(3, counts=[2, 0, 1])
        """
        options = zlib.crc32(repr(self._options()).encode()) >> 8
        counter = type(self)(self.num_classes, ignore_index=self.ignore_index)
        counter._counts = counts_across(self._counts, devices, options)
        return counter

    def to_dict(self) -> dict[str, Any]:
        """Return the state as plain numbers, for JSON, YAML or a checkpoint."""
        return {"counts": self.counts, "ignore_index": self.ignore_index}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Return a counter with the state that `to_dict` returned."""
        if not isinstance(state, Mapping) or not {"counts", "ignore_index"} <= set(state):
            raise ValueError(f"state: expected what to_dict returned, got {state!r:.80}")
        counts = list(state["counts"])
        if not all(type(n) is int and n >= 0 for n in counts):
            raise ValueError(f"state: expected counts that are integers >= 0, got {counts!r:.80}")
        counter = cls(len(counts), ignore_index=state["ignore_index"])
        counter._counts += host_array("state", counts, int)
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
        return f"{type(self).__name__}({self.num_classes}, {ignoring}counts={self.counts})"

    def _options(self) -> tuple[int, Any]:
        return self.num_classes, self.ignore_index


def _on_host(counts: Array) -> Array:
    """Return a vector of integers, on whatever device, as a NumPy array."""
    found = backend_of(counts).to_host(counts)
    if found is not None:
        return host().namespace.asarray(found)
    try:
        found = counts.tolist() if hasattr(counts, "tolist") else counts  # an accelerator; Dask
        return host().namespace.asarray(found)
    except (TypeError, NotImplementedError) as error:  # of JAX, of TensorFlow
        raise TypeError(
            "labels: expected labels that can be read, got traced ones: in compiled code add up "
            "what class_counts returns"
        ) from error
