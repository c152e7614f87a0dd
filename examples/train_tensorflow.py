"""Weighted training in TensorFlow: one step under ``tf.function``."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from losses import Loss
from network import Parameters
from weightedce import class_counts


def train(
    start: Parameters,
    features: np.ndarray,
    labels: np.ndarray,
    *,
    loss_of: Loss,
    steps: int,
    learning_rate: float,
    momentum: float,
    advance: Callable[[int], None],
) -> tuple[Parameters, list[float]]:
    """Return the trained parameters and the loss at every step."""
    counts = class_counts(labels, 2).tolist()
    features, labels = tf.constant(features), tf.constant(labels)
    parameters = Parameters(*(tf.Variable(number) for number in start))
    velocities = [tf.Variable(tf.zeros_like(parameter)) for parameter in parameters]

    @tf.function
    def step(features: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            hidden = tf.tanh(features @ parameters.hidden_weight + parameters.hidden_bias)
            logits = hidden @ parameters.output_weight + parameters.output_bias
            loss = loss_of(logits, labels, counts)
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
