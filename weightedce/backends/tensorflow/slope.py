"""TensorFlow: blocks of logits and factors with a derivative of their own.

Eager calls run a graph, which reuses arrays where eager TensorFlow makes a new one in every step.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import tensorflow as tf

from weightedce.backends.handed import Array, Block, Sloped
from weightedce.backends.tensorflow import mass
from weightedce.backends.tensorflow.modes import (
    forward_mode,
    here,
    in_graph,
    learned,
    record,
    unrecorded,
    xla,
)
from weightedce.numerics import stable
from weightedce.numerics.mass import mass_with_slope

POWERS = (0.5, 1.0, 2.0, 3.0)  # that a graph makes of roots and products, ten times as fast


def attach(block: Block, axis: int | None, logits: Array, *factors: Array) -> Array:
    """Return the block in few passes."""
    arrays = tuple(tf.convert_to_tensor(x) for x in (logits, *factors))  # variables too
    if forward_mode(arrays):
        found: Array = block.composed(*arrays)
        return found
    form = block.sloped
    if form.func is mass_with_slope:
        seen = mass.look(arrays[0], form.args[0])
        own: Any = mass.mass_with_slope
        form = partial(own, *form.args, seen)
    learn = learned(factors)  # what nobody asks for costs time in eager code
    value: Array
    if tf.executing_eagerly():
        wanted = learn or learned(arrays[:1])
        with unrecorded():
            value, *slope = _in_graph(form, wanted, arrays)
        if wanted:
            record(value, arrays, lambda up: _gradients(block, axis, slope[0], learn, up, *arrays))
        return value

    @tf.custom_gradient
    def attached(*arrays: Array) -> Any:
        value, slope = _sloped(form, *arrays)
        return value, lambda up: _gradients(block, axis, slope, learn, up, *arrays)

    value = attached(*arrays)
    return value


def _in_graph(form: Sloped, slope: bool, arrays: Sequence[Array]) -> Sequence[Array]:
    """Return the value, and the slope if wanted."""
    if form.func is stable.focal_with_slope and form.args[0] not in POWERS:
        gamma = tf.constant(form.args[0], arrays[0].dtype)  # one graph for all of them
        return _graph(slope, form.func)(gamma, *arrays)
    return _graph(slope, form.func, form.args, tuple(form.keywords.items()))(*arrays)


@lru_cache(maxsize=64)  # not without end: the exponents of a loss may change with every call
def _graph(
    slope: bool, function: Any, given: tuple[Any, ...] = (), named: tuple[Any, ...] = ()
) -> Callable[..., Sequence[Array]]:
    form = partial(function, *given, **dict(named))
    return in_graph(lambda *arrays: _sloped(form, *arrays)[: 1 + slope])


def _sloped(form: Sloped, *arrays: Array) -> tuple[Array, Array]:
    """Return the value and the slope; of the most common blocks in a form of our own."""
    if form.func is stable.softplus_with_slope:
        return _softplus(*arrays) if xla() else _softplus_in_graph(*arrays)
    if form.func is stable.focal_with_slope:
        return _focal(*form.args, *arrays)
    found: tuple[Array, Array] = form(*arrays, True)
    return found


def _softplus(z: Array, positive: Array, negative: Array) -> tuple[Array, Array]:
    above, distance = z > 0, tf.abs(z)
    fading = tf.exp(-distance)
    total, wrong = positive + negative, tf.where(above, negative, positive)
    value = total * tf.math.log1p(fading) + tf.math.multiply_no_nan(distance, wrong)  # 0 * inf = 0
    total *= fading / (1.0 + fading)  # the smaller of p and 1 - p
    return value, tf.where(above, negative - total, total - positive)


def _focal(gamma: float | Array, z: Array, positive: Array, negative: Array) -> tuple[Array, Array]:
    above, distance = z > 0, tf.abs(z)
    fading = tf.exp(-distance)
    tail = tf.math.log1p(fading)
    small = fading / (1.0 + fading)
    large = 1.0 - small
    right = tf.where(above, positive, negative) * small**gamma
    wrong = tf.where(above, negative, positive) * large**gamma  # the side that z speaks against
    of_right = right * tail
    of_wrong = tf.math.multiply_no_nan(distance + tail, wrong)
    slope = gamma * (tf.math.multiply_no_nan(of_wrong, small) - of_right * large)
    slope += wrong * large - right * small
    one = tf.ones((), z.dtype)
    return of_right + of_wrong, slope * tf.where(above, one, -one)


def _softplus_in_graph(z: Array, positive: Array, negative: Array) -> tuple[Array, Array]:
    """Return value and slope of the softplus in the fewest kernels, where XLA does not fuse them.

    TensorFlow makes one kernel of steps that go from one array to one array, and recomputes here
    what XLA would keep: -7 % at 1e5 elements, -13 % at 4e6; XLA takes half as long again.
    """
    tail = tf.math.log1p(tf.exp(-tf.abs(z)))
    value = tf.math.multiply_no_nan(tf.nn.relu(z) + tail, negative)
    value += tf.math.multiply_no_nan(tf.nn.relu(-z) + tail, positive)
    # this gradient is gradients * sigmoid(features)
    rising = tf.raw_ops.SoftplusGrad(gradients=negative, features=z)
    return value, rising - tf.raw_ops.SoftplusGrad(gradients=positive, features=-z)


def _gradients(
    block: Block,
    axis: int | None,
    slope: Array,
    learn: bool,
    upstream: Array,
    *arrays: Array,
) -> tuple[Array | None, ...]:
    """Return the gradients to logits and factors, to be differentiated as the composed block."""
    nothing = (None,) * (len(arrays) - 1)

    def to_logits(slope: Array, upstream: Array) -> Array:
        return slope * (upstream if axis is None else tf.expand_dims(upstream, axis))

    if not learn and not learned([upstream, *arrays]):
        return to_logits(slope, upstream), *nothing

    def of_composed(upstream: Array, *arrays: Array) -> list[Array]:
        with tf.GradientTape() as tape:
            tape.watch(arrays)
            value = block.composed(*arrays)
        wanted = arrays if learn else arrays[:1]
        found: list[Array] = tape.gradient(value, wanted, upstream)
        return found

    @tf.custom_gradient
    def formed(slope: Array, upstream: Array, *arrays: Array) -> Any:
        gradients = [to_logits(slope, upstream)]
        if learn:
            gradients += of_composed(upstream, *arrays)[1:]

        def backward(*above: Array) -> Any:
            with tf.GradientTape() as tape:
                tape.watch([upstream, *arrays])
                gradients = of_composed(upstream, *arrays)
            found = tape.gradient(
                gradients, [upstream, *arrays], above, unconnected_gradients="zero"
            )
            return None, *found

        return gradients, backward

    found = formed(*here(slope, upstream, *arrays))
    return tuple(found) if learn else (*found, *nothing)
