"""Counts of labels that lie in this memory, by blocks that stay in the cache: nothing is copied."""

from collections.abc import Iterator
from math import isnan
from numbers import Real

from weightedce.backends import Array, host
from weightedce.call.ignored import Ignored

BLOCK = 2**16  # labels: of twice as many, with their 64 bits, half are out of the cache again
MOST = 10**8  # a label above it has no counts that fit in memory: it is an identifier


def counted(labels: Array, classes: int | None, ignore: Ignored) -> Array | None:
    """Return how often 0..classes-1 occur in an array of NumPy, or as many as there are.

    None where there is something to be said: to find the label that is none, and where it
    stands, is left to who says it. So it is with what cannot be read, such as a traced number.
    """
    if labels.dtype.kind not in "biuf" or not all(isinstance(label, Real) for label in ignore):
        return None
    flat = labels.ravel(order="K")  # counts know no order, and a transposed array is no copy
    if classes is None:
        largest = max((_largest(block, ignore) for block in _blocks(flat, BLOCK)), default=-1)
        if not 0 <= largest <= MOST:
            return None
        classes = int(largest) + 1
    xp = host().namespace
    counts = xp.zeros(classes, dtype=xp.int64)
    for block in _blocks(flat, max(BLOCK, 4 * classes)):
        found = _of_block(block, classes, ignore)
        if found is None:
            return None
        counts += found
    for label in ignore:
        if 0 <= label < classes:
            counts[int(label)] = 0
    return counts


def _blocks(flat: Array, size: int) -> Iterator[Array]:
    for start in range(0, flat.shape[0], size):
        yield flat[start : start + size]


def _of_block(block: Array, classes: int, ignore: Ignored) -> Array | None:
    """Return the counts of a block, what is ignored among them, or None if others are outside."""
    xp = host().namespace
    whole, nulls = _whole(block) if block.dtype.kind == "f" else (block, 0)
    if whole is None or (nulls and not any(isnan(label) for label in ignore)):
        return None
    if whole.dtype != xp.int64:
        whole = whole.astype(xp.int64)
    if whole.min() >= 0 and whole.max() < classes:
        return xp.bincount(whole, minlength=classes)
    # without a sign negative ones are larger than all others: the last counter has what is outside
    unsigned = xp.minimum(whole.view(xp.uint64), xp.uint64(classes))
    counts = xp.bincount(unsigned.view(xp.int64), minlength=classes + 1)
    numbers = {label for label in ignore if not isnan(label) and not 0 <= label < classes}
    ignored = sum(xp.count_nonzero(whole == label) for label in numbers)
    return counts[:classes] if counts[classes] == nulls + ignored else None


def _whole(block: Array) -> tuple[Array | None, int]:
    """Return floats as integers, NaN as the least, and how many of these; None if some are none."""
    xp = host().namespace
    with xp.errstate(invalid="ignore"):
        whole = block.astype(xp.int64)
    unlike = whole != block
    others = int(xp.count_nonzero(unlike))
    if not others:
        return whole, 0
    nulls = block != block
    whole[nulls] = xp.iinfo(xp.int64).min
    return (whole, others) if others == xp.count_nonzero(nulls) else (None, others)


def _largest(block: Array, ignore: Ignored) -> float:
    """Return the largest label that is not ignored, or -1."""
    for label in ignore:
        block = block[block == block] if isnan(label) else block[block != label]
    if not block.shape[0]:
        return -1
    largest: float = block.max().item()
    return largest if largest == largest else -1
