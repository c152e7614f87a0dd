"""The Keras losses, on every backend of Keras, each in a process of its own.

The checks themselves are in ``keras_programs``: KERAS_BACKEND is read once a process.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = sorted((HERE / "keras_programs").glob("check_*.py"))
assert len(PROGRAMS) == 5
ALONE = os.environ.get("WEIGHTEDCE_ALONE")
BACKENDS = ("jax", "torch", "tensorflow")
# Keras imports whatever is there, which takes longer than many a check: of the other backends and
# of these a process sees none
UNUSED = ("matplotlib", "sklearn")
START = "import sys; sys.modules.update(dict.fromkeys({})); import pytest; sys.exit(pytest.main())"
# what a class says and keeps, and how it comes to its call, is one for all backends, and values
# are those of the functions: JAX and TensorFlow show them in the long run
LEFT_OUT = dict.fromkeys(("jax", "tensorflow"), ("check_behaviour", "check_values"))
if os.environ.get("WEIGHTEDCE_LONG", "0") != "0":
    LEFT_OUT = {}


def there(name):
    return importlib.util.find_spec(name) is not None


@pytest.fixture
def environment(request):
    """Return the environment of a process with one backend of Keras."""
    if not there("keras") or not there(request.param):
        assert ALONE, "without WEIGHTEDCE_ALONE, Keras and its backends must be there"
        pytest.skip(f"{request.param} or keras is not installed")
    quick = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
    fast = {"XLA_FLAGS": quick, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return {**os.environ, **fast, "KERAS_BACKEND": request.param, "MPLBACKEND": "agg"}


def succeeds(command, environment, cwd=HERE.parent):
    """Run a command; show what it printed if it fails."""
    run = subprocess.run(
        [sys.executable, *command],
        env=environment,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if run.returncode:
        pytest.fail(run.stdout[-20000:], pytrace=False)
    return run.stdout


@pytest.mark.parametrize("environment", BACKENDS, indirect=True)
def test_checks(environment):
    backend = environment["KERAS_BACKEND"]
    left_out = LEFT_OUT.get(backend, ())
    programs = [str(program) for program in PROGRAMS if program.stem not in left_out]
    options = ["-q", "--noconftest", "-p", "no:cacheprovider", "--durations=12"]
    # Keras's own NumPy conversion of PyTorch tensors
    options += ["-W", "ignore:__array__ implementation:DeprecationWarning"]
    # its shapes of integers, of which JAX 0.12 says that they are shorter without x64
    options += ["-W", "ignore:Explicitly requested dtype int64:UserWarning"]
    unseen = [name for name in (*BACKENDS, *UNUSED) if name != backend]
    printed = succeeds(["-c", START.format(unseen), *options, *programs], environment)
    assert " passed" in printed
    print(printed)


def test_importing_us_does_not_import_keras():
    code = "import sys, weightedce; assert 'keras' not in sys.modules"
    succeeds(["-c", code], dict(os.environ))
