"""TensorFlow: our own namespace, since neither it nor array-api-compat has one yet."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from weightedce.backends.contract import Backend, Shape
from weightedce.backends.handed import Array
from weightedce.backends.missing import needed_by

with needed_by("weightedce.backends.tensorflow"):
    import tensorflow as tf

from weightedce.backends.tensorflow import adding, labels, linear, modes, namespace, program, slope
from weightedce.backends.tensorflow.across import across, adder


class TensorFlow(Backend):
    """TensorFlow: eager code, graphs that may not know a size yet, and XLA."""

    namespace = namespace
    name = "TensorFlow"
    differentiates = True
    detach = staticmethod(tf.stop_gradient)

    def shape(self, array: Array, /) -> Shape:
        """Return the shape; a size that a graph does not know yet is a 0-d integer tensor."""
        if not isinstance(array, tf.Tensor | tf.Variable):
            raise TypeError(f"expected a dense tensor, got {type(array).__name__}")
        if array.shape.rank is None:
            raise ValueError(
                f"expected a tensor of known rank, got {array!r}: give the tf.function an "
                f"input_signature, or call set_shape"
            )
        return modes.sizes(array)

    def fixed(self, array: Array, shape: Shape, /) -> Array:
        """Return ``array``; a graph fails when it runs and the shape is not ``shape``.

        The assertion is for graphs, which may drop a reshape, and the reshape for XLA, which drops
        assertions.
        """
        same = tf.debugging.assert_equal(tf.shape(array), tf.stack(shape), "shapes differ")
        with tf.control_dependencies([same]):
            return tf.reshape(tf.identity(array), shape)

    def read(self, flag: Array, /) -> bool | None:
        """Read ``flag`` if it is eager and on the CPU."""
        if not tf.executing_eagerly():
            return None
        return bool(flag) if "CPU" in flag.device else None

    def to_host(self, array: Array, /) -> Any | None:
        """Return a NumPy array of an eager constant on the CPU."""
        if not tf.executing_eagerly() or modes.learned([array]) or modes.forward_mode([array]):
            return None
        return array.numpy() if "CPU" in array.device else None

    def labels_in_memory(self, labels: Array, /) -> Any | None:
        """Return a view of an eager constant: labels of 32 bits take 3 times as long without."""
        if isinstance(labels, tf.Variable) or not labels.dtype.is_integer:
            return self.to_host(labels)
        if not tf.executing_eagerly() or "CPU" not in labels.device:
            return None
        return np.asarray(memoryview(labels))

    def one_hot(self, labels: Array, logits: Array, axis: int, on: float, off: float, /) -> Array:
        """Return ``on`` for the class of each label: with XLA smoothed labels 1.8 times without."""
        return tf.one_hot(labels, logits.shape[axis], on, off, axis, logits.dtype)

    def bincount(self, labels: Array, size: int, /) -> Array:
        """Count 0..size-1 in a vector of integers in 0..size.

        A sum over segments counts 5 million labels a second on the CPU, tf.math.bincount 60; XLA
        does not know it.
        """
        if modes.xla():
            ones = tf.ones_like(labels, tf.int64)
            return tf.math.unsorted_segment_sum(ones, labels, size + 1)[:size]
        counts = tf.math.bincount(labels, minlength=size, maxlength=size, dtype=tf.int64)
        return tf.ensure_shape(counts, [size])

    def ratio(self, numerator: Array, denominator: Array, /) -> Array:
        """Return the quotient, and 0 where the denominator is 0.

        Eager TensorFlow takes 12 operations for its gradient, where one will do for the numerator:
        32 elements take 1.8 times as long with them.
        """
        if (
            not tf.executing_eagerly()
            or modes.learned([denominator])
            or modes.forward_mode([numerator, denominator])
        ):
            return tf.math.divide_no_nan(numerator, denominator)
        with modes.unrecorded():
            value = tf.math.divide_no_nan(numerator, denominator)
        if modes.learned([numerator]):
            modes.record(value, [numerator], lambda up: [tf.math.divide_no_nan(up, denominator)])
        return value

    def sums(self, axis: int, arrays: Sequence[Array], /) -> Sequence[Array]:
        """Return the sum of each array over an axis; in XLA on the CPU by products with ones.

        XLA adds up there, one number after the other, what it has to compute, but makes products
        fast: distributions of 1000 classes take 1.5 times as long without, smoothed labels 1.9. On
        accelerators products lose digits.
        """
        last = len(arrays[0].shape) - 1
        if axis != last or modes.accelerated() or not modes.xla():
            return super().sums(axis, arrays)
        return adding.by_products(arrays)

    def marked_outside(self, values: Array, low: float, high: float, mark: float, /) -> Array:
        """Return ``values``, and ``mark`` for those outside, in a branch of the graph.

        Least and greatest value take a seventh of the time of looking at every value, in a graph
        that runs one branch alone: distributions take 1.15 times as long without. XLA fuses the
        latter with what comes after it; a GPU would have to wait for the processor.
        """
        marked = partial(super().marked_outside, values, low, high, mark)
        if modes.xla() or modes.accelerated():
            return marked()
        inside = (tf.reduce_min(values) >= low) & (tf.reduce_max(values) <= high)
        return tf.cond(inside, lambda: tf.identity(values), marked)

    as_program = staticmethod(modes.unconverted(program.as_program))
    across = staticmethod(modes.unconverted(across))
    adder = staticmethod(adder)
    extremes = staticmethod(modes.extremes)
    sum = staticmethod(adding.added)
    spread = staticmethod(adding.spread)
    attach = staticmethod(modes.unconverted(slope.attach))  # 4 to 8 times as long without
    label_loss = staticmethod(
        modes.unconverted(labels.label_loss)
    )  # labels 4 to 8 times as long without

    def linear_elements(self, _: Array, __: int, ___: int, /) -> int:
        """Return how many logits are a block."""
        return linear.ELEMENTS

    linear_sums = staticmethod(modes.unconverted(linear.linear_sums))
    linear_losses = staticmethod(modes.unconverted(linear.linear_losses))


backend = TensorFlow()
