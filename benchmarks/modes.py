"""The modes by name. A library is imported when its mode is made, so each has its own process."""

from importlib import import_module

from library import Library

MODES = {
    "torch eager": ("on_torch", "Torch"),
    "torch.compile": ("on_torch", "Torch"),
    "jax.jit": ("on_jax", "JAX"),
    "tf.function": ("on_tensorflow", "TensorFlow"),
    "tf.function(jit_compile)": ("on_tensorflow", "TensorFlow"),
    "TensorFlow eager": ("on_tensorflow", "TensorFlow"),
    "NumPy value": ("on_numpy", "NumPy"),
}


def library(mode: str, device: str = "cpu") -> Library:
    """Return the library of a mode."""
    module, name = MODES[mode]
    return getattr(import_module(module), name)(mode, device)
