"""PyTorch: arrays of NumPy in a form that torch takes without a warning."""

from typing import Any

import numpy as np

KNOWN = {np.dtype(x) for x in ("bool", "uint8", "int8", "int16", "int32", "int64")}
KNOWN |= {np.dtype(x) for x in ("float16", "float32", "float64")}


def native(values: Any) -> Any:
    """Return the array in a dtype and a layout that torch knows."""
    values = np.asarray(values)
    kind = values.dtype
    if kind not in KNOWN:
        if kind.kind == "u":  # what int64 does not hold is no label either: not to wrap around
            most = np.uint64(np.iinfo(np.int64).max)
            values = np.minimum(values.astype(np.uint64), most).astype(np.int64)
        elif kind.kind in "bi":
            values = values.astype(kind.newbyteorder("="))
        elif kind.kind == "f" or kind.name == "bfloat16":
            values = values.astype(np.float64 if kind.itemsize > 4 else np.float32)
        else:
            raise TypeError(f"expected real numbers, got dtype {kind}")
    if not values.flags.writeable or min(values.strides, default=0) < 0:
        values = values.copy()
    return values
