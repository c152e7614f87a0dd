"""Every public loss under JAX's transformations, alone and together, weights from the batch.

Values and derivatives per element, eager and jitted, are held to the truth in test_truth.py;
here it is what is made of them: vmap, hessian, scan, eight devices, which are there in a process
of its own.
"""

import inspect
from functools import cache, partial

import numpy as np
import pytest

import weightedce as w
from eight_devices import DEVICES, results
from libraries import LONG
from weightedce.validation import oracle

jax = pytest.importorskip("jax", reason="jax is not installed")

LOSSES = [name for name in w.losses.__all__ if name != "linear_cross_entropy"]  # of logits
DEFINED = oracle.BINARY | oracle.MULTICLASS  # these add up; those of soft counts are in RATIOS
RATIOS = {
    "dice_loss": w.SoftConfusion.tversky_loss,
    "f_beta_loss": w.SoftConfusion.tversky_loss,
    "focal_tversky_loss": w.SoftConfusion.focal_tversky_loss,
    "tversky_loss": w.SoftConfusion.tversky_loss,
    "recall_specificity_loss": w.SoftConfusion.recall_specificity_loss,
}
NO_PARTS = ("lovasz_loss",)  # a batch's is made of no sums of its parts
HELD = ("seesaw_loss",)  # the factors are constants of the gradient too, but differences see them
ROWS, CLASSES, INPUTS = 64, 3, 2
# one of each kind of derivative of our own, and of those that JAX derives: the long run takes all
KINDS = (
    "asymmetric_loss",
    "binary_cross_entropy",
    "binary_focal_loss",
    "cross_entropy",
    "expected_cost",
    "f_beta_loss",
    "vector_scaling_cross_entropy",
)
# of those, one with a slope of elements, one of labels, and one that JAX derives of either
FEW = ("asymmetric_loss", "cross_entropy", "expected_cost", "f_beta_loss")
IN_PARTS = [name for name in LOSSES if name not in NO_PARTS]
SHARDED = ("binary_cross_entropy", "cross_entropy", "expected_cost", "f_beta_loss")
of_each_kind = pytest.mark.parametrize("name", LOSSES if LONG else FEW)
# what is transformed does not depend on how well LLVM schedules it, which takes a third of the time
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
close = partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-15)  # orders of summation differ


def has_classes(name):
    return "pos_weight" not in inspect.signature(getattr(w, name)).parameters


def loss_of(name):
    """Return the loss with its parameters, and -1 for targets that are missing."""
    options = DEFINED[name].variants[0] if name in DEFINED else {}
    return partial(getattr(w, name), ignore_index=-1, **options)


def part_of(name):
    """Return what adds up over parts of a batch, what makes the loss of it, and its zero."""
    if name in DEFINED:
        zero = w.LossTotal(*jax.numpy.zeros(3))
        return partial(loss_of(name), reduction="total"), w.LossTotal.mean, zero
    zero = w.SoftConfusion(*jax.numpy.zeros(4))
    return partial(w.soft_confusion, ignore_index=-1), RATIOS[name], zero


def weights_of(name, y, add_up=lambda counts: counts):
    """Return balanced weights from the targets at hand, added up over devices."""
    if has_classes(name):
        counts = add_up(w.class_counts(y, CLASSES, ignore_index=-1))
        return {"class_weight": w.balanced(counts)}
    positives, negatives = add_up(((y == 1).sum(axis=0), (y == 0).sum(axis=0)))
    return {"pos_weight": negatives / positives}


def batch(name, problem=0):
    """Return features, parameters, targets: fewer targets are missing the later they come."""
    random = np.random.default_rng(problem)
    x, theta = random.normal(size=(ROWS, INPUTS)), random.normal(size=(INPUTS, CLASSES))
    if has_classes(name):
        y = random.choice(CLASSES, ROWS, p=[0.7, 0.2, 0.1])
    else:
        y = random.binomial(1, [0.5, 0.3, 0.1], (ROWS, CLASSES))
    missing = random.uniform(size=y.shape) > np.linspace(0.4, 1.0, ROWS).reshape(
        -1, *[1] * (y.ndim - 1)
    )
    return x, theta, np.where(missing, -1, y)


def whole(name):
    """Return the loss of parameters on a batch, with weights from the batch."""
    loss = loss_of(name)
    return lambda theta, x, y: loss(x @ theta, y, **weights_of(name, y))


@cache
def alone(name):
    """Return what gives value and gradient of a loss on one device, compiled once."""
    return jit(jax.value_and_grad(whole(name)))


@pytest.mark.parametrize("name", LOSSES if LONG else (*KINDS, *NO_PARTS, *HELD))
def test_jit_of_every_reduction(name):
    x, theta, y = batch(name)
    reductions = ("none", "sum", "mean", "weighted_mean", "total")
    if name in (*RATIOS, *NO_PARTS):
        reductions = reductions[:3]

    def losses(z, y):
        weights = weights_of(name, y)
        return {r: loss_of(name)(z, y, reduction=r, **weights) for r in reductions}

    got = jit(losses)(x @ theta, y)
    for reduction, expected in losses(x @ theta, y).items():  # NumPy
        close(got[reduction], expected, err_msg=reduction)


@of_each_kind
def test_vmap_over_problems(name):
    """Each with parameters, targets and weights of its own."""
    problems = [batch(name, i) for i in range(5)]
    if has_classes(name):
        problems[3][2][problems[3][2] == 2] = 0  # a class is absent
    x, theta, y = map(np.stack, zip(*problems, strict=True))
    values, gradients = jit(jax.vmap(jax.value_and_grad(whole(name))))(theta, x, y)
    assert gradients.shape == theta.shape
    for i, (x, theta, y) in enumerate(problems):
        close(values[i], whole(name)(theta, x, y))  # NumPy
        close(gradients[i], alone(name)(theta, x, y)[1])


