"""The migration pages: every row of every table is run, and gives the numbers that it claims."""

import re
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from libraries import LIBRARIES

PAGES = Path(__file__).parent.parent / "docs"
NEEDS = {"torch": "torch", "optax": "jax", "tensorflow": "tensorflow", "keras": "tensorflow"}


def rows(page):
    """Yield (what, their code, our code, their number, our number) of each row with code."""
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("|") and len(cells) == 5 and cells[1].startswith("`"):
            yield cells[0], cells[1].strip("`"), cells[2].strip("`"), cells[3], cells[4]


@cache
def setting(page):
    """Run the page's first block of code, which all rows start from."""
    block = re.search(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    scope = {}
    exec(compile(block[1], str(page), "exec"), scope)
    return scope


def outcome(code, scope):
    """Return a number to four decimals, or the name of the error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of undefined operations, in the rows that show them
            number = float(np.asarray(eval(code, scope)))
    except Exception as error:
        return type(error).__name__
    return f"{number + 0.0:.4f}".rstrip("0").rstrip(".") if np.isfinite(number) else str(number)


def all_rows():
    for page in sorted(PAGES.glob("coming-from-*.md")):
        library = page.stem.removeprefix("coming-from-")
        for i, row in enumerate(rows(page)):
            yield pytest.param(page, row, id=f"{library}-{i}-{row[0].replace('`', '')}")


@pytest.mark.parametrize(("page", "row"), list(all_rows()))
def test_row(page, row):
    library = page.stem.removeprefix("coming-from-")
    if NEEDS[library] not in LIBRARIES:
        pytest.skip(f"{NEEDS[library]} is not installed")
    scope = setting(page)
    _, theirs, ours, their_number, our_number = row
    assert (outcome(theirs, scope), outcome(ours, scope)) == (their_number, our_number)


def test_every_library_has_a_page_with_rows():
    pages = {page.stem.removeprefix("coming-from-"): page for page in PAGES.glob("coming-from-*")}
    assert set(pages) == set(NEEDS)
    for page in pages.values():
        assert len(list(rows(page))) >= 10
