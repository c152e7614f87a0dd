"""Counts columns of CSV and TSV."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from itertools import chain
from typing import BinaryIO

from weightedce.command.labels.sources import HEAD, Source
from weightedce.command.labels.tally import Options, Tally, integer

Seen = Callable[[], None]
Rows = Iterator[tuple[int, list[str]]]
JSON = re.compile(r'\s*(\{|\[)\s*(["\[{]|$)')
OFTEN = 2**16  # rows between two looks at how far the file is read


def count_text(
    source: Source, stream: BinaryIO, options: Options, tallies: list[Tally], seen: Seen
) -> None:
    """Count the rows of a table, each of the columns into its tally."""
    head = stream.peek(HEAD)[:HEAD]  # type: ignore[attr-defined]
    encoding = _encoding(source, head, options.encoding)
    with io.TextIOWrapper(stream, encoding=encoding, newline="") as lines:
        try:
            first = next(lines, "")
            if JSON.match(first):  # whose first line would be shown as names of columns
                raise ValueError(f"{source.name}: looks like JSON: expected a table, such as CSV")
            delimiter = options.delimiter
            if delimiter is None:
                delimiter = _delimiter(source, first)
            if len(delimiter) != 1:
                raise ValueError(f"--delimiter: expected one character, got {delimiter!r}")
            rows = _rows(
                source, csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
            )
            width, indices, start = _columns(source, rows, options, tallies)
            columns = [(i, tally.counts, tally) for i, tally in zip(indices, tallies, strict=True)]
            number = 0
            for number, row in start:
                if len(row) != width:
                    _check_width(f"{source.name}: line {number}", row, width, max(indices))
                for index, counts, tally in columns:
                    label = row[index].strip()
                    if label in counts:
                        counts[label] += 1
                    else:
                        tally.add(label, 1, f"{source.name}: line {number}")
                if not number % OFTEN:
                    seen()
        except UnicodeError:
            raise ValueError(
                f"{source.name}: no text in {encoding.removesuffix('-sig').upper()}; --encoding "
                f"latin-1 reads what older programs for Windows write"
            ) from None


def _check_width(where: str, row: list[str], width: int, last: int) -> None:
    """Refuse a row that is too short, or longer than the first by more than nothing."""
    if len(row) <= last:
        raise ValueError(f"{where}: expected at least {last + 1} columns, got {len(row)}")
    if any(row[width:]):
        raise ValueError(
            f"{where}: expected {width} columns, as in the first line, got {len(row)}: is "
            f"--delimiter right, and what holds it in quotes?"
        )


def _encoding(source: Source, head: bytes, encoding: str) -> str:
    """Return the encoding of a text, by its first bytes where they say it; refuse what is none."""
    if not head:
        raise ValueError(f"{source.name}: the file is empty")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in head and not encoding.replace("_", "-").startswith(("utf-16", "utf-32")):
        raise ValueError(f"{source.name}: binary, no table of text")
    try:
        "".encode(encoding)
    except (LookupError, UnicodeError):
        raise ValueError(f"--encoding: expected one that Python knows, got {encoding!r}") from None
    return encoding


def _delimiter(source: Source, first: str) -> str:
    """Return what separates the titles: a comma, if there is one outside of quotes."""
    if source.suffix in (".tsv", ".tab"):
        return "\t"
    plain = re.sub(r'"[^"]*"', "", first)
    if "," in plain:
        return ","
    found = max(";\t|", key=plain.count)
    return found if found in plain else ","


def _rows(source: Source, reader: Iterator[list[str]]) -> Rows:
    """Yield lines that are not empty, with their numbers."""
    number = 0
    try:
        for row in reader:
            number = getattr(reader, "line_num", number + 1)
            if row:
                yield number, row
    except csv.Error as error:
        raise ValueError(f"{source.name}: after line {number}: no CSV ({error})") from None


def _columns(
    source: Source, rows: Rows, options: Options, tallies: list[Tally]
) -> tuple[int, list[int], Rows]:
    """Return how many columns there are, which to read, and the rows that hold labels."""
    first = next(rows, None)
    if first is None:
        raise ValueError(f"{source.name}: the file is empty")
    row = [title.strip() for title in first[1]]
    if not options.header:
        return len(row), _numbered(source, len(row), options), chain([first], rows)
    if not options.names and all(integer(title) is not None for title in row):
        raise ValueError(
            f"{source.name}: the first line is no header, but numbers: name the columns there, or "
            f"say --no-header"
        )
    chosen = choose(source.name, row, options)
    for tally, index in zip(tallies, chosen, strict=True):
        tally.title, tally.title_from_text = row[index], True
    return len(row), chosen, rows


def _numbered(source: Source, width: int, options: Options) -> list[int]:
    for column in options.columns:
        if not column.isdecimal():
            raise ValueError(
                f"--column: without a header, expected a number from 1, got {column!r}"
            )
        if not 1 <= int(column) <= width:
            raise ValueError(f"--column: expected 1..{width}, got {column}")
    if not options.columns and width > 1:
        raise ValueError(f"{source.name}: {width} columns: choose one with --column 1..{width}")
    return [int(column) - 1 for column in options.columns or ("1",)]


def choose(name: str, titles: list[str], options: Options) -> list[int]:
    """Return the places of the columns that are asked for; of a single one, that."""
    shown = ", ".join(title or "''" for title in titles)
    if not options.columns:
        if len(titles) > 1:
            raise ValueError(f"{name}: choose one with --column: {shown}")
        return [0]
    for column in options.columns:
        if column not in titles:
            lower = {title.lower(): title for title in titles}
            near = get_close_matches(column.lower(), lower, 1)
            meant = f"; did you mean {lower[near[0]]!r}?" if near else ""
            raise ValueError(f"--column: expected one of {shown}, got {column!r}{meant}")
        if titles.count(column) > 1:
            raise ValueError(
                f"{name}: {titles.count(column)} columns are called {column!r}: --no-header takes "
                f"their numbers, and --ignore {column!r} the title"
            )
    return [titles.index(column) for column in options.columns]
