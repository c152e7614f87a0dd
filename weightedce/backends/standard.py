"""Any library that speaks the array API standard, known or not: strict, CuPy, Dask, ..."""

from types import SimpleNamespace

import array_api_compat

from weightedce.backends import Array, Backend, Namespace
from weightedce.backends.numpy import detach, fixed, shape


def adapter(array: Array) -> Backend:
    """Return an adapter for ``array`` from what the standard alone promises."""
    try:
        namespace = array_api_compat.array_namespace(array)
    except TypeError:
        raise TypeError(
            f"expected an array of NumPy, PyTorch, JAX, TensorFlow or another library that "
            f"speaks the array API standard, got {type(array).__module__}."
            f"{type(array).__qualname__}: {array!r:.80}"
        ) from None
    backend = SimpleNamespace(
        namespace=namespace,
        detach=detach,
        read=read,
        shape=shape,
        device=array_api_compat.device,
        fixed=fixed,
    )
    if array_api_compat.is_dask_namespace(namespace):  # its sort needs all blocks at once
        backend.bincount = lambda labels, size: _bincount(namespace, labels, size)
    return backend


def read(flag: Array) -> bool | None:
    """Read ``flag`` unless it is lazy (Dask) or on another device (CuPy)."""
    if array_api_compat.is_lazy_array(flag):
        return None
    return bool(flag) if "cpu" in str(array_api_compat.device(flag)).lower() else None


def _bincount(xp: Namespace, labels: Array, size: int) -> Array:
    """Count 0..size-1 in a vector of integers, block by block; what is outside is not counted."""
    inside = xp.where((labels < 0) | (labels >= size), size, labels)
    return xp.bincount(inside, minlength=size + 1)[:size]
