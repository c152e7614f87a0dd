"""The adapters: whose array is it, and does our TensorFlow namespace speak the standard."""

import inspect

import array_api_strict as strict
import numpy as np
import pytest

import weightedce as w
from libraries import DIFFERENTIABLE, LIBRARIES

NAMESPACES = {"numpy": "numpy", "strict": "array_api_strict", "torch": "array_api_compat.torch"}
NAMESPACES |= {"jax": "jax.numpy", "tensorflow": "weightedce.backends.tensorflow.namespace"}


def test_namespace_of(library):
    assert w.namespace_of(library.array(np.zeros(2))).__name__ == NAMESPACES[library.name]


@pytest.mark.parametrize("thing", [[1.0], (1.0,), 1.0, "a", None, {"a": 1}, {1}], ids=repr)
def test_what_is_no_array_is_named(thing):
    with pytest.raises(TypeError, match=type(thing).__name__):
        w.namespace_of(thing)


def test_dask_stays_lazy():
    import dask.array as da

    z = np.random.default_rng(0).normal(size=(6, 3))
    labels = np.array([0, 1, 2, 2, 1, 0])
    lazy = w.cross_entropy(da.from_array(z, chunks=(2, 3)), da.from_array(labels, chunks=2))
    assert isinstance(lazy, da.Array)
    np.testing.assert_allclose(lazy.compute(), w.cross_entropy(z, labels), rtol=1e-14)
    y = (labels > 0).astype(float)
    lazy = w.binary_cross_entropy(
        da.from_array(z[:, 0], chunks=2), da.from_array(y, chunks=2), pos_weight=3.0
    )
    expected = w.binary_cross_entropy(z[:, 0], y, pos_weight=3.0)
    np.testing.assert_allclose(lazy.compute(), expected, rtol=1e-14)


@pytest.mark.skipif("torch" not in DIFFERENTIABLE, reason="torch is not installed")
def test_torch_parameters_and_subclasses():
    import torch

    class Mine(torch.Tensor):
        pass

    z = torch.zeros(2, 3)
    labels = torch.tensor([0, 1])
    for logits in (torch.nn.Parameter(z), z.as_subclass(Mine)):
        assert w.cross_entropy(logits, labels).item() == pytest.approx(np.log(3))


F = np.array([[0.5, -1.0, 2.0], [3.0, 2.0, -4.0]])
I = np.array([[3, 1, 2], [0, 2, 2]])  # noqa: E741
B = np.array([[True, False, True], [False, False, False]])
# One call of each function of our namespace: (arrays, the call).
CALLS = {
    "exp": ([F], lambda xp, x: xp.exp(x)),
    "expm1": ([F], lambda xp, x: xp.expm1(x)),
    "tanh": ([F], lambda xp, x: xp.tanh(x)),
    "log": ([F**2], lambda xp, x: xp.log(x)),
    "log1p": ([F**2], lambda xp, x: xp.log1p(x)),
    "abs": ([np.array([1.0, -2.0, -np.inf, np.nan])], lambda xp, x: xp.abs(x)),
    "floor": ([F], lambda xp, x: xp.floor(x)),
    "sign": ([F], lambda xp, x: xp.sign(x)),
    "minimum": ([F, F[::-1]], lambda xp, x, y: xp.minimum(x, y)),
    "maximum": ([F, F[::-1]], lambda xp, x, y: xp.maximum(x, y)),
    "zeros_like": ([F], lambda xp, x: xp.zeros_like(x)),
    "ones_like": ([F], lambda xp, x: xp.ones_like(x)),
    "clip": ([np.array([1.0, -7.0, np.inf, np.nan])], lambda xp, x: xp.clip(x, -2.0, 3.0)),
    "finfo": ([F], lambda xp, x: x * (xp.finfo(x.dtype).max * xp.finfo(x.dtype).smallest_normal)),
    "asarray": ([], lambda xp: xp.asarray([[1, 2], [3, 4]])),
    "arange": ([], lambda xp: xp.arange(4)),
    "astype": ([I], lambda xp, x: xp.astype(x, xp.float64)),
    "where": ([B, F], lambda xp, c, x: xp.where(c, x, 0.0) + xp.where(c, 1.0, x)),
    "reshape": ([F], lambda xp, x: xp.reshape(x, (3, -1))),
    "expand_dims": ([F], lambda xp, x: xp.expand_dims(x, axis=1)),
    "stack": ([F, 2.0 * F], lambda xp, x, y: xp.stack([x, y], axis=1)),
    "squeeze": ([F[:1]], lambda xp, x: xp.squeeze(x, axis=0)),
    "broadcast_to": ([F[:1]], lambda xp, x: xp.broadcast_to(x, (2, 2, 3))),
    "permute_dims": ([F[None]], lambda xp, x: xp.permute_dims(x, (0, 2, 1))),
    "take": ([F[0], I[1]], lambda xp, x, i: xp.take(x, i, axis=0)),
    "sum": ([F], lambda xp, x: xp.sum(x, axis=1, keepdims=True)),
    "min": ([F], lambda xp, x: xp.min(x, axis=1)),
    "max": ([F], lambda xp, x: xp.max(x, axis=0, keepdims=True)),
    "any": ([B], lambda xp, x: xp.any(x, axis=1)),
    "argmax": ([I * 1.0], lambda xp, x: xp.argmax(x, axis=1, keepdims=True)),
    "sort": ([F], lambda xp, x: xp.sort(x)),
    "argsort": ([I], lambda xp, x: xp.argsort(x, axis=1)),
    "cumulative_sum": ([F], lambda xp, x: xp.cumulative_sum(x, axis=1)),
    "searchsorted": (
        [np.array([0, 1, 1, 4]), I[0]],
        lambda xp, x, v: xp.searchsorted(x, v, side="right"),
    ),
}
tensorflow_only = pytest.mark.skipif(
    "tensorflow" not in DIFFERENTIABLE, reason="TensorFlow is not installed"
)


@tensorflow_only
@pytest.mark.parametrize("name", CALLS)
def test_our_tensorflow_namespace_speaks_the_standard(name):
    from weightedce.backends.tensorflow import namespace as xp

    arrays, call = CALLS[name]
    got = call(xp, *map(LIBRARIES["tensorflow"].array, arrays)).numpy()
    expected = np.asarray(call(strict, *map(LIBRARIES["strict"].array, arrays)))
    np.testing.assert_allclose(got, expected, rtol=1e-15)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape


@tensorflow_only
def test_our_tensorflow_namespace_has_no_more_than_is_tested():
    from weightedce.backends.tensorflow import namespace as xp

    ours = {
        name
        for name, value in vars(xp).items()
        if callable(value) and not inspect.isclass(value) and not name.startswith("_")
    }
    ours -= {"Array", "Any", "Sequence"}
    assert {name for name in ours if name not in dir(xp.tf.dtypes)} == set(CALLS)
    assert set(CALLS) <= set(dir(strict))


@tensorflow_only
def test_small_integers_are_summed_as_the_standard_says():
    from weightedce.backends.tensorflow import namespace as xp

    x = LIBRARIES["tensorflow"].array(np.array([2**31 - 1, 1], dtype="int32"))
    assert int(xp.sum(x)) == 2**31


@tensorflow_only
def test_listed_numbers_keep_their_digits():
    from weightedce.backends.tensorflow import namespace as xp

    assert xp.asarray([0.1], dtype=xp.float64).numpy()[0] == 0.1
    assert xp.asarray(1.7e308, dtype=xp.float64).numpy() == 1.7e308