@of_each_kind
def test_hessian(name):
    """Of all parameters, against differences of the gradient and the sum over examples."""
    x, theta, y = batch(name)
    hessian = jit(jax.hessian(whole(name)))(theta, x, y)
    close(hessian, hessian.transpose(2, 3, 0, 1))
    for i in np.ndindex(theta.shape) if name not in HELD else ():
        h = np.zeros_like(theta)
        h[i] = 1e-5
        above, below = (alone(name)(theta + sign * h, x, y)[1] for sign in (1, -1))
        difference = (above - below) / 2e-5
        np.testing.assert_allclose(hessian[i], difference, rtol=1e-5, atol=1e-8)
    if name in (*RATIOS, *NO_PARTS):
        return
    weights = weights_of(name, jax.numpy.asarray(y))

    def of_one(theta, x, y):
        return loss_of(name)(x @ theta, y, reduction="sum", **weights)

    each = jit(jax.vmap(jax.hessian(of_one), in_axes=(None, 0, 0)))(theta, x, y)
    close(hessian * (y >= 0).sum(), each.sum(axis=0), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", IN_PARTS if LONG else FEW)
def test_scan_over_parts(name):
    """Totals of micro-batches with unlike numbers of targets: the loss, and its gradient."""
    x, theta, y = map(jax.numpy.asarray, batch(name))
    part, finish, zero = part_of(name)

    def scanned(theta, x, y):
        weights = weights_of(name, y)

        def step(total, one):
            return total + part(one[0] @ theta, one[1], **weights), None

        parts = x.reshape(4, -1, INPUTS), y.reshape(4, -1, *y.shape[1:])
        return finish(jax.lax.scan(step, zero, parts)[0])

    value, gradient = jit(jax.value_and_grad(scanned))(theta, x, y)
    expected = alone(name)(theta, x, y)
    close(value, expected[0])
    close(gradient, expected[1])


def logits_and_distributions():
    rng = np.random.default_rng(3)
    return rng.normal(size=(2 * DEVICES, 4)), rng.dirichlet(np.ones(4), 2 * DEVICES)


def on_devices():
    """Return value and gradient of every loss, computed in all ways on eight devices."""
    spec, kinds = jax.sharding.PartitionSpec, jax.sharding.AxisType
    automatic, explicit = (
        jax.make_mesh((DEVICES,), ("batch",), axis_types=(kind,))
        for kind in (kinds.Auto, kinds.Explicit)
    )
    found = {}
    for name in IN_PARTS if LONG else SHARDED:
        part, finish, _ = part_of(name)

        def manual(theta, x, y, name=name, part=part, finish=finish):
            weights = weights_of(name, y, add_up=lambda counts: jax.lax.psum(counts, "batch"))
            return finish(part(x @ theta, y, **weights).across("batch"))

        def of_logits(z, y, weights, name=name):
            return loss_of(name)(z, y, **weights)

        def place(mesh, *arrays):
            put = jax.sharding.NamedSharding(mesh, spec("batch"))
            return jax.device_put(tuple(map(jax.numpy.asarray, arrays)), put)

        x, theta, y = batch(name)
        specs = (spec(), spec("batch"), spec("batch"))
        by_hand = jax.shard_map(manual, mesh=explicit, in_specs=specs, out_specs=spec())
        weights = weights_of(name, jax.numpy.asarray(y))
        value, gradient = jit(jax.value_and_grad(of_logits))(
            *place(explicit, x @ theta, y), weights
        )
        assert gradient.sharding.spec[0] == "batch"
        shards = place(automatic, x, y)
        assert len(shards[1].sharding.device_set) == DEVICES
        ways = {
            "manual": jit(jax.value_and_grad(by_hand))(theta, *place(explicit, x, y)),
            "automatic": alone(name)(theta, *shards),
            "explicit": (value, x.T @ np.asarray(gradient)),
        }
        for way, (value, gradient) in ways.items():
            found[f"{name} {way} value"], found[f"{name} {way} gradient"] = value, gradient
    z, q = logits_and_distributions()
    step = jit(jax.value_and_grad(w.cross_entropy))
    everywhere = jax.device_put(jax.numpy.asarray(q), jax.sharding.NamedSharding(explicit, spec()))
    found["everywhere value"], found["everywhere gradient"] = step(*place(explicit, z), everywhere)
    return found


@pytest.fixture(scope="module")
def devices():
    return results()


@pytest.mark.parametrize("way", ["manual", "automatic", "explicit"])
@pytest.mark.parametrize("name", IN_PARTS if LONG else SHARDED)
def test_eight_devices_are_one(devices, name, way):
    """Manual: shard_map and across. Automatic, explicit: the two kinds of mesh under jit.

    Under the explicit kind JAX leaves it to the caller how sharded labels are sorted and how a
    matrix product sums over shards: there the weights come from outside, and the derivative is
    that of the logits.
    """
    x, theta, y = batch(name)
    close(devices[f"{name} {way} value"], whole(name)(theta, x, y))  # NumPy
    close(devices[f"{name} {way} gradient"], alone(name)(theta, x, y)[1])


def test_distributions_that_every_device_has(devices):
    """The logits are sharded, on a mesh whose axes are explicit."""
    z, q = logits_and_distributions()
    close(devices["everywhere value"], w.cross_entropy(z, q))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    close(devices["everywhere gradient"], (p - q) / len(z))
