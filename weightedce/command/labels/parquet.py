"""Counts columns of Parquet, batch by batch, by way of pyarrow."""

from collections.abc import Callable
from typing import Any, BinaryIO

from weightedce.backends.missing import needed_by
from weightedce.command.labels.sources import Source, on_disk
from weightedce.command.labels.tally import Options, Tally
from weightedce.command.labels.text import choose

with needed_by("a Parquet file"):
    import pyarrow as pa
    import pyarrow.dataset
    from pyarrow import types

Share = Callable[[float], None]
LABELS = (
    types.is_integer,
    types.is_boolean,
    types.is_string,
    types.is_large_string,
    types.is_string_view,
    types.is_floating,
    types.is_decimal,
    types.is_null,
)


def count_parquet(
    source: Source, stream: BinaryIO, options: Options, tallies: list[Tally], share: Share
) -> None:
    """Count columns of a file, each into its tally; keys of the folders around are columns too."""
    with on_disk(source, stream) as path:
        try:
            data = pa.dataset.dataset(str(path), format="parquet", partitioning="hive")
            titles, rows = list(data.schema.names), data.count_rows()
        except (pa.ArrowException, OSError):
            raise ValueError(f"{source.name}: a damaged Parquet file") from None
        places = choose(source.name, titles, options)
        columns = list(dict.fromkeys(titles[place] for place in places))
        for column in columns:
            _check_type(source.name, column, data.schema.field(column).type)
        for tally, place in zip(tallies, places, strict=True):
            tally.title = titles[place]
        done = 0
        try:
            for batch in data.to_batches(columns=columns):
                for tally in tallies:
                    _add(batch.column(tally.title), tally, f"{source.name}: rows from {done:,} on")
                done += batch.num_rows
                share(done / max(rows, 1))
        except (pa.ArrowException, OSError):
            raise ValueError(f"{source.name}: after row {done:,}: a damaged Parquet file") from None


def _check_type(name: str, column: str, kind: Any) -> None:
    values = kind.value_type if types.is_dictionary(kind) else kind
    if not any(check(values) for check in LABELS):
        raise ValueError(
            f"{name}: {column}: expected labels, integers or names, got a column of type {kind}"
        )


def _add(column: Any, tally: Tally, where: str) -> None:
    found = column.value_counts()
    values, numbers = found.field("values").to_pylist(), found.field("counts").to_pylist()
    for value, n in zip(values, numbers, strict=True):
        if value is None or value != value:
            label = ""
        elif isinstance(value, bool):
            label = str(int(value))
        else:
            label = str(value).strip()
        tally.add(label, n, where)
