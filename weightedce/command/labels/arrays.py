"""Counts .npy arrays, and those of .npz archives, without taking one into memory."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from weightedce.command.labels.sources import Source, on_disk
from weightedce.command.labels.tally import MOST_CLASSES, Options, Tally
from weightedce.command.labels.text import choose

CHUNK = 1_000_000  # labels at a time
Share = Callable[[float], None]


def count_npy(
    source: Source, stream: BinaryIO, options: Options, tally: Tally, share: Share
) -> None:
    """Count an array."""
    if options.columns:
        raise ValueError(f"--column: a .npy file has no columns, got {options.columns[0]!r}")
    with on_disk(source, stream) as path:
        _count(source.name, path, tally, share)


def count_npz(
    source: Source, stream: BinaryIO, options: Options, tallies: list[Tally], share: Share
) -> None:
    """Count arrays of an archive, whose names are those of columns."""
    with on_disk(source, stream) as path:
        try:
            archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise ValueError(f"{source.name}: a damaged archive ({error})") from None
        with archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            for index, tally in zip(choose(source.name, names, options), tallies, strict=True):
                name = f"{source.name}: {names[index]}"
                member = archive.open(archive.namelist()[index])
                part = Source(name, None, 0)
                with member, on_disk(part, member) as unpacked:  # type: ignore[arg-type]
                    _count(name, unpacked, tally, share)
                tally.title = names[index]


def _count(name: str, path: Path, tally: Tally, share: Share) -> None:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError):
        raise ValueError(f"{name}: expected a .npy array of numbers or text, whole") from None
    if array.dtype.kind not in "iubfU":
        raise ValueError(f"{name}: expected labels, integers or names, got dtype {array.dtype}")
    if not array.size:
        raise ValueError(f"{name}: the array is empty, of shape {array.shape}")
    rows = array if array.ndim else array.reshape(1)
    size = max(1, CHUNK * len(rows) // rows.size)
    one_hot = rows.ndim == 2 and rows.shape[1] > 1 and rows.dtype.kind != "U"
    for start in range(0, len(rows), size):
        block = np.asarray(rows[start : start + size])
        one_hot = one_hot and _is_one_hot(block)
        for label, n in _values(block):
            tally.add(label, n, f"{name}: the array")
        share(min(1.0, (start + size) / len(rows)))
    if one_hot and not tally.options.names:
        raise ValueError(
            f"{name}: labels: expected class numbers, got what looks one-hot, of shape "
            f"{array.shape} with a single 1 in each row: save labels.argmax(1)"
        )


def _is_one_hot(block: np.ndarray) -> bool:
    hits = block == 1
    return bool((hits.sum(axis=1) == 1).all() and (hits | (block == 0)).all())


def _values(block: np.ndarray) -> list[tuple[str, int]]:
    """Return each label as text, and how often it occurs."""
    flat: Any = block.reshape(-1)
    if flat.dtype == bool:
        flat = flat.view(np.uint8)
    if flat.dtype.kind in "iu" and flat.min() >= 0 and flat.max() < MOST_CLASSES:
        counts = np.bincount(flat.astype(np.int64))
        found = np.flatnonzero(counts)
        return [(str(k), n) for k, n in zip(found.tolist(), counts[found].tolist(), strict=True)]
    found, numbers = np.unique(flat, return_counts=True)
    pairs = zip(found.tolist(), numbers.tolist(), strict=True)
    return [("" if label != label else str(label), n) for label, n in pairs]
