"""A loss in a graph of TensorFlow for a GPU is a program of XLA: truth, gradients, and its count.

There is no GPU here: graphs are made as if there were one, and run on the CPU.
"""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest

import weightedce as w
from libraries import LIBRARIES, LONG
from weightedce.validation import hard_points, ulp
from weightedce.validation.cases import Case
from weightedce.validation.problems import CaseProblem

pytestmark = pytest.mark.skipif("tensorflow" not in LIBRARIES, reason="no TensorFlow")

TRAFFIC = Path(__file__).parent.parent / "benchmarks" / "traffic_tensorflow.py"
LIMITS = {  # the most bytes as a share of what TensorFlow or Keras moves
    "labels": 0.76,
    "smoothed": 0.51,
    "distributions": 1.0,
    "binary": 0.09,
    "binary focal": 0.05,
}
Z = np.array([[0.5, -1.0, 2.0], [0.0, 3.0, -2.0], [1.0, 1.0, 1.0], [-4.0, 0.0, 0.5]])
Y = np.array([0, 1, 2, 1])
Q = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.2, 0.2, 0.6], [1.0, 0.0, 0.0]])


@pytest.fixture
def gpu(monkeypatch):
    """Let graphs be made as for a GPU."""
    from weightedce.backends.tensorflow import modes

    monkeypatch.setattr(modes, "accelerated", lambda: True)
    monkeypatch.setattr(modes, "compiler", lambda: True)


MEASURED = LIMITS if LONG else ("labels", "distributions", "binary")  # one of each program


@pytest.mark.parametrize("name", MEASURED)
def test_a_graph_moves_no_more_than_its_limit(name):
    pytest.importorskip("keras")
    spec = importlib.util.spec_from_file_location("traffic_tensorflow", TRAFFIC)
    traffic = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(traffic)
    mine, theirs = traffic.counted(name)
    assert mine <= LIMITS[name] * theirs


def programs(function, *given):
    """Return a graph and how many programs of XLA are called in it."""
    tf = LIBRARIES["tensorflow"].tf
    concrete = tf.function(function, autograph=False).get_concrete_function(*given)
    attributes = [op.node_def.attr for op in concrete.graph.get_operations()]
    return concrete, sum("_XlaMustCompile" in x and x["_XlaMustCompile"].b for x in attributes)


def many_classes():
    """Return hard rows of labels of so many classes as TensorFlow does not go through at once."""
    z = np.random.default_rng(0).normal(scale=9.0, size=(7, 40))
    labels = np.arange(7)
    z[1, 5:9] = z[1].max() + 1.0
    z[2, 2] = z[3, 0] = np.inf
    z[4, 1:] = -np.inf
    z[5] += 200.0
    z[6, 6] = z[6].max() + 20.0
    return Case("cross_entropy", z, labels, options={})


