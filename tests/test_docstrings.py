"""Every example in a docstring or a page of the documentation runs."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import libraries  # noqa: F401 - PyTorch comes before TensorFlow, which walking the packages imports
import weightedce

WINGS = ("backends", "torch", "keras")  # they need a library
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(weightedce.__path__, "weightedce.")
    if not module.name.startswith(tuple(f"weightedce.{x}" for x in WINGS))
)
PAGES = sorted((Path(__file__).parent.parent / "docs").rglob("*.md"))
PUBLIC = {name: getattr(weightedce, name) for name in dir(weightedce)}


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module, extraglobs=PUBLIC).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages(page):
    assert doctest.testfile(str(page), module_relative=False, encoding="utf-8").failed == 0


def test_there_are_examples():
    examples = doctest.DocTestFinder().find(weightedce.cross_entropy)[0].examples
    assert len(examples) >= 3
    assert len(PAGES) >= 5
