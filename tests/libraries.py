"""How each library turns a loss into value, gradient and second derivative, in each mode.

``evaluate(mode, loss, logits, arrays, order)`` takes NumPy arrays and returns NumPy arrays:
the value of ``loss(logits, *arrays)``; for order 1 the gradient of its sum; for order 2 a list
of the gradients of the sums of gradient[..., j].
"""

import os
import warnings
from functools import cache
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


class NumPy:
    name = "numpy"
    modes = ("value",)
    dtypes = ("float64", "float32")

    def array(self, x: np.ndarray) -> Any:
        return np.asarray(x)

    def evaluate(self, mode, loss, logits, arrays, order=0):
        result = loss(self.array(logits), *map(self.array, arrays))
        return np.asarray(result)


class Strict(NumPy):
    name = "strict"

    def array(self, x):
        import array_api_strict

        return array_api_strict.asarray(x)


class Torch:
    name = "torch"
    modes = ("eager", "compile")
    dtypes = ("float64", "float32")

    def __init__(self):
        import torch

        # Every case compiles the same few lines of a test with other options.
        torch._dynamo.config.recompile_limit = 1000
        self.torch = torch
        self.compiled = cache(lambda loss: torch.compile(loss, fullgraph=True))

    def array(self, x):
        return self.torch.tensor(np.asarray(x))

    def evaluate(self, mode, loss, logits, arrays, order=0):
        z = self.array(logits).requires_grad_(order > 0)
        loss = self.compiled(loss) if mode == "compile" else loss
        value = loss(z, *map(self.array, arrays))
        if order == 0:
            return value.detach().numpy()
        (gradient,) = self.torch.autograd.grad(value.sum(), z, create_graph=order > 1)
        if order == 1:
            return gradient.detach().numpy()
        return [
            self.torch.autograd.grad(gradient[..., j].sum(), z, retain_graph=True)[0].numpy()
            for j in range(z.shape[-1])
        ]


class JAX:
    name = "jax"
    modes = ("eager", "jit")
    dtypes = ("float64", "float32")

    def __init__(self):
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax = jax
        self.derived = cache(self._derived)

    def array(self, x):
        return self.jax.numpy.asarray(x)

    def _derived(self, mode, loss, order):
        jax = self.jax
        function = loss
        if order == 1:
            function = jax.grad(lambda z, *rest: loss(z, *rest).sum())
        if order == 2:
            # forward over reverse: both modes are tested
            first = jax.grad(lambda z, *rest: loss(z, *rest).sum())

            def function(z, *rest):
                basis = jax.numpy.eye(z.shape[-1], dtype=z.dtype)
                ones = jax.numpy.ones_like(z)
                return [
                    jax.jvp(lambda z: first(z, *rest), (z,), (ones * direction,))[1]
                    for direction in basis
                ]

        return jax.jit(function) if mode == "jit" else function

    def evaluate(self, mode, loss, logits, arrays, order=0):
        result = self.derived(mode, loss, order)(self.array(logits), *map(self.array, arrays))
        return [np.asarray(x) for x in result] if order == 2 else np.asarray(result)


class TensorFlow:
    name = "tensorflow"
    modes = ("eager", "function", "xla")
    dtypes = ("float64", "float32")

    def __init__(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own imports warn
            import tensorflow as tf

        self.tf = tf
        self.derived = cache(self._derived)

    def array(self, x):
        return self.tf.constant(np.asarray(x))

    def _derived(self, mode, loss, order, signature):
        tf = self.tf

        def function(z, *rest):
            if order == 0:
                return loss(z, *rest)
            with tf.GradientTape(persistent=True) as outer:
                outer.watch(z)
                with tf.GradientTape() as inner:
                    inner.watch(z)
                    total = tf.reduce_sum(loss(z, *rest))
                gradient = inner.gradient(total, z)
                columns = [gradient[..., j] for j in range(z.shape[-1])]
            if order == 1:
                return gradient
            return [outer.gradient(column, z) for column in columns]

        if mode == "eager":
            return function
        if mode == "xla":
            return tf.function(function, jit_compile=True)
        unknown_batch = [tf.TensorSpec([None, *shape[1:]], dtype) for shape, dtype in signature]
        return tf.function(function, input_signature=unknown_batch)

    def evaluate(self, mode, loss, logits, arrays, order=0):
        given = [self.array(x) for x in (logits, *arrays)]
        signature = tuple((tuple(x.shape), x.dtype) for x in given) if mode == "function" else ()
        result = self.derived(mode, loss, order, signature)(*given)
        return [x.numpy() for x in result] if order == 2 else result.numpy()


def _installed() -> dict[str, Any]:
    """Return the libraries that are there, torch before TensorFlow."""
    found = {}
    for kind in (NumPy, Strict, Torch, JAX, TensorFlow):
        try:
            found[kind.name] = kind()
        except ModuleNotFoundError as error:
            if error.name != kind.name:
                raise
    expected = os.environ.get("WEIGHTEDCE_ALONE")
    wanted = {"numpy", "strict", *([expected] if expected else ("torch", "jax", "tensorflow"))}
    if missing := wanted ^ set(found):
        raise RuntimeError(f"expected exactly the libraries {sorted(wanted)}; differ: {missing}")
    return found


LIBRARIES = _installed()
DIFFERENTIABLE = {k: v for k, v in LIBRARIES.items() if k not in ("numpy", "strict")}
