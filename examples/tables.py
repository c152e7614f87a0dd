"""Read a table, hold half of it out, standardise."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split

FOLDER = Path(__file__).parent / "data"
RARE = {
    "page-blocks0": "blocks of a scanned page that are not text",
    "abalone19": "abalones (sea snails) with 19 rings",
    "yeast4": "yeast proteins in the membrane, with an uncleaved signal (ME2)",
}
CATEGORICAL = {"sex"}


class Table(NamedTuple):
    """Half of the rows to train on, the other half to measure on."""

    train_features: np.ndarray
    test_features: np.ndarray
    train_labels: np.ndarray
    test_labels: np.ndarray


def read(name: str, dtype: str, seed: int) -> Table:
    """Read ``data/NAME.csv``; ``seed`` draws the halves, which hold equal shares of rare rows."""
    with (FOLDER / f"{name}.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    columns = dict(zip(header, np.array(rows).T, strict=True))
    labels = columns.pop("label").astype(np.int64)
    features = np.column_stack([numbers(title, column) for title, column in columns.items()])
    train, test, train_labels, test_labels = train_test_split(
        features, labels, test_size=0.5, stratify=labels, random_state=seed
    )
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    train, test = ((half - mean) / deviation for half in (train, test))
    return Table(train.astype(dtype), test.astype(dtype), train_labels, test_labels)


def numbers(title: str, column: np.ndarray) -> np.ndarray:
    """Return the column as numbers: one 0/1 column a value where it holds categories."""
    if title in CATEGORICAL:
        return (column[:, None] == np.unique(column)).astype(float)
    return column.astype(float)
