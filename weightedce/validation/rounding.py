"""Numbers as the formats of libraries hold them."""

import numpy as np


def round_to(x: np.ndarray, dtype: str) -> np.ndarray:
    """Round float64 numbers to a format, to the nearest, ties to even; return them as float64."""
    if dtype != "bfloat16":
        return np.asarray(x).astype(dtype).astype("float64")
    bits = np.ascontiguousarray(x, dtype="float32").view("uint32").astype("uint64")
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    kept = np.where(np.isfinite(x), rounded, bits).astype("uint32").view("float32")
    return kept.astype("float64").reshape(np.shape(x))
