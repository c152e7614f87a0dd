"""Counts labels in a file piece by piece: .npy arrays and columns of CSV."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from weightedce.weights.counter import ClassCounter

CHUNK = 1_000_000  # labels of an array at a time
MOST_CLASSES = 100_000  # more are no labels: a column of names, numbers or times, say


def count(
    file: Path,
    column: str | None = None,
    header: bool = True,
    delimiter: str = ",",
    names: bool = False,
    ignore: frozenset[str] | set[str] = frozenset(),
) -> dict[str, int]:
    """Return how often each label occurs, by label, in the order of the classes.

    Raises
    ------
    ValueError
        If the file or what is in it is no labels; the message says where.
    """
    if file.is_dir():
        raise ValueError(f"{file}: expected a .npy or .csv file, got a folder")
    if file.stat().st_size == 0:
        raise ValueError(f"{file}: the file is empty")
    if file.suffix == ".npy":
        if column is not None:
            raise ValueError(f"--column: a .npy file has no columns, got {column!r}")
        return _count_array(file, names, ignore)
    return _count_csv(file, column, header, delimiter, names, ignore)


def _count_csv(
    file: Path,
    column: str | None,
    header: bool,
    delimiter: str,
    names: bool,
    ignore: frozenset[str] | set[str],
) -> dict[str, int]:
    if len(delimiter) != 1:
        raise ValueError(f"--delimiter: expected one character, got {delimiter!r}")
    counts: dict[str, int] = {}
    first_line: dict[str, int] = {}
    left_out = () if names else _integers(ignore)
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = _rows(file, csv.reader(lines, delimiter=delimiter))
        index, start = _column(file, rows, column, header, names)
        for number, row in start:
            if len(row) <= index:
                raise ValueError(
                    f"{file}: line {number}: expected at least {index + 1} columns, got {len(row)}"
                )
            label = row[index].strip()
            if label in ignore or (left_out and _integer(label) in left_out):
                continue
            if not label:
                raise ValueError(f"{file}: line {number}: no label; --ignore '' leaves such out")
            if label not in counts:
                counts[label], first_line[label] = 0, number
                _check_number(file, counts)
            counts[label] += 1
    if not counts:
        raise ValueError(f"{file}: no labels, only a header" if header else f"{file}: no labels")
    where = {label: f"line {number}" for label, number in first_line.items()}
    return _in_order(file, counts, where, names)


Rows = Iterator[tuple[int, list[str]]]


def _rows(file: Path, reader: Iterator[list[str]]) -> Rows:
    """Yield lines that are not empty, with their numbers."""
    number = 0
    try:
        for row in reader:
            number = getattr(reader, "line_num", number + 1)
            if row:
                yield number, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{file}: after line {number}: no CSV in UTF-8 ({error})") from None


def _column(
    file: Path, rows: Rows, column: str | None, header: bool, names: bool
) -> tuple[int, Rows]:
    """Return which column to read, and the rows that hold labels."""
    first = next(rows, None)
    if first is None:
        raise ValueError(f"{file}: the file is empty")
    number, row = first
    titles = [title.strip() for title in row]
    if not header:
        if column is not None and not column.isdecimal():
            raise ValueError(
                f"--column: without a header, expected a number from 1, got {column!r}"
            )
        index = int(column or 1) - 1
        if column is None and len(row) > 1:
            raise ValueError(f"{file}: {len(row)} columns: choose one with --column 1..{len(row)}")
        if not 0 <= index < len(row):
            raise ValueError(f"--column: expected 1..{len(row)}, got {column}")

        def again() -> Rows:
            yield number, row
            yield from rows

        return index, again()
    if not names and all(_integer(title) is not None for title in titles):
        raise ValueError(
            f"{file}: the first line, {','.join(titles)!r:.60}, is no header: name the columns "
            f"there, or say --no-header"
        )
    if column is None and len(titles) > 1:
        raise ValueError(f"{file}: choose one with --column: {', '.join(titles)}")
    if column is not None and column not in titles:
        raise ValueError(f"--column: expected one of {', '.join(titles)}, got {column!r}")
    if column is not None and titles.count(column) > 1:
        raise ValueError(f"{file}: {titles.count(column)} columns are called {column!r}")
    return (titles.index(column) if column is not None else 0), rows


def _count_array(file: Path, names: bool, ignore: frozenset[str] | set[str]) -> dict[str, int]:
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{file}: expected a .npy array ({error})") from None
    if array.dtype.kind not in "iubU":
        raise ValueError(f"{file}: expected labels, integers or names, got dtype {array.dtype}")
    flat = array.reshape(-1)
    if not flat.size:
        raise ValueError(f"{file}: the array is empty, of shape {array.shape}")
    if array.dtype.kind in "iub" and not names:
        return _count_integers(file, array if array.ndim else flat, ignore)
    pieces = [slice(start, start + CHUNK) for start in range(0, flat.size, CHUNK)]
    counts: dict[str, int] = {}
    for piece in pieces:
        found, numbers = np.unique(flat[piece], return_counts=True)
        for label, n in zip(map(str, found.tolist()), numbers.tolist(), strict=True):
            if label not in ignore:
                counts[label] = counts.get(label, 0) + n
        _check_number(file, counts)
    return _in_order(file, counts, dict.fromkeys(counts, "the array"), names)


def _count_integers(
    file: Path, array: np.ndarray, ignore: frozenset[str] | set[str]
) -> dict[str, int]:
    """Count integers with two passes over the file: the largest says how many classes there are.

    By rows, not flat: what is one-hot is then refused.
    """
    rows = max(1, CHUNK * len(array) // array.size)
    pieces = [slice(start, start + rows) for start in range(0, len(array), rows)]
    left_out = _integers(ignore)

    def kept(piece: slice) -> np.ndarray:
        labels = np.asarray(array[piece])
        labels = labels.astype("uint8") if labels.dtype == bool else labels
        return labels[~np.isin(labels, left_out)] if left_out else labels

    largest = -1
    for piece in pieces:
        labels = kept(piece)
        if labels.size:
            _check_range(file, int(labels.min()), "the array")
            largest = max(largest, int(labels.max()))
            _check_range(file, largest, "the array")
    if largest < 0:
        raise ValueError(f"{file}: no labels")
    counter = ClassCounter(largest + 1)
    for piece in pieces:
        try:
            counter.update(kept(piece))
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from None
    return {str(k): n for k, n in enumerate(counter.counts)}


def _in_order(
    file: Path, counts: dict[str, int], where: dict[str, str], names: bool
) -> dict[str, int]:
    """Put labels in the order of the classes: integers from 0 on, or names."""
    values = {label: _integer(label) for label in counts}
    integers = [value for value in values.values() if value is not None]
    if names or not integers:
        if not names:
            _no_numbers(file, counts, where)
        return {label: counts[label] for label in sorted(counts)}
    for label, value in values.items():
        if value is None:
            raise ValueError(
                f"{file}: {where[label]}: expected an integer, as elsewhere, got {label!r}; "
                f"--names takes all as names, --ignore {label!r} leaves it out"
            )
        _check_range(file, value, where[label])
    found = dict.fromkeys(range(max(integers) + 1), 0)
    for label, value in values.items():
        if value is not None:
            found[value] += counts[label]
    return {str(k): n for k, n in found.items()}


def _no_numbers(file: Path, counts: dict[str, int], where: dict[str, str]) -> None:
    """Refuse measurements: they are no names."""
    for label in counts:
        try:
            float(label)
        except ValueError:
            continue
        raise ValueError(f"{file}: {where[label]}: expected a class label, got {label!r}")


def _check_number(file: Path, counts: dict[str, int]) -> None:
    if len(counts) > MOST_CLASSES:
        raise ValueError(
            f"{file}: expected labels, got more than {MOST_CLASSES:,} different values"
        )


def _check_range(file: Path, value: int, where: str) -> None:
    if value < 0:
        raise ValueError(
            f"{file}: {where}: expected labels from 0 on, got {value}; --ignore {value} leaves it "
            f"out, --names takes all as names"
        )
    if value >= MOST_CLASSES:
        raise ValueError(f"{file}: {where}: expected labels below {MOST_CLASSES:,}, got {value}")


def _integers(labels: Iterable[str]) -> list[int]:
    return [value for label in labels if (value := _integer(label)) is not None]


def _integer(label: str) -> int | None:
    """Return a label as an integer, ``3.0`` too, as data frames write columns with gaps."""
    try:
        return int(label)
    except ValueError:
        pass
    try:
        number = float(label)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None
