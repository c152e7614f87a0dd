"""The libraries that the tests run on: those of `weightedce.validation`, and the strict one.

``evaluate(mode, loss, logits, arrays, order)`` takes NumPy arrays and returns NumPy arrays:
the value of ``loss(logits, *arrays)``; for order 1 the gradient of its sum; for order 2 a list
of the gradients of the sums of gradient[..., j].
"""

import ctypes
import gc
import os
import resource
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from weightedce.validation import libraries

LONG = os.environ.get("WEIGHTEDCE_LONG", "0") != "0"
ONLY = os.environ.get("WEIGHTEDCE_ONLY")  # in a process that a test starts, which needs no other


class Strict(libraries.NumPy):
    name = "strict"
    dtypes = ("float64", "float32")

    def array(self, x: Any, dtype: str | None = None) -> Any:
        import array_api_strict

        return array_api_strict.asarray(super().array(x, dtype))

    def dtype_name(self, x: Any) -> str:
        return str(x.dtype).rpartition(".")[2]


def _quick_jax() -> None:
    """Start JAX with an older form of fusions, compiled in half the time: XLA reads flags once.

    Tests of exact numbers ask for the usual one again: see conftest. And lower all programs in one
    context of MLIR, which JAX makes anew for each: a quarter of what a small one takes.
    """
    import jax
    from jax._src.interpreters import mlir

    mlir.make_ir_context = cache(mlir.make_ir_context)
    with pytest.MonkeyPatch.context() as patch:
        given = os.environ.get("XLA_FLAGS", "")
        patch.setenv("XLA_FLAGS", f"{given} --xla_cpu_use_fusion_emitters=false")
        jax.devices()


def _installed() -> dict[str, Any]:
    """Return the libraries that are there, the strict one behind NumPy."""
    expected = os.environ.get("WEIGHTEDCE_ALONE") or ONLY
    if expected in (None, "jax") and not LONG:
        _quick_jax()
    found, _ = libraries.installed(["numpy", ONLY] if ONLY else libraries.NAMES)
    found = {"numpy": found.pop("numpy"), "strict": Strict(), **found}
    wanted = {"numpy", "strict", *([expected] if expected else ("torch", "jax", "tensorflow"))}
    if missing := wanted ^ set(found):
        raise RuntimeError(f"expected exactly the libraries {sorted(wanted)}; differ: {missing}")
    if "jax" in found:  # tests make arrays of float64 outside of any scope
        found["jax"].jax.config.update("jax_enable_x64", True)
    if "torch" in found:  # every case compiles the same few lines of a test with other options
        found["torch"].torch._dynamo.config.recompile_limit = 1000
    return found


LIBRARIES = _installed()
gc.freeze()  # or each collection looks through all that the libraries brought
ENOUGH = 2.7e9  # bytes, of which the libraries themselves are one half
STATEMENT = Path("/proc/self/statm")
DIFFERENTIABLE = {k: v for k, v in LIBRARIES.items() if v.differentiable}
# JAX's eager mode is what jit compiles, one operation at a time: seconds a case, for the long run
MODES = [
    (library, mode)
    for library in LIBRARIES.values()
    for mode in library.modes
    if LONG or (library.name, mode) != ("jax", "eager")
]


def modes_of(library, *, compiled=False):
    """Return two modes of a library, or the compiled one: XLA takes what a graph is given."""
    if compiled:
        return library.modes[1:] if LONG else library.modes[1:2]
    return [mode for other, mode in MODES if other is library][: None if LONG else 2]


BY_BLOCKS = [LIBRARIES[name] for name in ("numpy", "torch") if name in LIBRARIES]  # of rows


def forget():
    """Drop what was compiled, by the tests and by the eager calls of the wings.

    What JAX compiled for eager calls serves other modules too, until it takes much memory.
    """
    for library in LIBRARIES.values():
        library.prepared.cache_clear()
    for name in [name for name in sys.modules if name.startswith("weightedce.backends.")]:
        for made in list(vars(sys.modules[name]).values()):
            if hasattr(made, "cache_clear"):
                made.cache_clear()
    if "torch" in LIBRARIES:
        LIBRARIES["torch"].torch._dynamo.reset()
    if memory() > ENOUGH:
        if "jax" in LIBRARIES:
            LIBRARIES["jax"].jax.clear_caches()
        gc.collect()
        if sys.platform == "linux":  # glibc keeps what is freed: each module would clear then
            ctypes.CDLL(None).malloc_trim(0)


def memory():
    """Return how many bytes this process holds now, or, where nobody says, at most so far."""
    if STATEMENT.exists():
        return int(STATEMENT.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
