"""The door to the libraries.

`backend_of(array)` asks the array's own type which library it belongs to and opens that library's
wing. The array exists, so its library is already imported: nothing here imports what the caller
has not, and there is no global switch to set. What a wing offers is the class in `contract`.
"""

import sys
from typing import Any

from weightedce.backends.contract import Backend, Namespace
from weightedce.backends.handed import Array

__all__ = ["Array", "Backend", "Namespace", "backend_of", "host", "jets", "namespace_of", "opened"]


def backend_of(array: Array) -> Backend:
    """Return the backend of the library that ``array`` belongs to.

    Raises
    ------
    TypeError
        If ``array`` is no array of a library that speaks the array API standard (or that we
        adapt): lists, scalars, data frames.
    """
    # The chain of `if` with plain imports is what torch.compile and tf.function can trace; the
    # former cannot look at the classes that an nn.Parameter inherits from, and takes as long for
    # `sys.modules` as for all the rest.
    kind = type(array)
    module = kind.__module__
    if module in TENSORS or (module != "numpy" and _is_tensor(array)):
        import torch

        if not torch.compiler.is_compiling():  # which would guard what the import below changes
            known = sys.modules.get("weightedce.backends.torch")
            if known is not None:  # ten times as fast as an import
                found: Backend = known.backend
                return found
        from weightedce.backends.torch import backend

        return backend
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind is numpy.ndarray:  # whose classes torch.compile cannot see either
        return host()
    wing = _KNOWN.get(kind)
    if wing is None:
        wing = _wing(kind)
        if wing is None:
            from weightedce.backends.standard import standard_backend

            return standard_backend(array)
        _KNOWN[kind] = wing
    return wing


TENSORS = ("torch", "torch.nn.parameter")  # where tensors and parameters come from


def _is_tensor(array: Array) -> bool:
    """Tell whether an array is a tensor of some other class."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


_KNOWN: dict[type, Backend] = {}  # by the type of the array, since a small loss asks often


def _wing(kind: type) -> Backend | None:
    """Return the backend for a type of array of NumPy, JAX or TensorFlow."""
    for cls in kind.__mro__:
        library = cls.__module__.partition(".")[0]
        if cls.__module__.startswith("numpy.ma"):
            raise TypeError("got a masked array: pass its data, and mask=~array.mask")
        if library == "numpy":
            if cls.__name__ == "matrix":
                raise TypeError("got a numpy.matrix, which keeps two axes: pass numpy.asarray(it)")
            return host()
        if library in ("jax", "jaxlib"):
            from weightedce.backends import jax

            return jax.backend
        if library == "tensorflow":
            from weightedce.backends import tensorflow

            return tensorflow.backend
        if library == "weightedce":
            from weightedce.backends import jet

            return jet.backend
    return None


def host() -> Backend:
    """Return the backend for what is no array yet: lists of numbers are NumPy's."""
    from weightedce.backends import numpy

    return numpy.backend


def opened() -> list[Backend]:
    """Return the backends of the libraries with several devices that the caller has imported."""
    found: list[Backend] = []
    if sys.modules.get("torch") is not None:
        from weightedce.backends import torch

        found.append(torch.backend)
    if sys.modules.get("jax") is not None:
        from weightedce.backends import jax

        found.append(jax.backend)
    if sys.modules.get("tensorflow") is not None:
        from weightedce.backends import tensorflow

        found.append(tensorflow.backend)
    return found


def jets() -> Any:
    """Return the wing whose arrays carry two derivatives along: for `derivatives` alone."""
    from weightedce.backends import jet

    return jet


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
