"""The package as it is installed: what importing it costs, what it exports, where names live."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from statistics import median

import pytest

import weightedce

FRAMEWORKS = {
    "numpy",
    "torch",
    "jax",
    "tensorflow",
    "keras",
    "triton",
    "array_api_compat",
    "mpmath",
    "hypothesis",
}
ROOT = Path(weightedce.__file__).parent


def modules_after(code):
    """Return what a new interpreter has imported after ``code``."""
    script = (
        f"{code}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    )
    command = [sys.executable, "-c", script]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_importing_us_imports_nobody():
    assert not modules_after("import weightedce") & FRAMEWORKS


def test_that_the_test_above_can_fail():
    assert modules_after("import weightedce, numpy") & FRAMEWORKS == {"numpy"}


def test_a_numpy_call_imports_no_other_framework():
    code = (
        "import numpy, weightedce; weightedce.cross_entropy(numpy.zeros((1, 2)), numpy.array([1]))"
    )
    assert modules_after(code) & FRAMEWORKS == {"numpy"}


def test_importing_us_takes_about_as_long_as_importing_numpy():
    """The processor's time of each, in turns: the machine may be slow, or busy."""
    script = (
        "import time; start = time.process_time(); import {}; print(time.process_time() - start)"
    )
    seconds = {"weightedce": [], "numpy": []}
    for _ in range(5):
        for name, found in seconds.items():
            command = [sys.executable, "-c", script.format(name)]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            found.append(float(run.stdout))
    assert median(seconds["weightedce"]) < 1.4 * median(seconds["numpy"])


def test_what_is_public_is_what_dir_shows_and_help_fits_a_screen():
    import pydoc

    names = dir(weightedce)
    assert {"cross_entropy", "balanced", "LossTotal"} <= set(names)
    assert not [x for x in names if x[0] == "_" or inspect.ismodule(getattr(weightedce, x))]
    text = pydoc.plain(pydoc.render_doc(weightedce))
    assert len(text.splitlines()) <= 60
    described = weightedce.__doc__
    assert not [x for x in names if x not in described and x != "namespace_of"]


@pytest.mark.parametrize("name", dir(weightedce))
def test_public_docstrings_are_complete(name):
    public = getattr(weightedce, name)
    doc = inspect.getdoc(public)
    sections = ["Parameters", "Examples"]
    if inspect.isfunction(public):
        sections += ["Returns", "Raises"]
        for parameter in inspect.signature(public).parameters:
            assert parameter in doc, f"{name} does not describe {parameter}"
    if inspect.isfunction(public) and public.__module__.startswith("weightedce.losses"):
        sections += ["Notes", "References"]
        for word in (".. math::", "Gradients", "Differences", "Limits"):
            assert word in doc, f"{name} does not say {word}"
        assert "nats" in doc or "no unit" in doc, f"{name} does not say its unit"
    for section in sections:
        assert f"\n{section}\n---" in doc, f"{name} has no section {section}"


def test_losses_share_one_signature():
    """Who learned one loss knows them all: logits and targets, then the shared options by name."""
    from weightedce import losses

    shared = {"sample_weight", "mask", "ignore_index", "label_smoothing", "smoothing_weight"}
    shared |= {"axis", "reduction"}
    for name in set(losses.__all__) - {"linear_cross_entropy"}:  # its first are hidden and weight
        parameters = inspect.signature(getattr(losses, name)).parameters
        positional = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        extra = ["cost_matrix"] if name == "expected_cost" else []
        assert positional == ["logits", "targets", *extra]
        assert shared <= set(parameters)
        binary = {"pos_weight", "neg_weight"} <= set(parameters)
        assert (binary != ("class_weight" in parameters)) or "link" in parameters, name
        assert getattr(weightedce, name) is getattr(losses, name)


def test_every_loss_has_its_textbook_definition():
    from weightedce import losses
    from weightedce.validation import oracle

    defined = set(oracle.BINARY) | set(oracle.MULTICLASS) | set(oracle.BATCH)
    # that of linear_cross_entropy is cross_entropy of a product: see test_linear_cross_entropy.py
    assert set(losses.__all__) | {"soft_confusion"} == defined | {"linear_cross_entropy"}


def test_the_oracle_imports_nothing_of_weightedce():
    imported = {
        node.module
        for file in ("oracle.py", "truth.py")
        for node in ast.walk(ast.parse((ROOT / "validation" / file).read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
    }
    assert imported == {"collections.abc", "functools", "typing"}


def test_every_module_imports_or_names_what_it_lacks():
    rooms = tuple(f"weightedce.{x}." for x in ("backends", "validation", "torch", "keras"))
    lacking = {name for name in FRAMEWORKS if importlib.util.find_spec(name) is None}
    for module in pkgutil.walk_packages(weightedce.__path__, "weightedce."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if error.name not in lacking or not module.name.startswith(rooms):
                raise


@pytest.mark.parametrize(
    ("code", "lacking", "extra"),
    [
        ("from weightedce.torch import CrossEntropyLoss", "torch", "torch"),
        ("import weightedce.torch.cross_entropy", "torch", "torch"),
        ("from weightedce.backends.torch import backend", "torch", "torch"),
        ("from weightedce.backends import jax", "jax", "jax"),
        ("from weightedce.backends.tensorflow import backend", "tensorflow", "tensorflow"),
        ("from weightedce.keras import Dice", "keras", "keras"),
        ("from weightedce.validation import check_agreement", "mpmath", "validation"),
        ("from weightedce.validation import strategies", "hypothesis", "validation"),
        ("from weightedce.command import app", "typer", "validation"),
    ],
)
def test_what_is_missing_says_what_to_install(code, lacking, extra):
    script = f"""
import sys
from importlib.abc import MetaPathFinder
class Without(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {lacking!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Without())
try:
    {code}
except ModuleNotFoundError as error:
    print(error.name, error)
"""
    command = [sys.executable, "-c", script]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.startswith(f"{lacking} ")
    assert f"needs {lacking}: pip install 'weightedce[{extra}]'\n" in said
    assert said.count("\n") == 1


def test_every_extra_is_one_of_the_package():
    from weightedce.backends.missing import EXTRAS

    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text("utf-8"))["project"]
    imported = {"scikit-learn": "sklearn"}
    declared = {
        imported.get(name := re.match(r"[\w-]+", requirement)[0], name): extra
        for extra, requirements in project["optional-dependencies"].items()
        for requirement in requirements
        if extra != "all" and not requirement.startswith("weightedce")
    }
    assert declared == EXTRAS


def test_no_file_is_too_long_to_read():
    lengths = {p: len(p.read_text("utf-8").splitlines()) for p in ROOT.rglob("*.py")}
    assert max(lengths.values()) <= 300, max(lengths, key=lengths.get)


def test_a_wing_has_nothing_that_the_contract_does_not_say():
    from libraries import LIBRARIES
    from weightedce.backends import Backend, backend_of

    for library in LIBRARIES.values():
        kind = type(backend_of(library.array([1.0])))
        assert issubclass(kind, Backend)
        own = {name for name in vars(kind) if not name.startswith("__")}
        assert own <= set(dir(Backend)) | set(Backend.__annotations__), library.name
    core = [p for p in ROOT.rglob("*.py") if p.relative_to(ROOT).parts[0] not in ("validation",)]
    assert not [p for p in core if "getattr(backend" in p.read_text("utf-8")]
