"""TensorFlow: what is being differentiated right now. TensorFlow has no public way to ask."""

from collections.abc import Sequence

import tensorflow as tf
from tensorflow.python.eager import forwardprop_util, record

from weightedce.backends import Array


def forward_mode(arrays: Sequence[Array]) -> bool:
    """Tell whether an eager ForwardAccumulator follows some of the arrays.

    It cannot go through a custom gradient inside a custom gradient.
    """
    return tf.executing_eagerly() and len(forwardprop_util.pack_tangents(list(arrays)).tangents) > 0


def learned(arrays: Sequence[Array]) -> bool:
    """Tell whether a gradient to some of the arrays may be wanted; in a graph it always may."""
    return not tf.executing_eagerly() or record.should_record_backprop(list(arrays))
