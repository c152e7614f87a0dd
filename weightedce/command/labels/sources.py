"""Which files are meant by what was written, and what kind each is: by its first bytes."""

import gzip
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import BinaryIO, NamedTuple

SUFFIXES = (".csv", ".tsv", ".tab", ".parquet", ".pq", ".npy", ".npz")
PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
KINDS = {b"\x93NUMPY": "npy", b"PK\x03\x04": "zip", b"PAR1": "parquet"} | PACKED
EXPECTED = {".npy": "npy", ".npz": "zip", ".parquet": "parquet", ".pq": "parquet"}
CALLED = {"npy": "a .npy array", "zip": "an .npz archive of arrays", "parquet": "a Parquet file"}
HEAD = 4096  # bytes


@dataclass(frozen=True)
class Source:
    """A file, or stdin."""

    name: str  # as errors call it
    path: Path | None
    size: int  # 0: not known

    @property
    def suffix(self) -> str:
        """Return the suffix that says what is in it: of ``a.csv.gz`` that of the CSV."""
        path = self.path or Path()
        return (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()


def expanded(written: list[str]) -> list[Source]:
    """Return the files that names, folders, patterns and ``-`` stand for, in their order."""
    found = [source for name in written for source in _sources(name)]
    if not found:
        raise ValueError("expected a file, got none")
    if written.count("-") > 1:
        raise ValueError("-: expected stdin once, since it is read to its end")
    return found


def _sources(name: str) -> Iterator[Source]:
    if name == "-":
        yield Source("stdin", None, 0)
        return
    path = Path(name)
    if path.is_dir():
        parts = sorted(part for part in path.rglob("*") if _counts(part.relative_to(path), part))
        if not parts:
            raise ValueError(f"{name}: expected a folder with files of {', '.join(SUFFIXES)}")
        for part in parts:
            yield Source(str(part), part, part.stat().st_size)
    elif not path.exists() and any(letter in name for letter in "*?["):
        matches = sorted(glob(name, recursive=True))  # noqa: PTH207 absolute ones too
        if not matches:
            raise ValueError(f"{name}: no file is called like that")
        for match in matches:
            yield from _sources(match)
    else:
        status = path.stat()
        regular = path.is_file()
        if regular and not status.st_size:
            raise ValueError(f"{name}: the file is empty")
        yield Source(name, path, status.st_size if regular else 0)


def _counts(inside: Path, part: Path) -> bool:
    """Tell whether a file of a folder holds labels: not what writers leave beside, ``_SUCCESS``."""
    hidden = any(name.startswith((".", "_")) for name in inside.parts)
    return not hidden and part.is_file() and Source("", part, 0).suffix in SUFFIXES


class Opened(NamedTuple):
    """The bytes of a source, unpacked, and what they are: of ``CALLED``, or ``"text"``."""

    stream: BinaryIO
    kind: str
    read: Callable[[], int]  # how many bytes of the file itself, 0 of a pipe


@contextmanager
def opened(source: Source) -> Iterator[Opened]:
    """Open a source."""
    with _raw(source) as raw:
        stream: BinaryIO = io.BufferedReader(raw)  # type: ignore[type-var]
        kind = _kind(stream)
        if kind == "gzip":
            stream = io.BufferedReader(gzip.GzipFile(fileobj=stream))
            kind = _kind(stream)
        if kind in PACKED.values():
            how = "twice" if kind == "gzip" else f"by {kind}"
            raise ValueError(f"{source.name}: packed {how}: expected no more than once by gzip")
        wanted = EXPECTED.get(source.suffix)
        if wanted is not None and wanted != kind:
            raise ValueError(f"{source.name}: expected {CALLED[wanted]}, as it is called")
        if kind == "zip" and source.suffix not in (".npz", ""):
            raise ValueError(f"{source.name}: a zip archive or a spreadsheet: save it as CSV")
        yield Opened(stream, kind, raw.tell if source.size else lambda: 0)


@contextmanager
def _raw(source: Source) -> Iterator[BinaryIO]:
    if source.path is None:
        yield sys.stdin.buffer
        return
    with source.path.open("rb", buffering=0) as raw:
        yield raw


def _kind(stream: BinaryIO) -> str:
    head = stream.peek(HEAD)[:HEAD]  # type: ignore[attr-defined]
    return next((kind for first, kind in KINDS.items() if head.startswith(first)), "text")


@contextmanager
def on_disk(source: Source, stream: BinaryIO) -> Iterator[Path]:
    """Yield a path where the bytes of a stream can be read in any order.

    The file itself, where it is one and not packed; else a copy, and not in memory.
    """
    if source.path is not None and source.size and source.path.suffix != ".gz":
        yield source.path
        return
    handle, name = tempfile.mkstemp(suffix=source.suffix)
    try:
        with os.fdopen(handle, "wb") as copy:
            while piece := stream.read(2**20):
                copy.write(piece)
        yield Path(name)
    finally:
        Path(name).unlink()
