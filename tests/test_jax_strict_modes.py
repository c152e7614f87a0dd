"""JAX's strict modes on ordinary finite batches: every loss, value and gradient, eager and jitted.

People run whole programs with rank promotion refused, dtype promotion strict, NaN checks and leak
checks; what a loss does inside must not depend on what these modes forbid.
"""

import inspect
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest

import weightedce as w
from libraries import LONG
from weightedce.validation import oracle

jax = pytest.importorskip("jax", reason="jax is not installed")
jnp = jax.numpy


@contextmanager
def strict():
    with (
        jax.numpy_rank_promotion("raise"),
        jax.numpy_dtype_promotion("strict"),
        jax.checking_leaks(),
    ):
        yield


ROWS, FEW, MANY = 6, 3, 20  # classes: lookups and sums take other ways for many
LINEAR = ({}, {"label_smoothing": 0.1}, {"z_loss": 1e-4, "softcap": 30.0})
DEFINED = oracle.BINARY | oracle.MULTICLASS | oracle.BATCH


def own_options(name, variant, classes):
    """Return the variant's options, numbers a class repeated up to so many."""

    def fit(value):
        if not isinstance(value, tuple):
            return value
        if isinstance(value[0], tuple):
            return jnp.asarray(np.resize(value, (classes, classes)), jnp.float32)
        return jnp.asarray(np.resize(value, classes), jnp.float32)

    names = inspect.signature(getattr(w, name)).parameters
    return {k: fit(v) for k, v in variant.items() if k in names}


def over_classes(name):
    return "pos_weight" not in inspect.signature(getattr(w, name)).parameters


def calls(name, classes):
    """Yield logits, targets and options of several uses of a loss."""
    rng = np.random.default_rng(0)
    z = jnp.asarray(rng.normal(size=(ROWS, classes)), jnp.float32)
    weight = jnp.asarray(rng.uniform(0.5, 2, classes), jnp.float32)
    full = {"sample_weight": jnp.ones(ROWS), "mask": jnp.arange(ROWS) < 4, "label_smoothing": 0.1}
    if over_classes(name):
        labels = jnp.asarray(rng.integers(0, classes, ROWS))
        soft = jnp.asarray(rng.dirichlet(np.ones(classes), ROWS), jnp.float32)
        weights = {"class_weight": weight}
    else:
        labels = jnp.asarray(rng.integers(0, 2, (ROWS, classes)))
        soft = jnp.asarray(rng.uniform(size=(ROWS, classes)), jnp.float32)
        weights = {"pos_weight": weight, "neg_weight": weight}
    for variant in DEFINED[name].variants if LONG else DEFINED[name].variants[:1]:
        own = own_options(name, variant, classes)
        yield z, labels, own | weights
        yield z, labels, own | weights | full
        if own.get("scale_by") != "label":
            yield z, soft, own | weights | full


def total(name, options, z, y):
    """Return the sum of what a loss gives; an option that it has not is left out."""
    loss = getattr(w, name)
    known = inspect.signature(loss).parameters
    found = loss(z, y, **{k: v for k, v in options.items() if k in known})
    return sum(jnp.sum(x) for x in jax.tree.leaves(found))


KINDS = (
    "binary_cross_entropy",
    "cross_entropy",
    "dice_loss",
    "ldam_cross_entropy",
)
LOSSES = [name for name in w.losses.__all__ if name in (DEFINED if LONG else KINDS)]


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_traced_strictly(name):
    for classes in (FEW, MANY) if LONG else (MANY,):
        for z, y, options in calls(name, classes):
            of = partial(total, name, options)
            with strict():
                jax.eval_shape(jax.value_and_grad(of), z, y)
                slope = jax.grad(of)
                jax.eval_shape(lambda z, f=slope, y=y: jax.jvp(lambda z: f(z, y), (z,), (z,)), z)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_make_no_nan_of_finite_numbers(name):
    *_, (z, y, options) = calls(name, MANY)
    with strict(), jax.debug_nans(True):
        jax.jit(jax.value_and_grad(partial(total, name, options)))(z, y)
        total(name, options, z, y)


@pytest.mark.parametrize("classes", [FEW, MANY] if LONG else [MANY])
@pytest.mark.parametrize("options", LINEAR if LONG else LINEAR[-1:])
def test_linear_cross_entropy(classes, options):
    rng = np.random.default_rng(0)
    h, weight = (jnp.asarray(rng.normal(size=(n, 4)), jnp.float32) for n in (ROWS, classes))
    bias = jnp.asarray(rng.normal(size=classes), jnp.float32)
    y = jnp.asarray(rng.integers(0, classes, ROWS))
    with strict():
        for reduction in ("mean", "none") if LONG else ("mean",):

            def total(h, weight, bias, reduction=reduction):
                found = w.linear_cross_entropy(
                    h, weight, y, bias=bias, class_weight=bias**2, block_size=4,
                    reduction=reduction, **options,
                )  # fmt: skip
                return jnp.sum(found)

            of = (0, 1, 2) if LONG else 0
            jax.eval_shape(jax.grad(total, argnums=of), h, weight, bias)


@pytest.mark.parametrize("classes", [FEW, MANY] if LONG else [MANY])
def test_weights_and_calibration(classes):
    labels = jnp.asarray(np.random.default_rng(0).integers(0, classes, ROWS))
    logits = jnp.zeros((ROWS, classes), jnp.float32)
    with strict():
        counts = w.class_counts(labels, classes, ignore_index=0)
        for estimate in (w.balanced, w.inverse_frequency, w.log_damped):
            weight = estimate(counts)
        w.effective_number(counts, beta=0.9)
        w.sample_weights(labels, weight)
        w.pos_weights(jnp.asarray([[0, 1], [1, 1]]), mask=jnp.asarray([True, True]))
        weight = jnp.maximum(weight, jnp.ones_like(weight))
        w.undo_class_weight(logits, weight)
        w.shift_prior(logits, old_prior=weight, new_prior=weight)
        w.undo_pos_weight(logits, pos_weight=weight)


def test_the_value_under_rank_promotion():
    with jax.numpy_rank_promotion("raise"):
        labels = jnp.array([0, 1, 2, 3, 1, 0])
        found = w.cross_entropy(jnp.zeros((6, 4)), labels, class_weight=[1.0, 2, 3, 4])
    np.testing.assert_allclose(found, 13 / 6 * np.log(4), rtol=1e-6)
