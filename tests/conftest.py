"""Fixtures: every library that is installed, by name, and the differentiable ones."""

import os
from importlib.util import find_spec

import pytest
from hypothesis import settings

from libraries import DIFFERENTIABLE, LIBRARIES

settings.register_profile("default", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("long", deadline=None, max_examples=2000)
settings.load_profile("default")

FRAMEWORKS = ("accelerate", "flax", "keras", "lightning", "optax", "transformers")
missing = [name for name in FRAMEWORKS if find_spec(name) is None]
if missing and not os.environ.get("WEIGHTEDCE_ALONE"):
    raise RuntimeError(f"expected all frameworks, or WEIGHTEDCE_ALONE; not installed: {missing}")


@pytest.fixture(params=list(LIBRARIES))
def library(request):
    return LIBRARIES[request.param]


@pytest.fixture(params=list(DIFFERENTIABLE))
def differentiable(request):
    return DIFFERENTIABLE[request.param]
