"""A file as features and labels: which column holds the classes, which ones are of use."""

import lzma
import zipfile
import zlib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

USUAL = ("label", "labels", "target", "class", "y", "outcome")  # what such a column is called
MOST_CLASSES = 20  # more are not compared: folds have too few rows of each
LARGEST = 1e150  # of a number whose square is one
MOST_NAMES = 50  # a column of more different words is text, or names the rows
DAMAGED = (EOFError, OSError, lzma.LZMAError, zipfile.BadZipFile, zlib.error)
SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


class Table(NamedTuple):
    """Rows to learn from.

    Parameters
    ----------
    name : str
        Of the file.
    features : DataFrame
        The columns that are of use.
    labels : ndarray
        (N,) integers 0..K-1.
    classes : tuple of str
        What the classes are called, in their order.
    column : str
        Which column they were in.
    notes : tuple of str
        What was left out or taken for something, a sentence each.
    """

    name: str
    features: pd.DataFrame
    labels: np.ndarray
    classes: tuple[str, ...]
    column: str
    notes: tuple[str, ...]

    @property
    def counts(self) -> np.ndarray:
        """How many rows each class has."""
        return np.bincount(self.labels, minlength=len(self.classes))

    @property
    def rare(self) -> int:
        """The class that has the fewest rows."""
        return int(self.counts.argmin())


def read(file: Path) -> pd.DataFrame:
    """Read CSV, TSV (compressed or not) or Parquet.

    Raises
    ------
    ValueError
        If it is no such file, or has no rows.
    """
    suffixes = [suffix.lower() for suffix in file.suffixes]
    try:
        if ".parquet" in suffixes:
            frame = _parquet(file)
        else:
            kind = next((SEPARATORS[suffix] for suffix in suffixes if suffix in SEPARATORS), None)
            if kind is None:
                raise ValueError(
                    f"{file}: expected .csv, .tsv or .parquet, compressed or not, got "
                    f"{''.join(file.suffixes) or 'no suffix'}"
                )
            frame = pd.read_csv(file, sep=kind, encoding="utf-8-sig", skipinitialspace=True)
            if frame.shape[1] == 1 and frame.columns[0].count(";") > 0:
                frame = pd.read_csv(file, sep=";", encoding="utf-8-sig", skipinitialspace=True)
    except UnicodeDecodeError:
        raise ValueError(f"{file}: no text in UTF-8: save it as such") from None
    except DAMAGED as error:  # whose words show what is in the file, and do not name it
        if getattr(error, "errno", None):
            raise
        raise ValueError(f"{file}: damaged, or not packed as its name says") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        said = str(error).splitlines()[0][:80] if str(error) else "nothing to read"
        raise ValueError(f"{file}: no table ({said})") from None
    frame.columns = [str(name).strip() for name in frame.columns]
    if ".parquet" not in suffixes and _numbers(list(frame.columns)):
        raise ValueError(
            f"{file}: the first line is no header, but numbers: name the columns there"
        )
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise ValueError(f"{file}: several columns are called {repeated[0]!r}")
    if not len(frame):
        raise ValueError(f"{file}: no rows, only a header")
    return frame


def _parquet(file: Path) -> pd.DataFrame:
    with file.open("rb") as stream:
        try:
            return pd.read_parquet(stream)
        except ImportError:
            raise ValueError(f"{file}: needs pyarrow: pip install 'weightedce[parquet]'") from None
        except ValueError:  # of pyarrow; OSError, which it has too
            raise ValueError(f"{file}: a damaged Parquet file") from None


def _numbers(titles: list[str]) -> bool:
    """Tell whether titles are numbers, but not those of the columns."""
    try:
        return [float(title) for title in titles] != list(range(len(titles)))
    except ValueError:
        return False


def candidates(frame: pd.DataFrame) -> list[str]:
    """Return the columns that may hold classes, the likeliest first."""
    few = [name for name in frame if 2 <= _different(frame[name]) <= MOST_CLASSES]
    whole = [name for name in few if not _measured(frame[name])]
    last = frame.columns[-1]

    def place(name: str) -> tuple[bool, bool, int]:
        usual = name.lower() in USUAL
        return (not usual, name != last, list(frame.columns).index(name))

    return sorted(whole, key=place)


