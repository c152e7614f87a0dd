"""Classes on several devices of JAX: inside shard_map, and sharded arrays under jit.

``on_devices`` runs in a process of its own: see `eight_devices`. All losses are in one program, for
compiling takes longer than everything else.
"""

import math
import re
from functools import partial

import numpy as np
import pytest

import weightedce as w
from eight_devices import DEVICES, results
from libraries import LONG

jax = pytest.importorskip("jax", reason="jax is not installed")

ROWS, CLASSES = 12, 40
COUNTS = np.arange(CLASSES, 0, -1.0) ** 2
SMOOTHED = {"label_smoothing": 0.1}
COSTS = np.random.default_rng(1).uniform(size=(CLASSES, CLASSES))
CASES = {  # the loss, whether targets are labels, options
    "labels": (w.cross_entropy, True, {"reduction": "weighted_mean"}),
    "smoothed": (w.cross_entropy, True, SMOOTHED),
    "soft": (w.cross_entropy, False, SMOOTHED | {"smoothing_weight": "class"}),
    "bad": (w.cross_entropy, True, {"reduction": "none"}),
    "focal": (w.focal_loss, True, SMOOTHED),
    "poly": (w.poly_cross_entropy, True, {}),
    "generalized": (w.generalized_cross_entropy, True, {}),
    "logit adjusted": (w.logit_adjusted_cross_entropy, True, {"prior": COUNTS}),
    "ldam": (w.ldam_cross_entropy, True, {"counts": COUNTS, "scale": 2.0}),
    "scaled": (w.vector_scaling_cross_entropy, True, {"counts": COUNTS}),
    "cost": (w.expected_cost, True, {"cost_matrix": COSTS}),
}  # fmt: skip
INSIDE = ("labels", "soft", "bad", "focal", "logit adjusted")
LIKE_FOCAL = ("poly", "generalized")  # another function of the same number of a row
# of explicit axes what each operation makes is ours to say, of the others XLA's
ON_MESHES = {
    "explicit": [name for name in CASES if name != "bad" if LONG or name not in LIKE_FOCAL],
    "auto": [name for name in CASES if name != "bad" if LONG or name in ("labels", "soft")],
}
SECOND = ("labels",)  # of which weights and second derivatives are looked at


def draw(name):
    rng = np.random.default_rng(0)
    logits = 3.0 * rng.normal(size=(ROWS, CLASSES))
    labels, shares = rng.integers(0, CLASSES, ROWS), rng.dirichlet(np.ones(CLASSES), ROWS)
    by_class, along = rng.uniform(0.5, 2, CLASSES), rng.normal(size=(ROWS, CLASSES))
    if name == "bad":
        labels[2], labels[4] = CLASSES, -1
    return logits, labels if CASES[name][1] else shares, by_class, along


def derived(name, loss):
    """Return value, gradients to logits and weights, and the second derivative along a line."""
    logits, targets, by_class, along = map(jax.numpy.asarray, draw(name))

    def value(logits, by_class):
        return loss(logits, targets, by_class)

    found = [value(logits, by_class)]

    def total(logits, by_class):
        return jax.numpy.nansum(value(logits, by_class))

    if name not in SECOND:
        return [*found, jax.grad(total)(logits, by_class)]
    both = jax.grad(total, (0, 1))
    slopes, moved = jax.jvp(lambda z: both(z, by_class), (logits,), (along,))
    return [*found, *slopes, *moved]


def alone(name):
    """Return what NumPy gives, or where that has no such derivatives one device of JAX."""
    if name in (*SECOND, "bad"):
        return jax.jit(lambda: derived(name, plain(name)))()
    loss, _, options = CASES[name]
    logits, targets, by_class, _ = draw(name)
    options = {"reduction": "mean"} | options
    return w.derivatives(loss, logits, targets, class_weight=by_class, **options)[:2]


def head(over=None):
    """Return value, gradients and second derivative of a linear head, its rows on a mesh or not."""
    rng = np.random.default_rng(3)
    hidden, matrix, bias, along = (
        jax.numpy.asarray(rng.normal(size=x)) for x in ((ROWS, 5), (CLASSES, 5), CLASSES, (ROWS, 5))
    )
    _, labels, by_class, _ = map(jax.numpy.asarray, draw("labels"))
    options = {"softcap": 2.0, "z_loss": 0.01, "block_size": 5, "class_weight": by_class}

    def loss(hidden, matrix, bias, **more):
        return w.linear_cross_entropy(hidden, matrix, labels, bias=bias, **options, **more)

    run = loss
    if over is not None:
        inner, rows = partial(loss, shards="v"), jax.P("v")
        specs = (jax.P(), rows, rows)
        run = jax.shard_map(inner, mesh=over, in_specs=specs, out_specs=jax.P())
    both = jax.value_and_grad(run, (0, 1, 2))
    return jax.tree.leaves(jax.jvp(lambda h: both(h, matrix, bias), (hidden,), (along,)))


