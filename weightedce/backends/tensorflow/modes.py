"""TensorFlow: what is being differentiated or compiled right now, and eager calls of graphs.

TensorFlow has no public way to ask.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import forwardprop_util
from tensorflow.python.eager import record as tape
from tensorflow.python.framework import ops
from tensorflow.python.framework.config import is_op_determinism_enabled
from tensorflow.python.ops import control_flow_util

from weightedce.backends.handed import Array

FEW = 2**17  # elements: NumPy, on one core, starts in 2 us where TensorFlow takes 28


def forward_mode(arrays: Sequence[Array]) -> bool:
    """Tell whether an eager ForwardAccumulator follows some of the arrays.

    It cannot go through a custom gradient inside a custom gradient.
    """
    return tf.executing_eagerly() and len(forwardprop_util.pack_tangents(list(arrays)).tangents) > 0


def learned(arrays: Sequence[Array]) -> bool:
    """Tell whether a gradient to some of the arrays may be wanted; in a graph it always may."""
    return not tf.executing_eagerly() or tape.should_record_backprop(list(arrays))


def xla() -> bool:
    """Tell whether XLA compiles what is being traced."""
    return bool(control_flow_util.GraphOrParentsInXlaContext(ops.get_default_graph()))


def accelerated() -> bool:
    """Tell whether there is a GPU or a TPU."""
    return bool(tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU"))


@cache
def compiler() -> bool:
    """Tell whether XLA compiles for a GPU: tried once, for it may lack a library of CUDA's."""
    if not tf.config.list_logical_devices("GPU") or not tf.test.is_built_with_gpu_support():
        return False
    with tf.init_scope(), tf.device("GPU:0"):
        try:
            tf.function(tf.math.log1p, jit_compile=True)(tf.ones(2))
        except (tf.errors.OpError, ValueError) as error:
            warnings.warn(
                f"XLA does not compile for the GPU: losses in graphs move several times the "
                f"bytes ({error!s:.200})",
                stacklevel=2,
            )
            return False
    return True


def compiles(array: Array) -> bool:
    """Tell whether a part of the graph at work, which goes to a GPU, may be compiled by XLA."""
    if tf.executing_eagerly() or xla() or not ops.get_default_graph().building_function:
        return False
    # Keras does not compile either where the same bits are asked for in every run
    return not is_op_determinism_enabled() and "CPU" not in array.device and compiler()


def sizes(array: Array) -> tuple[Any, ...]:
    """Return the shape; a size that a graph does not know yet is a 0-d integer tensor."""
    known = array.shape.as_list()
    if None not in known:
        return tuple(known)
    dynamic = tf.shape(array)
    return tuple(dynamic[i] if size is None else size for i, size in enumerate(known))


def extremes(array: Array) -> tuple[Any, Any] | None:
    """Return the least and the greatest element, where they can be read."""
    if not tf.executing_eagerly() or "CPU" not in array.device:
        return None
    if array.shape.num_elements() <= FEW:
        view = array.numpy()
        return view.min(), view.max()
    return tf.reduce_min(array).numpy(), tf.reduce_max(array).numpy()


def here(*tensors: Array) -> list[Array]:
    """Return the tensors as some of the graph at work, for a gradient inside a gradient.

    What it captured of an outer graph a SavedModel would look for there by name, and a function
    that hands a tensor out gives it another name: KeyError when it is loaded.
    """
    return [tf.identity(x) for x in tensors]


unrecorded = tape.stop_recording
# AutoGraph would rewrite all that it can see; a name that is annotated and nonlocal makes it warn
unconverted = tf.autograph.experimental.do_not_convert


def record(value: Array, arrays: Sequence[Array], backward: Callable[[Array], Any]) -> None:
    """Give an eager value its gradients, as tf.custom_gradient does in three times the time."""
    tape.record_operation("weightedce", [value], list(arrays), backward)


def in_graph(function: Callable[..., Sequence[Array]]) -> Callable[..., Sequence[Array]]:
    """Return ``function`` to be called eagerly and run as a graph, one for each rank and dtype.

    A tf.function would look at every argument of every call, and take 280 us where this takes 170.
    """
    graphs: dict[Any, Any] = {}

    def run(*arrays: Array) -> Sequence[Array]:
        kind = tuple((len(x.shape), x.dtype) for x in arrays)
        if kind not in graphs:
            specs = [tf.TensorSpec([None] * rank, dtype) for rank, dtype in kind]
            with tf.device(None):  # the graph goes where its arrays are
                graphs[kind] = tf.function(function, autograph=False).get_concrete_function(*specs)
        found: Sequence[Array] = graphs[kind](*arrays)
        return found

    return run
