"""What `derivatives` takes: logits of NumPy, and a loss that is a sum over examples."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from weightedce.backends import Array, host
from weightedce.call import arguments, dtypes
from weightedce.call.columns import column, host_array, is_sequence

OWN_WAY = {
    "JAX": "jax.grad and jax.hessian",
    "PyTorch": "torch.autograd.grad or torch.func.hessian",
    "TensorFlow": "tf.GradientTape",
}


def numpy_logits(logits: Any) -> Array:
    """Return logits as an array of NumPy in the dtype to compute in."""
    if is_sequence(logits):
        return host_array("logits", logits, float)
    logits = column(logits, "logits")
    backend = dtypes.library("logits", logits)
    if backend is not host():
        instead = OWN_WAY.get(backend.name, "its own autodiff")
        raise TypeError(
            f"logits: expected an array of NumPy, which has no derivatives of its own, got one of "
            f"{backend.name}: differentiate the loss with {instead}"
        )
    return dtypes.floating("logits", logits)


def class_axis(loss: Callable[..., Any], z: Array, given: Mapping[str, Any]) -> int:
    """Return the class axis, counted from the front, of a loss that takes what is given."""
    parameters = signature(loss).parameters
    if "reduction" not in parameters:
        raise no_sum(loss)
    try:
        bound = signature(loss).bind(z, None, **{"reduction": "none", **given})
    except TypeError as error:
        raise TypeError(
            f"loss: expected a loss of logits and targets, got {named(loss)}: {error}"
        ) from None
    bound.apply_defaults()
    axis = bound.arguments.get("axis", -1)
    if not z.ndim:
        return -1
    return arguments.axis_of(z.shape, -1 if axis is None else axis)


def no_sum(loss: Callable[..., Any]) -> TypeError:
    """Return what is wrong with a loss of the whole batch."""
    return TypeError(
        f"loss: expected one that is a sum over examples, got {named(loss)}, whose examples have "
        f"to do with each other: there is no derivative of one example's loss"
    )


def named(loss: Callable[..., Any]) -> str:
    """Return the name of a loss as errors show it."""
    return getattr(loss, "__name__", repr(loss))
