"""Models that are compiled, fitted, saved and loaded."""

import importlib
import os
import subprocess
import sys
from math import nan
from pathlib import Path

import keras
import numpy as np
import pytest
from tools import BACKEND, LONG, NEUTRAL, numpy

import weightedce
from weightedce import keras as ours

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "examples"))
questions = importlib.import_module("keras_five_questions")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(64, 5)).astype("float32")
LABELS = (X[:, 0] > 0.8).astype("int32") + (X[:, 1] > 1)
Y = (X[:, :4] > 0.7).astype("int32")


def dense(outputs, activation, loss, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(outputs, activation=activation)])
    model.compile(optimizer=keras.optimizers.SGD(0.3), loss=loss, **options)
    return model


# what the examples show is of the losses, and what a file holds of their configs
answers = pytest.mark.skipif(BACKEND != "jax" and not LONG, reason=NEUTRAL)
repeated = pytest.mark.skipif(not LONG, reason="test_examples shows it")
by_torch = pytest.mark.skipif(BACKEND != "torch" and not LONG, reason=NEUTRAL)


@answers
def test_question_1_outcomes():
    results = questions.weights_of_the_four_outcomes()
    recall, specificity = results["plain"]
    for name in ("outcomes", "costs"):
        assert results[name][0] > recall + 0.2
        assert results[name][1] < specificity


@repeated
def test_question_2_many_and_few():
    results = questions.many_and_few_examples()
    recall, _ = results.pop("plain")
    for name, (better, specificity) in results.items():
        assert better > recall + 0.4, name
        assert (specificity < 0.3) == (name == "recall alone"), name


@repeated
def test_question_3_recall_and_specificity():
    recalls, specificities = zip(*questions.recall_and_specificity().values(), strict=True)
    assert recalls[0] + 0.3 < recalls[1] < recalls[2]
    assert specificities[0] > specificities[1] > specificities[2] + 0.3


@answers
def test_question_4_four_labels():
    results = questions.four_labels()
    assert (results["weighted"] > results["plain"] + 0.3).all()


@answers
def test_question_5_zeros_and_ones():
    results = questions.weights_of_zeros_and_ones()
    for name in ("by hand", "of each batch"):
        assert results[name][0] > results["plain"][0] + 0.4


# Inductor takes half a minute, and JAX compiles each of the questions above
@pytest.mark.skipif(BACKEND != "tensorflow" and not LONG, reason="for the long run")
def test_compiled_steps_train():
    unknown = np.where(X[:, :4] > 1.5, [nan, 9, nan, 9], Y).astype("float32")
    losses = [
        ours.BinaryCrossentropy(
            pos_weight=[2.5, 10, 5, 20], class_weight="batch", ignore_class=(9, nan)
        ),
        ours.SparseCategoricalCrossentropy(class_weight="batch"),
        *[ours.Tversky(fp_weight=0.2, fn_weight=0.8, axis=0)] * LONG,
    ]
    y = [unknown, LABELS, Y[:, :2]][: len(losses)]
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5,))
    heads = ((4, "sigmoid"), (3, "softmax"), (2, "sigmoid"))[: len(losses)]
    model = keras.Model(inputs, [keras.layers.Dense(n, a)(inputs) for n, a in heads])
    model.compile(keras.optimizers.SGD(0.3), loss=losses, jit_compile=True)
    history = model.fit(X, y, batch_size=32, epochs=8, verbose=0).history["loss"]
    assert history[-1] < 0.8 * history[0]
    p = [numpy(x) for x in model(X)]
    _, *values = model.evaluate(X, y, batch_size=64, verbose=0)
    each = [numpy(loss(*both)) for loss, *both in zip(losses, y, p, strict=True)]
    np.testing.assert_allclose(values, each, rtol=1e-3)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="AutoGraph is TensorFlow's")
def test_autograph_rewrites_none_of_our_code(monkeypatch):
    """In a loop of one's own it took five seconds for the first loss."""
    import tensorflow as tf
    from tensorflow.python.autograph.impl import api

    rewritten, original = [], api._convert_actual
    monkeypatch.setattr(api, "_convert_actual", lambda f, c: rewritten.append(f) or original(f, c))
    loss = ours.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def step(z):
        return loss(LABELS, z)

    step(X[:, :3])
    assert [f.__name__ for f in rewritten] == ["step"]


