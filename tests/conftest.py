"""Fixtures: every library that is installed, by name, and the differentiable ones."""

import os
from collections import Counter
from functools import partial
from importlib.util import find_spec

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("long", deadline=None, max_examples=500)
settings.load_profile("default")

FRAMEWORKS = ("accelerate", "flax", "keras", "lightning", "optax", "transformers")
ALONE = os.environ.get("WEIGHTEDCE_ALONE")
LONG = os.environ.get("WEIGHTEDCE_LONG", "0") != "0"
OTHERS = [ALONE] if ALONE else ["torch", "jax", "tensorflow"]  # see libraries, which checks them
DIFFERENTIABLE = [name for name in OTHERS if name != "numpy"]
missing = [name for name in FRAMEWORKS if find_spec(name) is None]
if missing and not ALONE:
    raise RuntimeError(f"expected all frameworks, or WEIGHTEDCE_ALONE; not installed: {missing}")


# The libraries are imported by who runs tests, not by who hands them out: that is 1 GB.


@pytest.fixture(params=["numpy", "strict", *DIFFERENTIABLE])
def library(request):
    from libraries import LIBRARIES

    return LIBRARIES[request.param]


@pytest.fixture(params=DIFFERENTIABLE)
def differentiable(request):
    from libraries import LIBRARIES

    return LIBRARIES[request.param]


@pytest.fixture(autouse=True, scope="module")
def forgetful():
    """Keep nothing compiled beyond its module: to the end of the tests it would be 16 GB."""
    from libraries import forget

    yield
    forget()


# what is held to the truth, or counts memory, takes what a compiler makes of it for everybody
EXACT = {
    "torch": ("laws", "long", "precision", "softcap", "truth"),
    "jax": ("fast", "jax_traffic", "laws", "long", "precision", "softcap", "truth"),
}
USUAL = {"xla_cpu_use_fusion_emitters": True}  # what `libraries` switches off


@pytest.fixture(autouse=True, scope="module")
def unoptimized(request):
    """Let compilers trace and lower without their best efforts, which take ten times as long.

    For what a tracer decides, which is all that most tests ask of a compiler.
    """
    name = request.module.__name__.removeprefix("test_")
    quick = [x for x in DIFFERENTIABLE if x in EXACT and not name.startswith(EXACT[x])]
    with pytest.MonkeyPatch.context() as patch:
        if "torch" in quick:
            import torch

            # what AOTAutograd makes of a trace, a third of the time, is for the files of torch
            backend = "aot_eager" if name.startswith("torch") else "eager"
            patch.setattr(torch, "compile", partial(torch.compile, backend=backend))
        if "jax" in DIFFERENTIABLE:
            import jax

            if jax.config.read("jax_disable_most_optimizations") != ("jax" in quick):
                jax.config.update("jax_disable_most_optimizations", "jax" in quick)
                jax.clear_caches()  # or what is exact would run what was compiled without
            if "jax" not in quick and name != "fast_paths":  # which asks for a jit in another
                patch.setattr(jax, "jit", partial(jax.jit, compiler_options=USUAL))
        yield


FIRST = (
    "test_keras",
    "test_torch_kernels",
    "test_quick_starts",
    "test_jax_training",
    "test_jax_eager",
    "test_jax_transformations",
    "test_jax_meshes",
    "test_jax_shards",
    "test_counting_devices",
    # what is compiled with all efforts, together: what was compiled otherwise is dropped before
    "test_truth",
    "test_truth_of_paths",  # which asks for the same exact numbers
    "test_fast_paths",
    "test_laws",
    "test_long_axes",
    "test_softcap_digits",
    "test_precision",
    "test_jax_traffic",
)


def pytest_collection_modifyitems(config, items):
    """Begin with the files that take longest, so that no worker is left alone with one.

    Those that share something stand together: the worker that starts eight devices has all that
    they are for, and the same is true of what compilers make with all efforts.
    """
    places = {f"{name}.py": place for place, name in enumerate(FIRST)}
    if not LONG and not ALONE:
        left = for_the_long_run(items)
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
    items.sort(key=lambda item: places.get(item.path.name, len(FIRST)))


COMPILED = {"jax": {"jax"}, "tensorflow": {"function", "xla"}, "torch": {"compile"}}
MANY = ("jax", "tensorflow", "torch", *EXACT["torch"])  # files of one library, and exact numbers


def for_the_long_run(items):
    """Return the items beyond the first of a test in which a library compiles what it runs.

    Beyond the second of TensorFlow's graphs; JAX compiles each operation of eager code too.
    These cases show that the library takes what a test is about; that all cases are right is
    shown by those that compile nothing.
    """
    taken, left = Counter(), set()
    for item in items:
        test, _, case = item.nodeid.partition("[")
        words = set(case.removesuffix("]").split("-"))
        for library, modes in COMPILED.items():
            if library in words and modes & words:
                taken[test, library] += 1
                most = 2 if "function" in words else 1
                if taken[test, library] > most and not item.path.stem[5:].startswith(MANY):
                    left.add(item)
    return left
