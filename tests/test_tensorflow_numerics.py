"""tf.debugging.enable_check_numerics has nothing to report of finite logits.

In a process of its own: what is switched on stays in the graphs that were made.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import weightedce as w
from libraries import DIFFERENTIABLE, LONG

pytestmark = pytest.mark.skipif("tensorflow" not in DIFFERENTIABLE, reason="no TensorFlow")
COUNTS = {"counts": [5, 3, 1]}
OPTIONS = {
    "balanced_softmax_cross_entropy": COUNTS,
    "confusion_cross_entropy": {"fn": 3.0},
    "distribution_balanced_loss": COUNTS | {"total": 9},
    "expected_cost": {"cost_matrix": [[0, 1, 2], [1, 0, 1], [3, 1, 0]]},
    "f_beta_loss": {"beta": 2.0},
    "ldam_cross_entropy": COUNTS,
    "linear_cross_entropy": {"weight": np.eye(3).tolist()},
    "logit_adjusted_cross_entropy": {"prior": [0.5, 0.3, 0.2]},
    "seesaw_loss": COUNTS,
    "tversky_loss": {"fp_weight": 0.3, "fn_weight": 0.7},
    "vector_scaling_cross_entropy": COUNTS,
}
OVER_CLASSES = {
    "cross_entropy",
    "focal_loss",
    "generalized_cross_entropy",
    "poly_cross_entropy",
    *OPTIONS.keys()
    - {"confusion_cross_entropy", "distribution_balanced_loss", "f_beta_loss", "tversky_loss"},
}
FEW = ("balanced_softmax_cross_entropy", "binary_cross_entropy", "cross_entropy")
NEAR = np.random.default_rng(0).normal(size=(4, 3))
LOGITS = np.concatenate([NEAR, NEAR * [[1e4], [88.0], [-700.0], [1e30]]])
LABELS, MASK = np.array([0, 1, 2, 1] * 2), np.arange(8) % 3 != 1
ONE_HOT = np.eye(3)[LABELS]


def reports():
    """Yield what is reported of value and gradient of every loss."""
    import tensorflow as tf

    tf.debugging.enable_check_numerics()
    for name in w.losses.__all__ if LONG else FEW:
        hard = LABELS if name in OVER_CLASSES else ONE_HOT
        smoothed = {"label_smoothing": 0.1, "mask": MASK}
        for targets, more in ((hard, {}), (ONE_HOT, smoothed)):
            for graph in (False, True) if LONG or not more else (True,):
                if said := report(tf, name, targets, {**OPTIONS.get(name, {}), **more}, graph):
                    yield name, sorted(more), graph, said


def report(tf, name, targets, options, graph):
    given = {k: v for k, v in options.items() if k != "weight"}
    first = [tf.constant(options["weight"])] if "weight" in options else []  # the matrix

    def step(z, y):
        with tf.GradientTape() as tape:
            tape.watch(z)
            loss = getattr(w, name)(z, *first, y, **given)
        return loss, tape.gradient(loss, z)

    arrays = tf.constant(LOGITS, tf.float32), tf.constant(targets)
    if graph:
        specs = [tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in arrays]
        step = tf.function(step, input_signature=specs)
    try:
        step(*arrays)
    except (tf.errors.InvalidArgumentError, ValueError) as error:
        return " ".join(str(error).split())
    return None


# TensorFlow imports Keras, and that what else is there, which takes as long as all the rest
PROGRAM = """
import runpy, sys
sys.modules.update(dict.fromkeys(("jax", "keras", "torch")))
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def test_finite_logits_make_no_infinity_and_no_nan():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, __file__],
        cwd=Path(__file__).parent,
        env=os.environ | {"WEIGHTEDCE_ONLY": "tensorflow"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not done.stdout, done.stdout


if __name__ == "__main__":
    for found in reports():
        print(*found, sep=" | ")
