"""TensorFlow: a loss of logits that are a matrix product, by blocks of rows.

The gradients to hidden, weight and bias are formed in the loop that forms the value. Every other
derivative, to targets and weights and of second order, is TensorFlow's own of all logits at once.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from weightedce.backends.handed import Array, Head
from weightedce.backends.tensorflow import linear_labels
from weightedce.backends.tensorflow.adding import added
from weightedce.backends.tensorflow.modes import here, xla

ELEMENTS = 5 * 2**22  # logits in a block: with 3, all took 1.08 times as long
PIECE = 2**21  # numbers of the gradient to the weight that are added at a time
Given = Sequence[Any]
FINER = 2  # without labels alone, a block is some nine arrays of its size instead of one
INDICES = 2**31  # what TensorFlow counts in int32
LINEAR = 3  # hidden, weight and bias come first


def linear_sums(head: Head, linear: Given, rows: Given, shared: Given, size: int) -> Any:
    """Return the sums of ``head`` over logits that ``linear`` (hidden, weight, bias) make."""
    call = _Call(head, len(rows), size, [*linear, *rows, *shared])
    first = [i for i in range(LINEAR) if i in call.tensors]
    others = [i for i in call.tensors if i >= LINEAR and call.tensors[i].dtype.is_floating]

    @tf.custom_gradient
    def of_linear(*_: Array) -> Any:
        (loss, *sums), gradients = call.formed()

        def backward(upstream: Array, *_: Array) -> Any:
            return call.scaled(upstream, first, gradients)

        return (loss, *sums), backward

    @tf.custom_gradient
    def of_others(*_: Array) -> Any:
        """Return zeros: TensorFlow asks for this gradient only where it is wanted."""
        zero = tf.zeros((), linear[0].dtype)

        def backward(*upstream: Array) -> Any:
            return call.gradient(others, upstream)

        return (zero, zero), backward

    loss, weight, count = of_linear(*(call.tensors[i] for i in first))
    more = of_others(*(call.tensors[i] for i in others))
    return loss + more[0], tf.stop_gradient(weight) + more[1], tf.stop_gradient(count)


def linear_losses(head: Head, linear: Given, rows: Given, shared: Given, size: int) -> Array:
    """Return the loss of each row. Its gradient is that of a sum, with weights from above."""
    call = _Call(head, len(rows), size, [*linear, *rows, *shared])

    @tf.custom_gradient
    def losses(*_: Array) -> Any:
        def backward(upstream: Array) -> Any:
            # constant for this tape, so that it makes the weighted sum's gradient and no more
            arrays = call.filled([tf.identity(x) for x in call.tensors.values()])
            watched = [x for x in arrays if x is not None]
            with tf.GradientTape() as tape:
                tape.watch([x for x in watched if x.dtype.is_floating])
                weighted = [arrays[LINEAR], arrays[LINEAR + 1] * upstream, *arrays[LINEAR + 2 :]]
                rows, shared = weighted[: call.count], weighted[call.count :]
                loss = linear_sums(head, arrays[:LINEAR], rows, shared, size)[0]
            return tape.gradient(loss, watched)

        return call.losses(), backward

    found: Array = losses(*call.tensors.values())
    return found


class _Call:
    """The arrays of one call; those that are None are not in ``tensors``."""

    def __init__(self, head: Head, count: int, size: int, arrays: Given) -> None:
        self.head, self.count, self.length = head, count, len(arrays)
        self.tensors = {i: tf.convert_to_tensor(x) for i, x in enumerate(arrays) if x is not None}
        labels = head.labels_alone(arrays[0], arrays[LINEAR])
        most = (INDICES - 1) // arrays[1].shape[0]
        self.size = max(1, min(most, size if labels else size // FINER))

    def filled(self, tensors: Sequence[Array]) -> list[Any]:
        """Return the arrays in their places."""
        found = dict(zip(self.tensors, tensors, strict=True))
        return [found.get(i) for i in range(self.length)]

    def natural(self, tensors: Sequence[Array]) -> Any:
        """Return the sums from all logits at once."""
        arrays = self.filled(tensors)
        rows = arrays[LINEAR : LINEAR + self.count]
        return self.head.total(_logits(*arrays[:LINEAR]), rows, arrays[LINEAR + self.count :])

    def gradient(self, wanted: Sequence[int], upstream: Sequence[Array]) -> list[Any]:
        """Return the gradient of loss and weight, times ``upstream``, to some of the tensors."""
        with tf.GradientTape() as tape:
            aliases = {i: tf.identity(x) for i, x in self.tensors.items()}
            tape.watch([aliases[i] for i in wanted])
            loss, weight, _ = self.natural(list(aliases.values()))
            total = loss * upstream[0] + weight * upstream[1]
        found: list[Any] = tape.gradient(total, [aliases[i] for i in wanted])
        return found

    def scaled(self, upstream: Array, wanted: Sequence[int], gradients: Sequence[Array]) -> Any:
        """Return gradients that are known, scaled; their derivative is the natural one."""
        names = list(self.tensors)

        @tf.custom_gradient
        def known(upstream: Array, *tensors: Array) -> Any:
            def second(*above: Array) -> Any:
                with tf.GradientTape() as outer:
                    scale, *aliases = [tf.identity(x) for x in (upstream, *tensors)]
                    outer.watch([x for x in (scale, *aliases) if x.dtype.is_floating])
                    with tf.GradientTape() as inner:
                        inner.watch(aliases)
                        loss = self.natural(aliases)[0] * scale
                    found = inner.gradient(loss, [aliases[names.index(i)] for i in wanted])
                return outer.gradient(found, [scale, *aliases], output_gradients=list(above))

            return [upstream * g for g in gradients], second

        return known(*here(upstream, *self.tensors.values()))

    def formed(self) -> Any:
        """Return the sums, and the gradients to hidden, weight and bias, all of them constants."""
        # no tape follows what starts here: it would keep the logits of every block
        arrays = self.filled([tf.stop_gradient(x) for x in self.tensors.values()])
        linear, shared = arrays[:LINEAR], arrays[LINEAR + self.count :]
        hidden, weight, bias = linear
        to_weight = _Accumulator(weight)
        with tf.control_dependencies([to_weight.start]):  # the largest array first: it needs a gap
            hidden = tf.identity(hidden)
        to_bias = [] if bias is None else [tf.zeros_like(bias)]
        start = [*[tf.zeros((), hidden.dtype)] * 3, *to_bias, to_weight.start]

        def step(carry: list[Any], part: list[Any]) -> tuple[list[Any], Array]:
            sums, slope = _slope(self.head, _logits(part[0], weight, bias), part[1:], shared)
            more = [*sums, *(added(slope, 0) for _ in to_bias)]
            after = [a + b for a, b in zip(carry, more, strict=False)]
            return [*after, to_weight.add(carry[-1], slope, part[0])], tf.matmul(slope, weight)

        rows = (hidden, *arrays[LINEAR : LINEAR + self.count])
        carry, to_hidden = _over_blocks(step, start, rows, self.size, hidden.shape[1:])
        return carry[:3], [to_hidden, to_weight.result(carry[-1]), *carry[3:-1]]

    def losses(self) -> Array:
        """Return the loss of each row, a constant."""
        arrays = self.filled([tf.stop_gradient(x) for x in self.tensors.values()])
        shared = arrays[LINEAR + self.count :]

        def step(carry: list[Any], part: list[Any]) -> tuple[list[Any], Array]:
            logits = _logits(part[0], *arrays[1:LINEAR])
            return carry, self.head.losses(logits, part[1:], shared)

        rows = (arrays[0], *arrays[LINEAR : LINEAR + self.count])
        found: Array = _over_blocks(step, [], rows, self.size, ())[1]
        return found


class _Accumulator:
    """A matrix that products are added to in pieces, in place.

    A whole product, or pieces that are put together in the end, would take as much memory again.
    What TensorFlow would rather have instead, tensor_scatter_nd_add, copies the matrix. This array
    is nobody else's: ``Empty`` is stateful, so no graph shares it or makes it a constant.
    """

    def __init__(self, weight: Array) -> None:
        self.rows, self.columns = weight.shape
        pieces = -(-self.rows * self.columns // PIECE)
        self.size = -(-self.rows // pieces)  # rows of a piece
        self.fused = xla()  # it knows no InplaceAdd, and where the product may be added at once
        self.start = tf.zeros_like(weight)
        if not self.fused:
            shape = -(-self.rows // self.size), self.size * self.columns
            self.start = tf.raw_ops.Empty(shape=shape, dtype=weight.dtype, init=True)

    def add(self, total: Array, slope: Array, hidden: Array) -> Array:
        """Add ``slope.T @ hidden``."""
        if self.fused:
            return total + tf.matmul(slope, hidden, transpose_a=True)
        for i, start in enumerate(range(0, self.rows, self.size)):
            with tf.control_dependencies([total]):  # one product after the other
                part = slope[:, start : start + self.size]
            product = tf.matmul(part, hidden, transpose_a=True)
            missing = self.size - part.shape[1]
            if missing:
                product = tf.pad(product, [[0, missing], [0, 0]])
            total = tf.raw_ops.InplaceAdd(x=total, i=[i], v=tf.reshape(product, (1, -1)))
        return total

    def result(self, total: Array) -> Array:
        """Return the sum."""
        return tf.reshape(total, (-1, self.columns))[: self.rows]


def _over_blocks(
    step: Any, carry: list[Any], rows: Sequence[Any], size: int, shape: Sequence[int]
) -> tuple[list[Any], Array]:
    """Go over blocks of rows, the last rows apart; return the carry and what steps gave.

    ``shape`` is what a step gives for one row.
    """
    known = rows[0].shape[0]
    count = tf.shape(rows[0])[0] if known is None else known
    full = count // size
    if tf.executing_eagerly():
        found = []
        for start in range(0, max(count, 1), size):
            carry, last = step(carry, [x if x is None else x[start : start + size] for x in rows])
            found.append(last)
        return carry, tf.concat(found, axis=0)

    def block(i: Array, stacked: Any, *carry: Array) -> Any:
        # not a slice: XLA refuses one that is longer than the batch, even if it is never taken
        index = i * size + tf.range(size)
        part = [x if x is None else tf.gather(x, index) for x in rows]
        after, found = step(list(carry), part)
        return i + 1, stacked.write(i, found), *after

    stacked = tf.TensorArray(rows[0].dtype, full, element_shape=(size, *shape))
    _, stacked, *carry = tf.while_loop(
        lambda i, *_: i < full,
        block,
        [tf.constant(0), stacked, *carry],
        parallel_iterations=1,
        maximum_iterations=full,
    )
    first = tf.reshape(stacked.stack(), (full * size, *shape))
    with tf.control_dependencies([first]):  # the fewer rows then find the place of a whole block
        rest = [x if x is None else x[full * size :] for x in rows]
    carry, last = step(carry, rest)
    return carry, tf.concat([first, last], axis=0)


def _slope(head: Head, logits: Array, rows: Given, shared: Given) -> tuple[Any, Array]:
    """Return the sums of a block, and the derivative to its logits."""
    if head.labels_alone(logits, rows[0]):
        return linear_labels.slope(head, logits, rows, shared)
    _, sums, slope = head.slope(logits, rows, shared)
    return sums, slope


def _logits(hidden: Array, weight: Array, bias: Any) -> Array:
    # a batch of one: for tf.matmul of matrices oneDNN copies the transposed one first, and so takes
    # 115 ms for 98 rows of 128,000 classes instead of 69
    logits = tf.matmul(hidden[None], weight[None], transpose_b=True)
    logits = tf.squeeze(logits, axis=0)
    return logits if bias is None else logits + bias
