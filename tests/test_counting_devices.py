"""Labels that lie on eight devices: each counts its own, and only the counts travel."""

import re

import numpy as np
import pytest

import weightedce as w
from eight_devices import results

jax = pytest.importorskip("jax")

LABELS = np.random.default_rng(0).integers(0, 1000, 4096)


def on_devices():
    """Return counts, and how many numbers the collectives of the program take, by kind of mesh."""
    found = {}
    for kind in jax.sharding.AxisType.Auto, jax.sharding.AxisType.Explicit:
        mesh = jax.make_mesh((8,), ("d",), axis_types=(kind,))
        place = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("d"))
        for classes in (10, 1000):
            labels = jax.device_put(LABELS % classes, place)
            counted = jax.jit(lambda labels, k=classes: w.class_counts(labels, k))
            program = counted.lower(labels).compile().as_text()
            sent = re.findall(r"= \w+\[([\d,]*)\]\S* (?:all|collective)-[\w-]+\(", program)
            name = f"{kind.name} {classes}"
            found[f"{name} counts"] = np.asarray(w.class_counts(labels, classes))
            found[f"{name} sent"] = np.array([int(size) for size in sent])
    return found


@pytest.mark.parametrize("classes", [10, 1000])
@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
def test_one_all_reduce_of_the_counts(kind, classes):
    found = results()
    expected = np.bincount(LABELS % classes, minlength=classes)
    np.testing.assert_array_equal(found[f"{kind} {classes} counts"], expected)
    assert found[f"{kind} {classes} sent"].tolist() == [classes]
