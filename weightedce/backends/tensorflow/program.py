"""TensorFlow: a whole loss in a graph for a GPU, compiled by XLA.

Without it each operation goes through the memory of the device: labels move 4.8 times the bytes of
tf.nn's own operation, distributions 20 times; as a program .75 times and as many.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from weightedce.backends.contract import Arguments
from weightedce.backends.handed import Array
from weightedce.backends.tensorflow.modes import compiles, here

TENSORS = tf.Tensor | tf.Variable


def as_program(of: Callable[[Arguments], Any], arguments: Arguments) -> Any:
    """Return ``of(arguments)``, and its gradients by programs that read the arguments again.

    A size that is not known yet would be compiled for each number that it turns out to be, and
    what the loss holds beside its arguments has no gradient: both are composed.
    """
    if not compiles(arguments["logits"]):
        return of(arguments)
    given = {k: tf.convert_to_tensor(x) for k, x in arguments.items() if isinstance(x, TENSORS)}
    if not all(x.shape.is_fully_defined() for x in given.values()):
        return of(arguments)

    def loss(*tensors: Array) -> Any:
        return of(arguments | dict(zip(given, tensors, strict=True)))

    specs = [tf.TensorSpec(x.shape, x.dtype) for x in given.values()]
    program = _compiled(loss).get_concrete_function(*specs)
    if program.captured_inputs:
        return of(arguments)

    @tf.custom_gradient
    def computed(*tensors: Array) -> Any:
        def backward(*upstream: Array) -> list[Array | None]:
            held = here(*tensors)
            # one program each: the graph drops those that nobody asks for
            return [
                _gradient(loss, i, upstream, held) if x.dtype.is_floating else None
                for i, x in enumerate(tensors)
            ]

        return program(*tensors), backward

    return computed(*given.values())


def _gradient(
    loss: Callable[..., Any], i: int, upstream: tuple[Array, ...], tensors: list[Array]
) -> Array | None:
    """Return the gradient to one of the tensors; None: there is none."""

    def gradient(upstream: tuple[Array, ...], *tensors: Array) -> Array | None:
        with tf.GradientTape() as tape:
            tape.watch(tensors[i])
            value = tf.nest.flatten(loss(*tensors))
        return tape.gradient(value, tensors[i], list(upstream))

    return _compiled(gradient)(upstream, *tensors)


def _compiled(function: Callable[..., Any]) -> Any:
    return tf.function(function, jit_compile=True, autograph=False)
