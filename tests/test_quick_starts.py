"""Every Python block of a quick start, and of two more pages, runs and prints what they say.

The blocks of a page run in one fresh process, in order, as a reader would paste them into one
file. The file has the page's own line numbers, so a traceback points into the page.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from libraries import DIFFERENTIABLE, LONG

DOCS = Path(__file__).parent.parent / "docs"
END = "\x1e"  # printed after each block


class Page(NamedTuple):
    """What a page needs, and where it is run."""

    library: str | None = None  # which of ours; what comes with it may not be missing then
    environment: Mapping[str, str] = MappingProxyType({})
    prints: bool = True  # the ``text`` block below a Python block is what it prints


def keras(backend, library=None):
    return Page(library or backend, {"KERAS_BACKEND": backend}, prints=False)


# LLVM's best efforts and the newer form of fusions, left out here, take half of the time
QUICK = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
EIGHT_DEVICES = f"--xla_force_host_platform_device_count=8 {QUICK}"
KERAS = ("torch", "jax", "tensorflow")
# what Keras imports because it is there takes seconds, for TensorFlow imports Keras, and so does
# what a compiler behind Dynamo makes of a loss
START = """
import runpy, sys
page, library, *unseen = sys.argv[1:]
sys.modules.update(dict.fromkeys(unseen))
if library == "torch":
    import functools, torch
    torch.compile = functools.partial(torch.compile, backend="eager")
runpy.run_path(page, run_name="__main__")
"""
PAGES = {
    "numpy": [Page()],
    "jax": [Page("jax", {"XLA_FLAGS": EIGHT_DEVICES})],
    "tensorflow": [Page("tensorflow", {"XLA_FLAGS": QUICK})],
    "torch": [Page("torch", prints=False)],
    "keras": [keras(backend) for backend in (KERAS if LONG else KERAS[:1])],  # it names none
    "counting": [Page("torch")],
    "recipes": [Page("torch")],
}
STARTS = [*DOCS.glob("quick-start-*.md"), DOCS / "counting.md", DOCS / "recipes.md"]
FOUND = {path.stem.removeprefix("quick-start-"): path for path in STARTS}
RUNS = [
    pytest.param(
        path, page, id="-".join([name, *page.environment.get("KERAS_BACKEND", "").split()])
    )
    for name, path in sorted(FOUND.items())
    for page in PAGES[name]
]


def blocks(text):
    """Return (first line, language, lines) of every fenced block."""
    found, start = [], None
    for number, line in enumerate(text.splitlines()):
        if start is None and (fence := re.fullmatch(r"```([\w{}-]+).*", line)):
            start, language = number + 1, fence[1]
        elif start is not None and line == "```":
            found.append((start, language, text.splitlines()[start:number]))
            start = None
    assert start is None, f"a block is not closed: line {start}"
    return found


def program(text):
    """Return the Python blocks as one file, each at its place in the page."""
    lines = [""] * (len(text.splitlines()) + 1)
    for start, language, code in blocks(text):
        if language == "python":
            lines[start : start + len(code)] = code
            lines[start + len(code)] = f"print(end={END!r})"
    return "\n".join(lines)


def claims(text):
    """Return what each Python block is said to print; None where the page does not say."""
    said = []
    for _, language, lines in blocks(text):
        if language == "python":
            said.append(None)
        elif language == "text":
            assert said, "a text block before any Python"
            assert said[-1] is None, "two text blocks below one Python block"
            said[-1] = "\n".join(lines)
    return said


def split_numbers(text):
    """Return the words and the numbers of a text, spaces aside."""
    number = r"(?<![\w.])-?\d+\.?\d*(?:e[+-]?\d+)?"
    return re.sub(number, "#", text).split(), [float(n) for n in re.findall(number, text)]


def assert_prints(got, said):
    """Numbers may differ by 0.03: other processors and versions round otherwise."""
    words, numbers = split_numbers(got)
    said_words, said_numbers = split_numbers(said)
    assert words == said_words, f"the page says\n{said}\nand the block prints\n{got}"
    assert numbers == pytest.approx(said_numbers, abs=0.03, rel=0.01), (
        f"the page says\n{said}\nand the block prints\n{got}"
    )


def run(text, file, page):
    """Run a page; return what each of its blocks prints."""
    file.write_text(program(text), encoding="utf-8")
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "MPLBACKEND": "agg"}
    environment["OMP_NUM_THREADS"] = "1"  # a page is small, and threads that wait take time too
    start = [file]
    if page.library and not LONG:
        keras_comes = page.library == "tensorflow" or "KERAS_BACKEND" in page.environment
        unseen = {*KERAS, "matplotlib", "sklearn"} - {page.library} if keras_comes else ()
        start = ["-c", START, file, page.library, *unseen]
    child = subprocess.run(
        # a warning that points at the reader's own lines is an error
        [sys.executable, "-W", "error:::__main__", *start],
        cwd=file.parent,
        env={k: v for k, v in os.environ.items() if k != "JAX_ENABLE_X64"}
        | environment
        | page.environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert child.returncode == 0, f"{child.stdout}\n{child.stderr}"
    *printed, rest = child.stdout.split(END)
    assert not rest.strip()
    return printed


def skip_unless_there(page, name):
    alone = os.environ.get("WEIGHTEDCE_ALONE")
    if page.library and page.library not in DIFFERENTIABLE:
        pytest.skip(f"{page.library} is not installed")
    if alone and name == "keras" and not find_spec("keras"):
        pytest.skip("keras is not installed")


@pytest.mark.parametrize(("path", "page"), RUNS)
def test_page(path, page, tmp_path):
    skip_unless_there(page, path.stem.removeprefix("quick-start-"))
    text = path.read_text(encoding="utf-8")
    printed = run(text, tmp_path / f"{path.stem}.py", page)
    said = claims(text)
    assert len(printed) == len(said) > 0
    assert printed[0].strip(), "the first block prints nothing"
    if page.prints:
        assert said[0] is not None, "the page does not show what its first block prints"
        for got, expected in zip(printed, said, strict=True):
            if expected is not None:
                assert_prints(got, expected)


def test_pages_are_there():
    assert {"numpy", "jax", "tensorflow"} <= set(FOUND)


@pytest.mark.parametrize("name", sorted({*FOUND} - {"counting", "recipes"}))
def test_a_page_starts_with_how_to_install(name):
    before, _, _ = FOUND[name].read_text(encoding="utf-8").partition("```python")
    assert re.search(r"pip install .*in a clone", before)  # until there is a release


PAGE = """
```python
print("loss", 0.5)
```

```text
loss 0.51
```

```python
{second}
```
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PAGE.format(second="1 / 0"), r"(?s)line 11,.*ZeroDivisionError"),
        (PAGE.format(second="import warnings; warnings.warn('old', stacklevel=1)"), "old"),
        (PAGE.format(second="print()").replace("0.51", "0.6"), "the page says"),
        (PAGE.format(second="print()").replace("loss 0.51", "gain 0.5"), "the page says"),
    ],
    ids=["error", "warning", "number", "word"],
)
def test_a_page_that_is_wrong_fails(text, message, tmp_path):
    path = tmp_path / "quick-start-wrong.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AssertionError, match=message):
        test_page(path, Page(), tmp_path)
