"""How each library turns a loss into value, gradient and second derivative, in each mode.

The one room outside of `weightedce.backends` that names libraries: a loss never needs to know
how it is differentiated or compiled; who validates it does. No library is imported before its
class is made.
"""

from collections.abc import Iterable

from weightedce.validation.libraries.jax import JAX
from weightedce.validation.libraries.library import Library, NoDeviceError
from weightedce.validation.libraries.numpy import NumPy
from weightedce.validation.libraries.tensorflow import TensorFlow
from weightedce.validation.libraries.torch import Torch

__all__ = ["KINDS", "NAMES", "ORDERS", "Library", "NoDeviceError", "NumPy", "installed"]

ORDERS = ("value", "gradient", "second")
KINDS: tuple[type[Library], ...] = (NumPy, Torch, JAX, TensorFlow)  # torch before TensorFlow
NAMES = tuple(kind.name for kind in KINDS)


def installed(
    names: Iterable[str] = NAMES, device: str = "cpu"
) -> tuple[dict[str, Library], dict[str, str]]:
    """Return the libraries that are there, by name, and why the others are not."""
    found, absent = {}, {}
    wanted = set(names)
    for kind in KINDS:
        if kind.name not in wanted:
            continue
        try:
            found[kind.name] = kind(device)
        except ModuleNotFoundError as error:
            if error.name != kind.name:
                raise
            absent[kind.name] = "not installed"
        except NoDeviceError as error:
            absent[kind.name] = str(error)
    return found, absent
