"""What a loss of JAX moves beside optax: the bytes that XLA says a compiled program accesses.

``python traffic_jax.py`` prints it for value and gradient under jit, ``--docs`` puts it into the
docs. A scatter counts as nothing: XLA counts all of the array in which it writes a number a row.
"""

import json
import re
import sys
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax

import weightedce as w

CLASSES = jax.ShapeDtypeStruct((8192, 1000), jnp.float32)
LABELS = jax.ShapeDtypeStruct((8192,), jnp.int32)
IN_PLACE = re.compile(r"%wrapped_scatter\S* = f32\[([\d,]+)\]")
ELEMENTS = jax.ShapeDtypeStruct((4_000_000,), jnp.float32)


def smoothed(z, y):
    return optax.softmax_cross_entropy(z, optax.smooth_labels(jax.nn.one_hot(y, z.shape[1]), 0.1))


# logits, targets, ours, optax's
CASES: dict[str, tuple[Any, Any, Callable[..., Any], Callable[..., Any]]] = {
    "labels": (
        CLASSES, LABELS, w.cross_entropy, optax.softmax_cross_entropy_with_integer_labels,
    ),
    "smoothed": (
        CLASSES, LABELS, lambda z, y: w.cross_entropy(z, y, label_smoothing=0.1), smoothed,
    ),
    "distributions": (CLASSES, CLASSES, w.cross_entropy, optax.softmax_cross_entropy),
    "binary": (ELEMENTS, ELEMENTS, w.binary_cross_entropy, optax.sigmoid_binary_cross_entropy),
    "binary focal": (
        ELEMENTS, ELEMENTS, lambda z, y: w.binary_focal_loss(z, y, alpha=0.25),
        lambda z, y: optax.sigmoid_focal_loss(z, y, alpha=0.25),
    ),
}  # fmt: skip


def both(name: str) -> tuple[float, float]:
    """Return the bytes of ours and of optax."""
    z, y, ours, peer = CASES[name]

    def moved(loss: Callable[..., Any]) -> float:
        compiled = jax.jit(jax.value_and_grad(loss)).lower(z, y).compile()
        scatters = IN_PLACE.findall(compiled.as_text())
        read_and_written = sum(2 * 4 * prod(map(int, shape.split(","))) for shape in scatters)
        return float(compiled.cost_analysis()["bytes accessed"]) - read_and_written

    return moved(ours), moved(lambda z, y: peer(z, y).mean())


def main() -> None:
    found = {name: both(name) for name in CASES}
    lines = ["| loss | ours, MB | optax, MB | share |", "| --- | --- | --- | --- |"]
    for name, (mine, theirs) in found.items():
        share = f"{mine / theirs:.2f}".removeprefix("0")
        lines.append(f"| {name} | {mine / 1e6:.0f} | {theirs / 1e6:.0f} | {share} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if "--docs" in sys.argv:
        folder = Path(__file__).parent.parent / "docs" / "_static" / "bench"
        table = {"jax": jax.__version__, "bytes": found}
        (folder / "traffic-jax.json").write_text(json.dumps(table, indent=1) + "\n", "utf-8")
        (folder / "traffic-jax.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
