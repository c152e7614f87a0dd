"""Losses by their kernels, which Triton's interpreter runs on the CPU: what all tests here need."""

import os
from types import SimpleNamespace

import numpy as np
import torch
from triton.runtime import interpreter

import weightedce as w
from weightedce.backends.torch.operators import whole
from weightedce.validation import ulp

np.seterr(all="ignore")  # the interpreter computes by NumPy, infinities and NaN as well

_patch = interpreter._patch_lang
_patched: set[str] = set()


def _patch_once(function):
    """Leave the language as the interpreter has it, where nothing else runs kernels.

    Triton looks through all of it on each call of a function in a kernel: 40 % of the time.
    """
    if function.__module__ not in _patched:
        _patched.add(function.__module__)
        _patch(function)
    return SimpleNamespace(restore=lambda: None)


interpreter._patch_lang = _patch_once
_type, _types = interpreter._get_np_dtype, {}


def _type_once(kind):
    """Return NumPy's type for one of the language, of which there are few.

    Triton makes a table of all for each number.
    """
    if kind.name not in _types:
        _types[kind.name] = _type(kind)
    return _types[kind.name]


interpreter._get_np_dtype = _type_once
# each sum of integers is done once more, in 64 bits, for what is only said to who debugs
interpreter.interpreter_builder.options = interpreter.InterpreterOptions(sanitize_overflow=False)

LONG = os.environ.get("WEIGHTEDCE_LONG", "0") != "0"
KINDS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
calls = []
_reduced = whole._reduced


def counted(*given):
    calls.append(given)
    return _reduced(*given)


whole._reduced = counted  # so that each test knows that a kernel was run


def tensor(x, dtype=None):
    """Return numbers as a tensor; floats in ``dtype``."""
    x = torch.as_tensor(np.asarray(x))
    return x.to(dtype) if dtype is not None and x.is_floating_point() else x


def derived(loss, z, *arrays, upstream=None, **options):
    """Return a loss of tensors and the gradient of its sum, in float64."""
    z = z.detach().requires_grad_()
    found = loss(z, *arrays, **options)
    (gradient,) = torch.autograd.grad(found, z, torch.ones_like(found) * (upstream or 1.0))
    return found.detach().double().numpy(), gradient.double().numpy()


def by_kernel(name, z, *arrays, dtype="float32", upstream=None, **options):
    """Return what a loss by its kernels gives, after a look that it is really them."""
    kind = KINDS[dtype]
    arrays = [tensor(x, kind) for x in arrays]
    options = {k: tensor(v, kind) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    before = len(calls)
    found = derived(getattr(w, name), tensor(z, kind), *arrays, upstream=upstream, **options)
    assert len(calls) == before + 1, "no kernel was run"
    return found


def composed(name, z, *arrays, upstream=None, **options):
    """Return the same in float64, which has no kernels, of the numbers that float32 holds."""

    def wide(x):
        return tensor(x, torch.float32).double() if np.asarray(x).dtype.kind == "f" else tensor(x)

    options = {k: wide(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    before = len(calls)
    arrays = [wide(x) for x in arrays]
    found = derived(getattr(w, name), wide(z), *arrays, upstream=upstream, **options)
    assert len(calls) == before
    return found


def off(got, truth, scale=0.0, mass=1.0):
    """Return by how many ulp of float32 numbers are off, of the larger of truth and scale."""
    truth = np.asarray(truth, "float64")
    size = np.maximum(np.abs(truth), scale)
    zero, mass = np.zeros_like(truth), np.broadcast_to(mass, truth.shape)
    return ulp.distances(got, ulp.Expected(truth, zero, size, mass), "float32").max(initial=0.0)


def same(found, truth, limit=ulp.PER_ELEMENT):
    """Hold value and gradient to another pair of them, NaN and infinities included."""
    for got, right in zip(found, truth, strict=True):
        assert off(got, right, scale=0.0) <= limit
