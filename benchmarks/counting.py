"""Labels counted in a second, beside what each library counts by itself: `nox -s counting`.

Both are timed in turns, by the processor time of all threads, and the fastest of each stands in the
table, which docs/counting.md shows.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import dask.array as da
import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import torch  # before TensorFlow

import tensorflow as tf  # isort: skip

import weightedce as w

CLASSES = 1000
Pair = tuple[Callable[[], object], Callable[[], object]]


def arrays(n: int) -> dict[str, Pair]:
    """Return by name what to time: ours, and the library's own."""
    labels = np.random.default_rng(0).integers(0, CLASSES, n)
    small = labels.astype("int32")
    here, short = torch.from_numpy(labels), torch.from_numpy(small)
    on_jax, tensor = jnp.asarray(small), tf.constant(small)
    lazy = da.from_array(labels, chunks=n // 8)

    def numpy() -> object:
        return np.bincount(labels, minlength=CLASSES)

    def dask() -> object:
        return da.bincount(lazy, minlength=CLASSES).compute()

    return {
        "NumPy, int64": (lambda: w.class_counts(labels, CLASSES), numpy),
        "NumPy, int32": (
            lambda: w.class_counts(small, CLASSES),
            lambda: np.bincount(small, minlength=CLASSES),
        ),
        "NumPy, `ignore_index=-100`": (
            lambda: w.class_counts(labels, CLASSES, ignore_index=-100),
            numpy,
        ),
        "PyTorch, int64": (
            lambda: w.class_counts(here, CLASSES),
            lambda: torch.bincount(here, minlength=CLASSES),
        ),
        "PyTorch, int32": (
            lambda: w.class_counts(short, CLASSES),
            lambda: torch.bincount(short, minlength=CLASSES),
        ),
        "JAX, int32": (
            lambda: jax.block_until_ready(w.class_counts(on_jax, CLASSES)),
            lambda: jax.block_until_ready(jnp.bincount(on_jax, length=CLASSES)),
        ),
        "TensorFlow, int32": (
            lambda: w.class_counts(tensor, CLASSES),
            lambda: tf.math.bincount(tensor, minlength=CLASSES, maxlength=CLASSES),
        ),
        "Dask, `class_counts`": (lambda: w.class_counts(lazy, CLASSES).compute(), dask),
        "Dask, a counter": (lambda: w.ClassCounter(CLASSES).update(lazy), dask),
        "Dask, a counter, `ignore_index=-100`": (
            lambda: w.ClassCounter(CLASSES, ignore_index=-100).update(lazy),
            dask,
        ),
    }


def files(n: int, folder: str) -> dict[str, Pair]:
    """Return the same for Parquet and a DataLoader, whose own is a loop around bincount."""
    labels = np.random.default_rng(0).integers(0, CLASSES, n)
    path = str(Path(folder) / "labels.parquet")
    table = pa.table({"id": np.arange(n, dtype="int32"), "label": labels})
    pa.parquet.write_table(table, path, row_group_size=1_000_000)
    data = torch.utils.data.TensorDataset(torch.from_numpy(labels[: n // 20]))
    order = torch.utils.data.BatchSampler(range(len(data)), 4096, drop_last=False)
    loader = torch.utils.data.DataLoader(data, batch_size=None, sampler=order)

    def batches() -> object:
        return pa.dataset.dataset(path).to_batches(columns=["label"])

    def parquet() -> object:
        counter = w.ClassCounter(CLASSES)
        for batch in batches():
            counter.update(batch["label"])
        return counter

    def bare_parquet() -> object:
        return sum(np.bincount(batch["label"].to_numpy(), minlength=CLASSES) for batch in batches())

    def loaded() -> object:
        counter = w.ClassCounter(CLASSES)
        for (y,) in loader:
            counter.update(y)
        return counter

    def bare_loaded() -> object:
        return sum(torch.bincount(y, minlength=CLASSES) for (y,) in loader)

    return {
        "Parquet, in batches": (parquet, bare_parquet),
        "DataLoader, batches of 4096": (loaded, bare_loaded),
    }


def fastest(pair: Pair, repeats: int) -> list[float]:
    """Return the seconds of processor time of ours and of the other, which take turns."""
    seconds: list[list[float]] = [[], []]
    for _ in range(repeats + 1):
        for call, times in zip(pair, seconds, strict=True):
            begin = time.process_time()
            call()
            times.append(time.process_time() - begin)
    return [min(times[1:]) for times in seconds]  # the first may compile


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=20_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    n = options.labels
    print("| million labels a second of processor time | ours | its own | ours / its own |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, pair in (arrays(n) | files(n, folder)).items():
            ours, own = fastest(pair, options.repeats)
            count = n // 20 if name.startswith("DataLoader") else n
            millions = [count / seconds / 1e6 for seconds in (ours, own)]
            print(f"| {name} | {millions[0]:.0f} | {millions[1]:.0f} | {own / ours:.2f} |")


if __name__ == "__main__":
    main()
