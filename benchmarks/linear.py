"""Time and memory of `linear_cross_entropy` against the plain computation, in turns.

    python benchmarks/linear.py torch          # or jax, tensorflow, and numbers: N D V rounds

Value and gradients to hidden and weight, float32, labels. Memory is the peak of the process beyond
what it held before the call (Linux), less the two gradients. Each way runs in a process of its own,
which is asked for one run after the other, so that the ways take turns and none pays for another's
memory.
"""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

WAYS = {
    "torch": ("plain", "ours", "F.linear_cross_entropy"),
    "jax": ("plain", "ours"),
    "tensorflow": ("plain", "ours"),
}


def torch_ways(hidden, weight, labels):
    import torch
    from torch.nn import functional

    import weightedce

    h, w = (torch.from_numpy(x).requires_grad_() for x in (hidden, weight))
    y = torch.from_numpy(labels)

    def run(loss):
        value = loss()
        value.backward()
        found = value.item(), h.grad, w.grad
        h.grad = w.grad = None
        return found

    def own():
        chunks = torch.nn.LinearCrossEntropyOptions()
        return functional.linear_cross_entropy(h, w, y, options=chunks)

    return {
        "plain": lambda: run(lambda: functional.cross_entropy(functional.linear(h, w), y)),
        "ours": lambda: run(lambda: weightedce.linear_cross_entropy(h, w, y)),
        "F.linear_cross_entropy": lambda: run(own),
    }


def jax_ways(hidden, weight, labels):
    import jax
    import jax.numpy as jnp

    import weightedce

    h, w, y = map(jnp.asarray, (hidden, weight, labels))

    def plain(h, w):
        z = h @ w.T
        at_label = jnp.take_along_axis(z, y[:, None], axis=1)[:, 0]
        return jnp.mean(jax.nn.logsumexp(z, axis=1) - at_label)

    def run(loss):
        compiled = jax.jit(jax.value_and_grad(loss, (0, 1))).lower(h, w).compile()
        print("temporaries", compiled.memory_analysis().temp_size_in_bytes, flush=True)

        def once():
            value, gradients = jax.block_until_ready(compiled(h, w))
            return value.item(), *gradients

        return once

    return {
        "plain": lambda: run(plain),
        "ours": lambda: run(lambda h, w: weightedce.linear_cross_entropy(h, w, y)),
    }


def tensorflow_ways(hidden, weight, labels):
    import tensorflow as tf

    import weightedce

    h, w, y = map(tf.constant, (hidden, weight, labels))

    def run(loss):
        @tf.function
        def compiled(h, w):
            with tf.GradientTape() as tape:
                tape.watch((h, w))
                value = loss(h, w)
            return value, *tape.gradient(value, (h, w))

        def once():
            value, *gradients = compiled(h, w)
            return value.numpy().item(), *gradients

        return once

    def plain(h, w):
        z = tf.matmul(h, w, transpose_b=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, z)
        return tf.reduce_mean(losses)

    return {
        "plain": lambda: run(plain),
        "ours": lambda: run(lambda h, w: weightedce.linear_cross_entropy(h, w, y)),
    }


def resident(field):
    status = Path("/proc/self/status").read_text("utf-8").splitlines()
    line = next(x for x in status if x.startswith(field))
    return int(line.split()[1]) * 1024


def serve(library, way, size):
    """Do one run for each line of the input, and print what it took."""
    n, d, v = size
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(n, d)).astype("float32")
    weight = (rng.normal(size=(v, d)) / d**0.5).astype("float32")
    labels = rng.integers(0, v, n)
    ways = {"torch": torch_ways, "jax": jax_ways, "tensorflow": tensorflow_ways}[library]
    once = ways(hidden, weight, labels)[way]
    small = ways(hidden[:8], weight[:16], labels[:8] % 16)[way]  # loads what the library loads late
    if library != "torch":
        once, small = once(), small()
    small()
    before = resident("VmRSS")
    for _ in sys.stdin:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts again
        start = time.perf_counter()
        value, *gradients = once()
        seconds = time.perf_counter() - start
        own = sum(int(np.prod(x.shape)) * 4 for x in gradients)
        del gradients
        print("run", seconds, resident("VmHWM") - before - own, value, flush=True)


def main(library, n=4096, d=512, v=128_000, rounds=3):
    command = [sys.executable, __file__, "--serve", library]
    size = [str(x) for x in (n, d, v)]
    found = {way: [] for way in WAYS[library]}
    workers = {
        way: subprocess.Popen(
            [*command, way, *size], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for way in found
    }
    for _ in range(int(rounds) + 1):
        for way, worker in workers.items():
            worker.stdin.write("\n")
            worker.stdin.flush()
            for line in worker.stdout:
                if line.startswith("run"):
                    found[way].append([float(x) for x in line.split()[1:]])
                    break
                print(f"{way}: {line.strip()}")
    full = int(n) * int(v) * 4
    print(f"{library}, N = {n}, D = {d}, V = {v}, float32; all logits {full / 1e6:.0f} MB")
    plain = min(seconds for seconds, *_ in found["plain"][1:])
    for way, (_, *runs) in found.items():  # the first one warms up
        seconds, memory = min(r[0] for r in runs), max(r[1] for r in runs)
        print(
            f"{way:>24}: {seconds:7.2f} s = {seconds / plain:.2f} of plain, beyond the gradients "
            f"{memory / 1e6:6.0f} MB = {memory / full:.1%} of all logits, loss {runs[0][2]:.6f}"
        )


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(*sys.argv[2:4], [int(x) for x in sys.argv[4:]])
    else:
        main(*sys.argv[1:])
