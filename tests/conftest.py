"""Fixtures: every library that is installed, by name, and the differentiable ones."""

import pytest
from hypothesis import settings

from libraries import DIFFERENTIABLE, LIBRARIES

settings.register_profile("default", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("long", deadline=None, max_examples=2000)
settings.load_profile("default")


@pytest.fixture(params=list(LIBRARIES))
def library(request):
    return LIBRARIES[request.param]


@pytest.fixture(params=list(DIFFERENTIABLE))
def differentiable(request):
    return DIFFERENTIABLE[request.param]
