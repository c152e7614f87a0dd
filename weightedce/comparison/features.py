"""Columns as numbers, with what only the training rows say."""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def numbers(train: pd.DataFrame, test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return both as float64 with mean 0 and deviation 1: the median where a number is missing.

    With a column that says so; a column of words becomes one column a word.
    """
    measured = [name for name in train if pd.api.types.is_numeric_dtype(train[name])]
    words = [name for name in train if name not in measured]
    change = make_column_transformer(
        (
            make_pipeline(
                SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
                StandardScaler(),
            ),
            measured,
        ),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
    )
    parts = [part.astype(dict.fromkeys(measured, "float64")) for part in (train, test)]
    for part in parts:
        part[words] = part[words].astype("string").fillna("").astype(object)
    return np.asarray(change.fit_transform(parts[0])), np.asarray(change.transform(parts[1]))
