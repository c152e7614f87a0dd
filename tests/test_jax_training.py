"""The Flax NNX and optax examples train, and give the same numbers on eight devices as on one.

Eight devices must be asked for before JAX starts, so a process of its own trains on them, in
float64, and gives every number back.
"""

import sys
from functools import partial, wraps
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import weightedce as w
from eight_devices import DEVICES, results
from libraries import LONG

jax = pytest.importorskip("jax", reason="jax is not installed")
sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
jax_nnx, jax_nnx_sharded, nnx = map(import_module, ("jax_nnx", "jax_nnx_sharded", "flax.nnx"))

STEPS = 12
WAYS = ("one_device", "automatic", "manual")
# Devices add up their parts of a sum in another order. The losses of a batch are not negative,
# so the order moves their sum by a few units in the last place and no more; the parameters,
# which Adam moves by little more than the learning rate a step, follow. Measured over 40 steps:
# losses 3 ulp, parameters 3.3e-16. The smaller of the faults below is off by 2e-2 at once.
LOSS_ULP, PARAMETER = 16, 1e-14


def local_weights(model, features, labels):
    """Fault: each device weighs by the labels that it has itself."""
    counts = w.class_counts(labels, jax_nnx.CLASSES, ignore_index=jax_nnx.UNLABELLED)
    options = {"class_weight": w.balanced(counts), "ignore_index": jax_nnx.UNLABELLED}
    total = w.cross_entropy(model(features), labels, reduction="total", **options)
    return jax.lax.psum(total, "batch").mean()


def mean_of_means(model, features, labels):
    """Fault: each device divides by its own number of labels."""
    counts = w.class_counts(labels, jax_nnx.CLASSES, ignore_index=jax_nnx.UNLABELLED)
    weights = w.balanced(jax.lax.psum(counts, "batch"))
    options = {"class_weight": weights, "ignore_index": jax_nnx.UNLABELLED}
    return jax.lax.pmean(w.cross_entropy(model(features), labels, **options), "batch")


FAULTS = (local_weights, mean_of_means) if LONG else (mean_of_means,)  # the smaller of them


def on_devices():
    """Return losses and parameters of every way, on how many devices a batch was, the faults."""
    found = {}
    for way in WAYS:
        losses, model = jax_nnx_sharded.train(getattr(jax_nnx_sharded, way), STEPS, "float64")
        leaves = jax.tree.leaves(nnx.state(model))
        found[f"{way} losses"] = losses
        found[f"{way} parameters"] = np.concatenate([np.ravel(leaf) for leaf in leaves])
        found[f"{way} devices"] = len(leaves[0].sharding.device_set)
    for fault in FAULTS:
        way = partial(jax_nnx_sharded.manual, fault)
        found[fault.__name__], _ = jax_nnx_sharded.train(way, STEPS, "float64")
    return found


@pytest.fixture(scope="module")
def found():
    return results()


@pytest.mark.parametrize("way", WAYS[1:])
def test_eight_devices_train_as_one(found, way):
    assert found[f"{way} devices"] == DEVICES
    assert found["one_device devices"] == 1
    expected, got = found["one_device losses"], found[f"{way} losses"]
    assert got.dtype == expected.dtype == "float64"
    assert len(got) == STEPS
    ulps = np.abs(got - expected) / np.spacing(expected)
    assert ulps.max() <= LOSS_ULP
    expected, got = found["one_device parameters"], found[f"{way} parameters"]
    np.testing.assert_allclose(got, expected, rtol=0, atol=PARAMETER)


@pytest.mark.parametrize("way", WAYS)
def test_the_first_loss_is_that_of_numpy(found, way):
    """With weights and denominator of the whole batch, computed without JAX."""
    features, labels = jax_nnx.batches(STEPS)[0]
    model, _ = jax_nnx.create("float64")
    logits = np.asarray(model(jax.numpy.asarray(features)))
    labelled = labels[labels != jax_nnx.UNLABELLED]
    weights = w.balanced(np.bincount(labelled).tolist())
    expected = w.cross_entropy(logits, labels, class_weight=weights, ignore_index=-1)
    np.testing.assert_allclose(found[f"{way} losses"][0], expected, rtol=1e-14)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_the_usual_faults_are_seen(found, fault):
    off = np.abs(found[fault.__name__] / found["one_device losses"] - 1)
    assert off[0] > 1e-3


def test_weights_find_the_rare_classes():
    found = []
    for loss in (jax_nnx.plain, jax_nnx.weighted):
        traced = []

        @wraps(loss)
        def counted(*batch, loss=loss, traced=traced):
            traced.append(batch)
            return loss(*batch)

        model, optimizer = jax_nnx.create()
        step = jax_nnx.step_of(counted)
        batches = jax_nnx.batches(200)
        assert min(labels.max() for _, labels in batches) < 2  # the rarest class is absent once
        losses = [float(step(model, optimizer, *batch)) for batch in batches]
        assert np.isfinite(losses).all()
        assert len(traced) == 1  # one compilation, whatever the counts are
        found.append(jax_nnx.recalls(model))
    plain, weighted = found
    assert plain[2] < 0.3
    assert weighted[2] > plain[2] + 0.3
    assert weighted[0] < plain[0]
    assert weighted.mean() > plain.mean() + 0.1
