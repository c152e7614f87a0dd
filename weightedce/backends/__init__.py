"""The only room that knows a library's name.

`backend_of(array)` asks the array's own type which library it belongs to and imports that
library's adapter. The array exists, so its library is already imported: nothing here imports
what the caller has not, and there is no global switch to set.

Each adapter is a module that offers the six names of `Backend`.
"""

import sys
from typing import Any, Protocol

Array = Any  # an array of whichever library the caller uses; no common base class exists
Namespace = Any  # a module that speaks the array API standard


class Backend(Protocol):
    """What the core asks of a library's adapter."""

    @property
    def namespace(self) -> Namespace:
        """Return the library's array API namespace, ``xp`` everywhere else."""

    def detach(self, array: Array, /) -> Array:
        """Return ``array`` as a constant: same value, no derivative."""

    def read(self, flag: Array, /) -> bool | None:
        """Return a 0-d boolean array as a bool, or None if it cannot be read at once."""

    def shape(self, array: Array, /) -> tuple[Any, ...]:
        """Return the shape; a size unknown while tracing is a 0-d integer array."""

    def fixed(self, array: Array, shape: tuple[Any, ...], /) -> Array:
        """Return ``array``, made to fail when a graph runs if its shape is not ``shape`` then."""

    def device(self, array: Array, /) -> Any:
        """Return what to pass as ``device=`` to put a new array beside ``array``."""


def backend_of(array: Array) -> Backend:
    """Return the adapter of the library that ``array`` belongs to.

    Raises
    ------
    TypeError
        If ``array`` is no array of a library that speaks the array API standard (or that we
        adapt): lists, scalars, data frames.
    """
    # The chain of `if` with plain imports is what torch.compile and tf.function can trace; the
    # former cannot look at the classes that an nn.Parameter inherits from.
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        if not torch.compiler.is_compiling():  # which would guard what the import below changes
            known = sys.modules.get("weightedce.backends.torch")
            if known is not None:  # ten times as fast as an import
                return known
        from weightedce.backends import torch as torch_backend

        return torch_backend
    kind = type(array)
    if kind not in _ADAPTERS:
        adapter = _adapter(kind)
        if adapter is None:
            from weightedce.backends import standard

            return standard.adapter(array)
        _ADAPTERS[kind] = adapter
    return _ADAPTERS[kind]


_ADAPTERS: dict[type, Backend] = {}  # by the type of the array, since a small loss asks often


def _adapter(kind: type) -> Backend | None:
    """Return the adapter for a type of array of NumPy, JAX or TensorFlow."""
    for cls in kind.__mro__:
        library = cls.__module__.partition(".")[0]
        if cls.__module__.startswith("numpy.ma"):
            raise TypeError("got a masked array: pass its data, and mask=~array.mask")
        if library == "numpy":
            from weightedce.backends import numpy as numpy_backend

            return numpy_backend
        if library in ("jax", "jaxlib"):
            from weightedce.backends import jax as jax_backend

            return jax_backend
        if library == "tensorflow":
            from weightedce.backends import tensorflow as tensorflow_backend

            return tensorflow_backend
    return None


def namespace_of(array: Array) -> Namespace:
    """Return the array API namespace of ``array``.

    Parameters
    ----------
    array : array
        An array of NumPy, PyTorch, JAX, TensorFlow, or of any library that speaks the array
        API standard.

    Returns
    -------
    module
        The library's own namespace for NumPy and JAX, the one of array-api-compat for PyTorch,
        CuPy and Dask, ours for TensorFlow, and ``array.__array_namespace__()`` for the rest.

    Raises
    ------
    TypeError
        If ``array`` is not such an array; the message says what came.

    Examples
    --------
    >>> import numpy as np
    >>> namespace_of(np.zeros(3)).__name__
    'numpy'
    """
    return backend_of(array).namespace