def label_column(frame: pd.DataFrame) -> str | None:
    """Return the column of the classes where it is plain: by its name, or the last one."""
    found = candidates(frame)
    if not found:
        return None
    first = found[0]
    return first if first.lower() in USUAL or first == frame.columns[-1] else None


def table(name: str, frame: pd.DataFrame, column: str, folds: int) -> Table:
    """Tell features from labels.

    Raises
    ------
    ValueError
        If the column is not there, holds no classes, or too few rows of one.
    """
    if column not in frame:
        near = {title.lower(): title for title in frame}
        found = get_close_matches(column.lower(), near, 1)
        meant = f"; did you mean {near[found[0]]!r}?" if found else ""
        raise ValueError(f"--column: expected one of {', '.join(frame)}, got {column!r}{meant}")
    notes = []
    unlabelled = frame[column].isna()
    if unlabelled.any():
        notes.append(f"{int(unlabelled.sum()):,} rows without a label are left out.")
        frame = frame[~unlabelled]
    labels, classes = _classes(frame[column], column, folds)
    features = frame.drop(columns=column)
    for feature in list(features):
        why = _no_use(features[feature])
        if why:
            notes.append(f"The column {feature!r} is left out: {why}.")
            features = features.drop(columns=feature)
    if not features.shape[1]:
        raise ValueError(f"{name}: no column is left to learn from. " + " ".join(notes))
    return Table(name, features.reset_index(drop=True), labels, classes, column, tuple(notes))


def fewer(given: Table, rows: int, seed: int = 0) -> Table:
    """Return a sample with equal shares of the classes, if there are more rows than that."""
    if len(given.labels) <= rows:
        return given
    kept, _ = train_test_split(
        np.arange(len(given.labels)), train_size=rows, stratify=given.labels, random_state=seed
    )
    note = (
        f"{rows:,} of the {len(given.labels):,} rows are taken, drawn at random; --rows takes more."
    )
    return given._replace(
        features=given.features.iloc[kept].reset_index(drop=True),
        labels=given.labels[kept],
        notes=(*given.notes, note),
    )


def _classes(column: pd.Series, name: str, folds: int) -> tuple[np.ndarray, tuple[str, ...]]:
    values = sorted(column.unique().tolist(), key=lambda x: (isinstance(x, str), x))
    if len(values) < 2:
        raise ValueError(f"{name}: expected at least two classes, got one")
    if len(values) > MOST_CLASSES:
        raise ValueError(f"{name}: expected at most {MOST_CLASSES} classes, got {len(values):,}")
    code = {value: k for k, value in enumerate(values)}
    labels = column.map(code).to_numpy(dtype=np.int64)
    counts = np.bincount(labels)
    if counts.min() < 2 * folds:
        raise ValueError(
            f"{name}: expected at least {2 * folds} rows of each class for {folds} folds, got "
            f"{counts.min()} of the rarest"
        )
    return labels, tuple(_plain(value) for value in values)


def _plain(value: Any) -> str:
    """Return what a class is called: 1, not 1.0, of a column that had gaps."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def _different(column: pd.Series) -> int:
    """Return how many values there are, -1 for such as cannot be compared."""
    try:
        return int(column.nunique())
    except TypeError:
        return -1


def _measured(column: pd.Series) -> bool:
    """Tell measurements from labels: they have fractions."""
    if not pd.api.types.is_float_dtype(column):
        return False
    there = column.dropna()
    return bool((there != there.round()).any())


def _no_use(column: pd.Series) -> str | None:
    """Return why nothing can be learnt from a column, or None."""
    different = _different(column)
    if different < 0:
        return "it holds lists or the like"
    if different <= 1:
        return "it is the same everywhere"
    if pd.api.types.is_float_dtype(column) and column.abs().max() > LARGEST:
        return f"it holds infinities, or numbers above {LARGEST:g}"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "it holds times"
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_float_dtype(column):
        return None
    if pd.api.types.is_integer_dtype(column):
        steps = np.diff(column.to_numpy(dtype=np.float64, na_value=np.nan))
        return "it numbers the rows" if len(steps) and (steps == 1).all() else None
    if different > MOST_NAMES:
        return f"it holds {different:,} different words, which is text, or names of the rows"
    return None
