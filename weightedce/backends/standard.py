"""Any library that speaks the array API standard, known or not: strict, CuPy, ... The defaults."""

from typing import Any

import array_api_compat

from weightedce.backends.contract import Array, Backend, Namespace


class Standard(Backend):
    """A library from what the standard alone promises."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace

    def device(self, array: Array, /) -> Any:
        """Return the device of the array."""
        return array_api_compat.device(array)

    def read(self, flag: Array, /) -> bool | None:
        """Read ``flag`` unless it is lazy (Dask) or on another device (CuPy)."""
        if array_api_compat.is_lazy_array(flag):
            return None
        return bool(flag) if "cpu" in str(array_api_compat.device(flag)).lower() else None


class Dask(Standard):
    """Dask, whose sort would need all blocks at once."""

    def bincount(self, labels: Array, size: int, /) -> Array:
        """Count block by block."""
        xp = self.namespace
        inside = xp.where((labels < 0) | (labels >= size), size, labels)
        return xp.bincount(inside, minlength=size + 1)[:size]


def standard_backend(array: Array) -> Backend:
    """Return the backend for ``array``."""
    try:
        namespace = array_api_compat.array_namespace(array)
    except TypeError:
        raise TypeError(
            f"expected an array of NumPy, PyTorch, JAX, TensorFlow or another library that "
            f"speaks the array API standard, got {type(array).__module__}."
            f"{type(array).__qualname__}: {array!r:.80}"
        ) from None
    return Dask(namespace) if array_api_compat.is_dask_namespace(namespace) else Standard(namespace)
