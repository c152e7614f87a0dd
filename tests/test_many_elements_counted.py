"""2**31 elements and more are counted right or refused, also where integers have 32 bits."""

import numpy as np
import pytest

import weightedce as w
from libraries import LIBRARIES
from weightedce.backends import backend_of
from weightedce.call import reductions

MANY = (2**16, 2**16)


@pytest.mark.parametrize("name", [name for name in LIBRARIES if name != "jax"])
def test_masks_are_added_up_in_64_bits(name):
    xp = backend_of(LIBRARIES[name].array(np.zeros(1))).namespace
    flags = LIBRARIES[name].array(np.ones(3, bool))
    assert "int64" in str(xp.sum(xp.astype(flags, xp.int32)).dtype)


def test_the_size_is_no_integer_of_32_bits():
    assert reductions._count(np.broadcast_to(np.float32(0.0), MANY), None) == 2.0**32


def test_jax_counts_more_than_its_integers_hold(monkeypatch):
    jax = pytest.importorskip("jax", reason="jax is not installed")
    from weightedce.backends.jax import adding

    jnp = jax.numpy
    with jax.enable_x64(False):
        flags = jax.ShapeDtypeStruct(MANY, bool)
        text = str(jax.make_jaxpr(lambda x: adding.count(x, jnp.float32))(flags))
        assert ":f32[] = reduce_sum" in text, text
        z = jax.ShapeDtypeStruct(MANY, jnp.float32)
        loss = jax.eval_shape(lambda z, y, m: w.binary_cross_entropy(z, y, mask=m), z, z, flags)
        assert (loss.shape, loss.dtype) == ((), jnp.float32)
        mask = jnp.arange(10) % 3 > 0
        monkeypatch.setattr(adding, "MOST", 4)
        z, y = jnp.linspace(-2, 2, 10), jnp.ones(10)
        np.testing.assert_allclose(
            w.binary_cross_entropy(z, y, mask=mask),
            w.binary_cross_entropy(z[mask], y[mask]),
            rtol=1e-6,
        )


def test_jax_refuses_to_count_classes_in_32_bits():
    jax = pytest.importorskip("jax", reason="jax is not installed")
    labels = jax.ShapeDtypeStruct(MANY, jax.numpy.int32)
    for classes in (3, 100):
        with jax.enable_x64(False), pytest.raises(ValueError, match=r"2\*\*31"):
            jax.eval_shape(lambda y, k=classes: w.class_counts(y, k), labels)


def test_many_float32_targets_are_counted_along_the_rows():
    """Added one by one, ones of float32 stop at 2**24."""
    targets = np.ones((2**25, 1), "float32")
    targets[:2] = 0.0
    assert w.pos_weights(np.concatenate([targets, targets], axis=1))[0] == np.float32(
        2 / (2**25 - 2)
    )