def plain(name):
    loss, _, options = CASES[name]
    return lambda z, y, by_class: loss(z, y, class_weight=by_class, **options)


def inside(name, mesh):
    loss, labels, options = CASES[name]
    spec = jax.P(None, "v")

    def one(z, y, by_class):
        return loss(z, y, class_weight=by_class, shards="v", **options)

    return jax.shard_map(
        one, mesh=mesh, in_specs=(spec, jax.P() if labels else spec, jax.P()), out_specs=jax.P()
    )


def collectives(compiled):
    """Return how many numbers each collective of a program moves."""
    # of several that XLA made one, which gives a tuple, all parts
    made = re.findall(r"= ([^=]*?) (?:all-|collective-|reduce-s)", compiled.as_text())
    found = [size for shapes in made for size in re.findall(r"\w\[([\d,]*)\]", shapes)]
    return [math.prod(map(int, filter(None, x.split(",")))) for x in found]


def on_devices():
    """Return all values and derivatives by name, and how large collectives are."""
    found = {}
    explicit = jax.make_mesh((DEVICES,), ("v",), axis_types=(jax.sharding.AxisType.Explicit,))
    mesh = jax.make_mesh((DEVICES,), ("v",), axis_types=(jax.sharding.AxisType.Auto,))
    values = jax.jit(lambda: {name: derived(name, inside(name, mesh)) for name in INSIDE})
    for name, arrays in values().items():
        found |= {f"shards of {name} {i}": x for i, x in enumerate(arrays)}
    found |= {f"head {i}": x for i, x in enumerate(jax.jit(partial(head, mesh))())}
    logits, labels, by_class, _ = draw("labels")
    for name in ("labels", "smoothed"):
        run = jax.value_and_grad(inside(name, mesh))
        found[f"sent by {name}"] = collectives(
            jax.jit(run).lower(logits, labels, by_class).compile()
        )
    for kind, over in (("auto", mesh), ("explicit", explicit)):
        with jax.set_mesh(over):

            def put(x, *axes, over=over):
                return jax.device_put(x, jax.NamedSharding(over, jax.P(*axes)))

            def losses(logits, by_class, labels, shares, kind=kind):
                got = {}
                for name in ON_MESHES[kind]:
                    targets = labels if CASES[name][1] else shares
                    total = lambda z, c, n=name, y=targets: plain(n)(z, y, c).sum()  # noqa: E731
                    got[name] = jax.value_and_grad(total)(logits, by_class)
                return got

            shares = put(draw("soft")[1], None, "v")
            given = put(logits, None, "v"), put(by_class), put(labels), shares
            compiled = jax.jit(losses).lower(*given).compile()
            found[f"sent on {kind}"] = collectives(compiled)
            for name, (value, slope) in compiled(*given).items():
                found |= {f"{kind} {name} 0": value, f"{kind} {name} 1": slope}
    return found


@pytest.mark.parametrize("name", INSIDE)
def test_classes_of_shard_map(name):
    for i, expected in enumerate(alone(name)):
        got = results()[f"shards of {name} {i}"]
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-15)


def test_rows_of_a_linear_head():
    for i, expected in enumerate(jax.jit(head)()):
        np.testing.assert_allclose(results()[f"head {i}"], expected, rtol=1e-12, atol=1e-15)


def test_two_collectives_and_none_backward():
    assert results()["sent by labels"].tolist() == [ROWS, 2 * ROWS]
    assert results()["sent by smoothed"].tolist() == [ROWS, 5 * ROWS]


@pytest.mark.parametrize("kind", ["auto", "explicit"])
def test_no_collective_is_as_large_as_the_logits(kind):
    sent = results()[f"sent on {kind}"]
    assert len(sent)
    assert max(sent) < ROWS * CLASSES / 2, sent
    for name in ON_MESHES[kind]:
        for i, expected in enumerate(alone(name)[:2]):
            got = results()[f"{kind} {name} {i}"]
            np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-15)