@pytest.mark.parametrize(
    "policy", ["mixed_float16", *["mixed_bfloat16"] * (LONG or BACKEND == "torch")]
)
def test_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = dense(4, "sigmoid", ours.BinaryCrossentropy(pos_weight=[2.5, 10, 5, 20]))
        history = model.fit(X, Y, batch_size=32, epochs=8, verbose=0).history["loss"]
        assert keras.backend.standardize_dtype(model.compute_dtype) == policy[6:]
        assert keras.backend.standardize_dtype(model.loss.dtype) == "float32"
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(history).all()
    assert history[-1] < 0.8 * history[0]


def test_weights_and_masks_of_fit_reach_the_loss():
    tokens = RANDOM.integers(1, 9, (8, 5))
    for row, length in zip(tokens, RANDOM.integers(1, 5, 8), strict=True):
        row[length:] = 0
    y = RANDOM.integers(0, 3, (8, 5))
    weight = RANDOM.uniform(0, 2, (8, 5)).astype("float32")
    model = keras.Sequential(
        [keras.layers.Embedding(9, 4, mask_zero=True), keras.layers.Dense(3, activation="softmax")]
    )
    model.compile(loss=ours.SparseCategoricalCrossentropy(class_weight=[1.0, 2.0, 3.0]))
    value = model.evaluate(tokens, y, sample_weight=weight, verbose=0, batch_size=8)
    z = np.log(numpy(model(tokens)))
    expected = weightedce.cross_entropy(
        z, y, class_weight=[1.0, 2.0, 3.0], sample_weight=weight, mask=tokens != 0
    )
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    if BACKEND != "torch" and not LONG:
        return
    model.fit(tokens, y, sample_weight=weight, verbose=0)
    binary = dense(4, "sigmoid", ours.BinaryCrossentropy())
    value = binary.evaluate(X, Y, sample_weight=X[:, :4] ** 2, verbose=0, batch_size=64)
    p = binary.predict(X, verbose=0)
    expected = weightedce.binary_cross_entropy(weightedce.logit(p), Y, sample_weight=X[:, :4] ** 2)
    np.testing.assert_allclose(value, expected, rtol=1e-4)


@by_torch
def test_label_maps_and_overlap_train_together():
    images = RANDOM.normal(size=(4, 6, 6, 2)).astype("float32")
    maps = (images[..., 0] > 0.5).astype("int32") + (images[..., 1] > 1)
    inputs = keras.Input((6, 6, 2))
    classes = keras.layers.Conv2D(3, 1, activation="softmax", name="classes")(inputs)
    regions = keras.layers.Conv2D(2, 1, activation="sigmoid", name="regions")(inputs)
    model = keras.Model(inputs, {"classes": classes, "regions": regions})
    model.compile(
        optimizer=keras.optimizers.SGD(0.5),
        loss={
            "classes": ours.SparseCategoricalCrossentropy(class_weight={1: 2.0, 2: 4.0}),
            "regions": ours.Tversky(fn_weight=0.8, fp_weight=0.2, axis=(0, 1, 2)),
        },
    )
    y = {"classes": maps, "regions": (images > 0.5).astype("int32")}
    history = model.fit(images, y, epochs=15, verbose=0).history["loss"]
    assert history[-1] < 0.8 * history[0]


LOAD = """
import sys
sys.modules.update(dict.fromkeys(sys.argv.pop().split()))
import keras
import numpy as np
import weightedce.keras
for path in sys.argv[1:]:
    model = keras.saving.load_model(path + ".keras")
    data = np.load(path + ".npz")
    print(model.evaluate(data["x"], data["y"], verbose=0, batch_size=64))
    print(model.loss.dtype)
    print(model.loss.get_config())
"""


