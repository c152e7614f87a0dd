"""float16 and bfloat16 are computed in float32; nothing global changes; XLA leaves the digits."""

import numpy as np
import pytest

import weightedce as w
from libraries import DIFFERENTIABLE

LOSSES = [
    (w.cross_entropy, lambda n: np.arange(n) % 3, {"class_weight": [1.0, 2.0, 10.0]}),
    (w.binary_cross_entropy, lambda n: np.eye(3)[np.arange(n) % 3], {"pos_weight": 10.0}),
]


@pytest.mark.parametrize(("loss", "targets", "options"), LOSSES)
def test_numpy_half(loss, targets, options):
    z = np.random.default_rng(0).normal(size=(9, 3)).astype("float16")
    got = loss(z, targets(9), **options)
    assert got.dtype == np.float32
    expected = loss(z.astype("float32"), targets(9), **options)  # adds up in its own order
    assert abs(got - expected) <= np.spacing(expected)


def tools(library):
    """Return the dtypes by name, a cast, and value-and-gradient of a library."""
    if library.name == "torch":
        torch = library.torch

        def gradient(f, z):
            z = z.clone().requires_grad_()
            value = f(z)
            return value.detach(), torch.autograd.grad(value, z)[0]

        return torch, lambda x, dtype: x.to(dtype), gradient
    if library.name == "jax":
        jax = library.jax
        return jax.numpy, lambda x, dtype: x.astype(dtype), lambda f, z: jax.value_and_grad(f)(z)
    tf = library.tf

    def gradient(f, z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = f(z)
        return value, tape.gradient(value, z)

    return tf, tf.cast, gradient


@pytest.mark.parametrize(("loss", "targets", "options"), LOSSES)
@pytest.mark.parametrize("name", ["float16", "bfloat16"])
@pytest.mark.parametrize("library", list(DIFFERENTIABLE))
def test_half(library, name, loss, targets, options):
    library = DIFFERENTIABLE[library]
    namespace, cast, gradient = tools(library)
    n = 70_000  # the sum overflows float16, as it does in torch
    noise = np.random.default_rng(0).normal(size=(n, 3)) * 4
    z = cast(library.array(noise), getattr(namespace, name))
    y = library.array(targets(n))
    value, slope = gradient(lambda z: loss(z, y, **options), z)
    assert value.dtype == namespace.float32
    assert slope.dtype == z.dtype
    exact = np.asarray(cast(z, namespace.float64))
    np.testing.assert_allclose(np.asarray(value), loss(exact, targets(n), **options), rtol=1e-5)
    assert np.isfinite(np.asarray(loss(z, y, reduction="sum", **options)))


def test_the_mean_of_many_is_the_mean(library):
    """A count above 2**24 is not exact in float32: it is counted as an integer."""
    n = 2**24 + 8
    z = library.array(np.zeros(n, dtype="float32"))
    y = library.array(np.zeros(n, dtype="uint8"))
    got = float(w.binary_cross_entropy(z, y))
    assert got == pytest.approx(np.log(2), rel=1e-4)


@pytest.mark.skipif("jax" not in DIFFERENTIABLE, reason="JAX is not installed")
def test_xla_keeps_a_product_of_exponentials_apart():
    """Of exp(a) exp(b) it makes exp(a + b), off by half an ulp a unit, if it sees the two."""
    library = DIFFERENTIABLE["jax"]
    z, y = np.linspace(-300.0, 300.0, 60).reshape(20, 3), np.arange(60).reshape(20, 3) % 2
    given = {"counts": [30, 400, 7], "total": 1000, "reduction": "none"}

    def loss(z):
        return w.distribution_balanced_loss(z, y, **given)

    found = library.evaluate("jit", loss, z, [])
    np.testing.assert_allclose(found, loss(z), rtol=4e-15)
