"""What the validation asks of an array library."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from importlib import metadata
from typing import Any

import numpy as np

Arrays = Sequence[np.ndarray]
Run = Callable[..., list[Any]]


class NoDeviceError(ValueError):
    """A library that has no device of the kind that was asked for."""


class Library:
    """One array library: how it makes arrays, compiles, and differentiates.

    Parameters
    ----------
    device : str
        ``"cpu"``, or what the library calls its accelerator: ``"gpu"`` (or ``"cuda"``), ``"tpu"``,
        ``"mps"``.
    """

    name = ""
    packages: tuple[str, ...] = ()
    modes: tuple[str, ...] = ("eager",)
    slow: tuple[str, ...] = ()  # modes whose compiler takes seconds for each loss
    dtypes: tuple[str, ...] = ("float64", "float32", "bfloat16")
    differentiable = True

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.prepared = lru_cache(maxsize=None)(self.prepare)

    @property
    def version(self) -> str:
        """The version that is installed."""
        for package in self.packages:
            try:
                return metadata.version(package)
            except metadata.PackageNotFoundError:
                continue
        return "unknown version"

    def orders(self, mode: str) -> tuple[int, ...]:
        """Return the derivatives that a mode has: 0 is the value."""
        return (0, 1, 2) if self.differentiable and mode else (0,)

    def array(self, x: Any, dtype: str | None = None) -> Any:
        """Return a NumPy array as one of this library, floats in ``dtype``."""
        raise NotImplementedError

    def numpy(self, x: Any) -> np.ndarray:
        """Return one of this library's arrays in NumPy; bfloat16 as float32, which holds it."""
        return np.asarray(x)

    def dtype_name(self, x: Any) -> str:
        """Return the dtype of one of this library's arrays by NumPy's name."""
        return str(x.dtype)

    def scope(self, dtype: str) -> AbstractContextManager[Any]:  # noqa: ARG002
        """Return the context in which arrays of ``dtype`` exist and are computed with."""
        return nullcontext()

    def prepare(
        self, mode: str, loss: Callable[..., Any], orders: tuple[int, ...], batched: int = 2
    ) -> Run:
        """Return a function of arrays that gives the derivatives ``orders`` of a loss, in order.

        Order 0 is ``loss(logits, *arrays)``; 1 the gradient of its sum to the logits; 2 the
        gradients of the sums of gradient[..., j], stacked as a last axis. The first ``batched``
        arrays have the examples as first axis, whose length a graph need not know.
        """
        raise NotImplementedError

    def header(self, dtype: str) -> str:
        """Return the imports and settings of code that computes in ``dtype``."""
        raise NotImplementedError

    def literal(self, values: str, dtype: str | None) -> str:
        """Return source of an array from source of nested lists; no dtype: as they are."""
        raise NotImplementedError

    def derivation(self, mode: str, order: int, names: Sequence[str]) -> str:
        """Return source that makes ``result`` from ``loss`` and the arrays called ``names``."""
        raise NotImplementedError

    def evaluate(
        self,
        mode: str,
        loss: Callable[..., Any],
        logits: np.ndarray,
        arrays: Arrays,
        order: int = 0,
        dtype: str | None = None,
    ) -> Any:
        """Return value, gradient, or the list of second derivatives as NumPy arrays.

        What was compiled is kept for the next call with the same loss.
        """
        name = dtype or np.asarray(logits).dtype.name
        with self.scope(name):
            given = [self.array(x, dtype) for x in (logits, *arrays)]
            same = [np.shape(x)[:1] == np.shape(logits)[:1] for x in arrays]
            batched = 1 + (same.index(False) if False in same else len(same))
            (result,) = self.prepared(mode, loss, (order,), batched)(*given)
            found = self.numpy(result)
        return [found[..., j] for j in range(found.shape[-1])] if order == 2 else found