@pytest.mark.skipif(not LONG, reason="its own process takes six seconds; see check_behaviour")
def test_a_saved_model_has_the_same_loss_in_a_new_process(tmp_path):
    binary = ours.BinaryCrossentropy(
        pos_weight=np.array([2.5, 10, 5, 20]), class_weight={0: 0.5, 1: 2.0},
        label_smoothing=0.1, smoothing_weight="class", dtype="float16", name="mine",
    )  # fmt: skip
    sparse = ours.SparseCategoricalCrossentropy(
        class_weight={2: 4.0}, ignore_class=0, reduction="weighted_mean", axis=1
    )
    expected = []
    for model, y in ((dense(4, "sigmoid", binary), Y), (dense(3, "softmax", sparse), LABELS)):
        model.fit(X, y, verbose=0)
        expected.append((model.evaluate(X, y, verbose=0, batch_size=64), model.loss))
        model.save(tmp_path / f"{model.loss.name}.keras")
        np.savez(tmp_path / f"{model.loss.name}.npz", x=X, y=y)
    paths = [tmp_path / loss.name for _, loss in expected]
    unseen = [name for name, module in sys.modules.items() if module is None]
    command = [sys.executable, "-c", LOAD, *paths, " ".join(unseen)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    lines = iter(run.stdout.strip().splitlines()[-6:])
    for value, loss in expected:
        np.testing.assert_allclose(float(next(lines)), value, rtol=1e-6)
        assert next(lines) == loss.dtype
        assert next(lines) == repr(loss.get_config())
    assert binary.dtype == "float16"


@by_torch  # which does not compile
@pytest.mark.parametrize("kind", [dict, list])
def test_a_saved_model_of_several_outputs_goes_on_training(kind, tmp_path):
    losses = {
        "labels": ours.BinaryCrossentropy(pos_weight=[2.5, 10, 5, 20], ignore_class=(9, nan)),
        "classes": ours.SparseCategoricalCrossentropy(
            class_weight={2: 4.0}, reduction="weighted_mean"
        ),
        "regions": ours.Tversky(fp_weight=0.2, fn_weight=0.8, axis=0),
    }
    weights = {"labels": 1.0, "classes": 0.5, "regions": 2.0}
    unknown = np.where(RANDOM.random(Y.shape) < 0.2, [nan, 9, nan, 9], Y).astype("float32")
    y = {"labels": unknown, "classes": LABELS, "regions": Y[:, :2]}
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5,))
    outputs = {
        "labels": keras.layers.Dense(4, activation="sigmoid", name="labels")(inputs),
        "classes": keras.layers.Dense(3, activation="softmax", name="classes")(inputs),
        "regions": keras.layers.Dense(2, activation="sigmoid", name="regions")(inputs),
    }
    if kind is list:
        losses, weights, y, outputs = (list(d.values()) for d in (losses, weights, y, outputs))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.3), loss=losses, loss_weights=weights)
    model.fit(X, y, verbose=0)
    values = model.evaluate(X, y, batch_size=64, verbose=0, return_dict=True)
    each = [values[f"{name}_loss"] for name in ("labels", "classes", "regions")]
    np.testing.assert_allclose(values["loss"], np.dot(each, [1.0, 0.5, 2.0]), rtol=1e-5)
    p = model.predict(X, verbose=0)
    alone = [losses[k](y[k], p[k]) for k in (outputs if kind is dict else range(3))]
    np.testing.assert_allclose(each, [numpy(loss) for loss in alone], rtol=1e-4)

    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    found = again.evaluate(X, y, batch_size=64, verbose=0, return_dict=True)
    np.testing.assert_allclose(list(found.values()), list(values.values()), rtol=1e-6)
    for one in (model, again):
        one.fit(X, y, batch_size=32, shuffle=False, verbose=0)
    for mine, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-7)
    after = again.evaluate(X, y, batch_size=64, verbose=0, return_dict=True)
    assert after["loss"] < values["loss"]


@pytest.mark.skipif(
    BACKEND == "torch" or not LONG,
    reason="for the long run: MirroredStrategy of TensorFlow, keras.distribution of JAX",
)
def test_two_devices():
    run = subprocess.run(
        [sys.executable, Path(__file__).parent / "two_devices.py"],
        env={**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "devices: 2" in run.stdout
