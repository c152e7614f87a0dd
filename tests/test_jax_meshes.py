"""`linear_cross_entropy` and smoothed labels on meshes: by class, by batch, by feature.

``on_devices`` runs in a process of its own: see `eight_devices`.
"""

import itertools

import numpy as np
import pytest

import weightedce as w
from eight_devices import DEVICES, results
from libraries import LONG

jax = pytest.importorskip("jax", reason="jax is not installed")

ROWS, CLASSES, FEATURES = 16, 24, 8
LAYOUTS = {  # axes of the mesh along hidden, and along the matrix
    "class": ((None, None), ("v", None)),
    "batch": (("v", None), (None, None)),
    "feature": ((None, "v"), (None, "v")),
}
KINDS, REDUCTIONS, BLOCKS = ("labels", "smoothed", "soft"), ("mean", "none"), (None, 5)
# masses lie as the classes do: not along features, and both kinds of them over classes alone
MASSES = ("class-smoothed-none-None", "class-soft-none-None", "batch-soft-none-None")
ALL = ["-".join(map(str, x)) for x in itertools.product(LAYOUTS, KINDS, REDUCTIONS, BLOCKS)]
CASES = [x for x in ALL if LONG or x.endswith("-labels-mean-5") or x in MASSES]


def arrays(kind):
    rng = np.random.default_rng(0)
    hidden, weight = rng.normal(size=(ROWS, FEATURES)), rng.normal(size=(CLASSES, FEATURES))
    bias, per_class = rng.normal(size=CLASSES), rng.uniform(0.5, 2, CLASSES)
    soft = rng.dirichlet(np.ones(CLASSES), ROWS)
    return hidden, weight, bias, per_class, soft if kind == "soft" else soft.argmax(axis=1)


def derived(kind, reduction, block):
    def loss(hidden, weight, bias, per_class, targets):
        found = w.linear_cross_entropy(
            hidden, weight, targets, bias=bias, class_weight=per_class, softcap=5.0, z_loss=0.01,
            label_smoothing=0.1 * (kind == "smoothed"), block_size=block, reduction=reduction,
        )  # fmt: skip
        return found.sum()

    return jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2)))


def flat(found):
    return np.concatenate([np.ravel(x) for x in jax.tree.leaves(found)])


def on_devices():
    """Return the sums and gradients of all cases, by name."""
    mesh = jax.make_mesh((DEVICES,), ("v",), axis_types=(jax.sharding.AxisType.Explicit,))

    def put(x, *along):
        return jax.device_put(x, jax.NamedSharding(mesh, jax.P(*along)))

    found = {}
    with jax.set_mesh(mesh):
        for name in CASES:
            layout, kind, reduction, block = name.split("-")
            of_hidden, of_weight = LAYOUTS[layout]
            hidden, weight, bias, per_class, targets = arrays(kind)
            classes = of_weight[0]
            given = (
                put(hidden, *of_hidden), put(weight, *of_weight), put(bias, classes),
                put(per_class, classes),
                put(targets, of_hidden[0], *([classes] if kind == "soft" else [])),
            )  # fmt: skip
            run = derived(kind, reduction, None if block == "None" else int(block))
            found[name] = flat(run(*given))
    return found


@pytest.mark.parametrize("name", CASES)
def test_one_device_or_many(name):
    _, kind, reduction, _ = name.split("-")
    alone = flat(derived(kind, reduction, None)(*map(jax.numpy.asarray, arrays(kind))))
    np.testing.assert_allclose(results()[name], alone, rtol=1e-9, atol=1e-12)
