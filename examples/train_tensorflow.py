"""Weighted training in TensorFlow: one step under ``tf.function``."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from network import Parameters
from weightedce import balanced, class_counts, cross_entropy


def train(
    start: Parameters,
    features: np.ndarray,
    labels: np.ndarray,
    *,
    weighted: bool,
    steps: int,
    learning_rate: float,
    momentum: float,
    advance: Callable[[int], None],
) -> tuple[Parameters, list[float]]:
    """Return the trained parameters and the loss at every step."""
    features, labels = tf.constant(features), tf.constant(labels)
    parameters = Parameters(*(tf.Variable(number) for number in start))
    velocities = [tf.Variable(tf.zeros_like(parameter)) for parameter in parameters]
    class_weight = None
    if weighted:  # counts in the features' dtype, so that float64 weights keep their digits
        class_weight = balanced(tf.cast(class_counts(labels, 2), features.dtype))

    @tf.function
    def step(features: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            hidden = tf.tanh(features @ parameters.hidden_weight + parameters.hidden_bias)
            logits = hidden @ parameters.output_weight + parameters.output_bias
            loss = cross_entropy(logits, labels, class_weight=class_weight)
        gradients = tape.gradient(loss, parameters)
        for parameter, velocity, gradient in zip(parameters, velocities, gradients, strict=True):
            velocity.assign(momentum * velocity + gradient)
            parameter.assign_sub(learning_rate * velocity)
        return loss

    losses = []
    for _ in range(steps):
        losses.append(float(step(features, labels)))
        advance(1)
    return Parameters(*(parameter.numpy() for parameter in parameters)), losses
