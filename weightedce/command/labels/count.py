"""From what was written to a tally of each column: opens each file, and has its kind read it."""

import zlib
from collections.abc import Callable
from functools import partial
from gzip import BadGzipFile

from weightedce.command.labels import arrays, text
from weightedce.command.labels.sources import Opened, Source, expanded, opened
from weightedce.command.labels.tally import Options, Tally

Done = Callable[[float], None]  # bytes
Progress = Callable[[float, float], None]  # bytes, of how many; 0 where nobody knows


def count(written: list[str], options: Options, progress: Progress) -> list[Tally]:
    """Return a tally of each column that is asked for, over all files.

    Raises
    ------
    ValueError, OSError
        If a file or what is in it is no labels; the message says where.
    ModuleNotFoundError
        For Parquet without pyarrow.
    """
    sources = expanded(written)
    total = sum(source.size for source in sources)
    tallies = [Tally(options) for _ in options.columns or ("",)]
    before = 0
    for source in sources:
        try:
            with opened(source) as file:
                _count(source, file, tallies, partial(_later, progress, before, total))
        except (EOFError, zlib.error, BadGzipFile):
            raise ValueError(f"{source.name}: a damaged or cut .gz file") from None
        before += source.size
        progress(before, total)
    for tally in tallies:
        if not tally.counts:
            several = f"{len(sources)} files" if len(sources) > 1 else sources[0].name
            only = ", only a header" if tally.title is not None and options.header else ""
            only = " but those that --ignore leaves out" if tally.left_out else only
            raise ValueError(f"{several}: no labels{only}")
    return tallies


def _later(progress: Progress, before: int, total: int, done: float) -> None:
    progress(before + done, total)


def _count(source: Source, file: Opened, tallies: list[Tally], done: Done) -> None:
    """Count one file; ``done`` wants to know how many of its bytes are read."""
    options = tallies[0].options

    def share(part: float) -> None:
        done(part * source.size)

    if file.kind == "text":
        text.count_text(source, file.stream, options, tallies, lambda: done(file.read()))
    elif file.kind == "npy":
        arrays.count_npy(source, file.stream, options, tallies[0], share)
    elif file.kind == "zip":
        arrays.count_npz(source, file.stream, options, tallies, share)
    else:
        from weightedce.command.labels.parquet import count_parquet

        count_parquet(source, file.stream, options, tallies, share)