CASES = {
    "labels, masked": lambda: hard_points.cases("cross_entropy")["masked"],
    "many classes": many_classes,
    "distributions": lambda: hard_points.cases("cross_entropy")["full-2"],
    "binary": lambda: hard_points.cases("binary_cross_entropy")["full-1"],
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("gpu")
def test_truth_of_programs(name):
    library, orders = LIBRARIES["tensorflow"], (0, 1)
    given = CaseProblem(name, CASES[name]().rounded("float32"))
    arrays = [library.array(x, "float32") for x in (given.logits, *given.arrays.values())]
    function = library.prepare("eager", given.function, orders, given.batched)
    graph, found = programs(function, *arrays)
    assert found >= 2, "the loss is no program"
    for order, result in zip(orders, graph(*arrays), strict=True):
        far = ulp.distances(library.numpy(result), given.expected(order), "float32")
        assert (far <= given.limits(order)).all(), (order, far.max())


@pytest.mark.usefixtures("gpu")
def test_what_learns_beside_the_logits_has_its_own_program():
    tf = LIBRARIES["tensorflow"].tf

    def gradients(z, *others):
        with tf.GradientTape() as tape:
            tape.watch([z, *others])
            q, weight, sample = others
            total = w.binary_cross_entropy(
                z, q, pos_weight=weight, sample_weight=sample, reduction="total"
            )
            value = total.loss / total.weight
        return tape.gradient(value, [z, *others])

    given = [tf.constant(x) for x in (Z, Q, np.array([1.0, 2.0, 3.0]), np.arange(1.0, 5.0))]
    graph, found = programs(gradients, *given)
    assert found == 5
    for got, expected in zip(graph(*given), gradients(*given), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-16)


@pytest.mark.usefixtures("gpu")
def test_the_gradient_of_a_gradient_goes_through_its_program():
    tf = LIBRARIES["tensorflow"].tf

    def second(z):
        with tf.GradientTape() as outer:
            outer.watch(z)
            with tf.GradientTape() as inner:
                inner.watch(z)
                loss = w.binary_cross_entropy(z, Q)
            along = tf.reduce_sum(inner.gradient(loss, z) * Z)
        return outer.gradient(along, z)

    z = tf.constant(Z)
    graph, found = programs(second, z)
    assert found >= 2
    np.testing.assert_allclose(graph(z), second(z), rtol=1e-13, atol=1e-16)


@pytest.mark.usefixtures("gpu")
def test_what_is_bad_or_masked_in_a_program_is_so_in_its_row():
    tf = LIBRARIES["tensorflow"].tf
    z = tf.constant(np.where(np.arange(4)[:, None] == 3, np.nan, Z))

    def both(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            losses = w.cross_entropy(z, [0, 7, 2, -100], ignore_index=-100, reduction="none")
        return losses, tape.gradient(losses, z)

    graph, found = programs(both, z)
    assert found == 2
    for got in graph(z):
        assert np.isnan(got[1]).all()
        assert np.isfinite(got.numpy()[[0, 2]]).all()
        assert (got.numpy()[3] == 0.0).all()


@pytest.mark.usefixtures("gpu")
def test_where_a_loss_is_composed_on_a_gpu_too(monkeypatch):
    """Each size that is not known would be compiled anew; what is held has no gradient."""
    from weightedce.backends.tensorflow import modes

    tf = LIBRARIES["tensorflow"].tf
    z, y = tf.TensorSpec((4, 3)), tf.constant(Y)
    weight, prior = tf.constant([1.0, 2.0, 3.0]), tf.constant([0.5, 0.25, 0.25])

    def plain(z):
        return w.cross_entropy(z, y, class_weight=weight)

    def of_cpu(z):
        with tf.device("CPU:0"):
            return plain(tf.identity(z))

    def of_prior(z):
        return w.logit_adjusted_cross_entropy(z, y, prior=prior)

    assert programs(plain, z)[1] == 1
    assert programs(plain, tf.TensorSpec((None, 3)))[1] == 0
    assert programs(of_cpu, z)[1] == 0
    assert programs(of_prior, z)[1] == 0
    nested = programs(tf.function(plain, jit_compile=True, autograph=False), z)[0]
    inner = [f.node_def for f in nested.graph.as_graph_def().library.function]
    calls = [op for body in inner for op in body if op.op == "PartitionedCall"]
    assert not any(op.attr["_XlaMustCompile"].b for op in calls), "a program in a program"
    assert tf.is_tensor(plain(tf.constant(Z, tf.float32)))
    monkeypatch.setattr(modes, "is_op_determinism_enabled", lambda: True)
    assert programs(plain, z)[1] == 0


def test_a_gpu_that_xla_does_not_compile_for_is_told_of_once(monkeypatch):
    tf = LIBRARIES["tensorflow"].tf
    from weightedce.backends.tensorflow import modes

    def compiler():
        return modes.compiler.__wrapped__()

    assert not compiler()
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: [kind])
    assert not compiler(), "TensorFlow is not built for a GPU"
    monkeypatch.setattr(tf.test, "is_built_with_gpu_support", lambda: True)
    monkeypatch.setattr(tf, "device", lambda _: warnings.catch_warnings())
    assert compiler()

    def refuses(*_, **__):
        raise tf.errors.InternalError(None, None, "libdevice not found")

    monkeypatch.setattr(tf.math, "log1p", refuses)
    with pytest.warns(UserWarning, match="libdevice not found"):
        assert not compiler()
