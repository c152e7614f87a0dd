"""What a loss in a graph of TensorFlow moves on a GPU beside tf.nn's and Keras's, counted without.

``python traffic_tensorflow.py`` prints the bytes of value and gradient, ``--docs`` puts them into
the docs. Counted in the graph as it was traced, before it is optimised: an operation reads its
inputs and writes its outputs once, what XLA compiles is one operation, views are free, and what
leads to no output is dropped, as TensorFlow does. The graph is made as if there were a GPU.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import tensorflow as tf

import weightedce as w
from weightedce.backends.tensorflow import modes

FREE = {  # views, and what is no work
    "Const", "ExpandDims", "Identity", "IdentityN", "NoOp", "Placeholder", "PreventGradient",
    "Rank", "Reshape", "Shape", "ShapeN", "Size", "Squeeze", "StopGradient",
}  # fmt: skip
CLASSES = tf.TensorSpec((8192, 1000))
LABELS = tf.TensorSpec((8192,), tf.int32)
ELEMENTS = tf.TensorSpec((4_000_000,))
Loss = Callable[[Any, Any], Any]


class Case(NamedTuple):
    """A loss, its logits and targets, and what it is beside."""

    z: Any
    y: Any
    ours: Loss
    peer: Loss
    name_of_peer: str


def smoothed(z, y):
    shares = tf.one_hot(y, 1000, 0.9001, 0.0001)
    return tf.nn.softmax_cross_entropy_with_logits(shares, z)


CASES = {
    "labels": Case(
        CLASSES, LABELS, w.cross_entropy,
        lambda z, y: tf.nn.sparse_softmax_cross_entropy_with_logits(y, z),
        "`tf.nn.sparse_softmax_cross_entropy_with_logits`",
    ),
    "smoothed": Case(
        CLASSES, LABELS, lambda z, y: w.cross_entropy(z, y, label_smoothing=0.1), smoothed,
        "`tf.nn.softmax_cross_entropy_with_logits`",
    ),
    "distributions": Case(
        CLASSES, CLASSES, w.cross_entropy,
        lambda z, y: tf.nn.softmax_cross_entropy_with_logits(y, z),
        "`tf.nn.softmax_cross_entropy_with_logits`",
    ),
    "binary": Case(
        ELEMENTS, ELEMENTS, w.binary_cross_entropy,
        lambda z, y: tf.nn.sigmoid_cross_entropy_with_logits(y, z),
        "`tf.nn.sigmoid_cross_entropy_with_logits`",
    ),
    "binary focal": Case(
        ELEMENTS, ELEMENTS, lambda z, y: w.binary_focal_loss(z, y, alpha=0.25),
        lambda z, y: keras.losses.BinaryFocalCrossentropy(True, from_logits=True)(y, z),
        "`keras.losses.BinaryFocalCrossentropy`",
    ),
}  # fmt: skip


@contextmanager
def as_on_gpu(xla: bool) -> Iterator[None]:
    """Make graphs as on a GPU, for which XLA compiles or not."""
    with (
        patch.object(modes, "accelerated", lambda: True),
        patch.object(modes, "compiler", lambda: xla),
    ):
        yield


def graph_of(loss: Loss, z: Any, y: Any) -> Any:
    """Return the graph of value and gradient."""

    def both(z: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = tf.reduce_mean(loss(z, y))
        return value, tape.gradient(value, z)

    return tf.function(both, autograph=False).get_concrete_function(z, y).graph


def moved(graph: Any) -> int:
    """Return the bytes that the operations of a graph read and write."""
    left, seen = [x.op for x in graph.outputs], set()
    while left:
        op = left.pop()
        if op not in seen:
            seen.add(op)
            left += [*(x.op for x in op.inputs), *op.control_inputs]
    return sum(size_of(x) for op in seen if op.type not in FREE for x in (*op.inputs, *op.outputs))


def size_of(tensor: Any) -> int:
    """Return the bytes of a tensor; none of one number."""
    count = tensor.shape.num_elements()
    return count * tensor.dtype.size if count > 1 else 0


def counted(name: str, xla: bool = True) -> tuple[int, int]:
    """Return the bytes of ours, compiled or not, and of the peer."""
    case = CASES[name]
    with as_on_gpu(xla):
        mine = graph_of(case.ours, case.z, case.y)
    return moved(mine), moved(graph_of(case.peer, case.z, case.y))


def share(mine: int, theirs: int) -> str:
    return f"{mine / theirs:.2f}".removeprefix("0")


def main() -> None:
    found = {name: (*counted(name), counted(name, xla=False)[0]) for name in CASES}
    lines = ["| loss | beside | ours, MB | theirs, MB | share | without XLA |", "| --- " * 6 + "|"]
    for name, (mine, theirs, composed) in found.items():
        megabytes = f"{mine / 1e6:.0f} | {theirs / 1e6:.0f}"
        shares = f"{share(mine, theirs)} | {share(composed, theirs)}"
        lines.append(f"| {name} | {CASES[name].name_of_peer} | {megabytes} | {shares} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if "--docs" in sys.argv:
        folder = Path(__file__).parent.parent / "docs" / "_static" / "bench"
        table = {"tensorflow": tf.__version__, "keras": keras.__version__, "bytes": found}
        (folder / "traffic-tensorflow.json").write_text(json.dumps(table, indent=1) + "\n", "utf-8")
        (folder / "traffic-tensorflow.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
