"""The check of links finds what leads nowhere, of each kind, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAD = "# A page\n\n## `One` heading, twice\n\n## `One` heading, twice\n\n"
LINKS = {  # what leads somewhere, and what differs from it by a letter or so
    "[a](#one-heading-twice-1)": "[a](#one-heading-twice-2)",
    "[a](other.md#there)": "[a](other.md#their)",
    "![a](other.md)": "![a](another.md)",
    '<img src="other.md">': '<img src="another.md">',
    "{doc}`a <other>`": "{doc}`another`",
    "{py:func}`weightedce.cross_entropy`": "{py:func}`weightedce.crossentropy`",
    "```{toctree}\n:hidden:\n\nother\n```": "```{toctree}\n:hidden:\n\nanother\n```",
    ":::{card} a\n:link: other\n:::": ":::{card} a\n:link: another\n:::",
    "```{include} other.md\n```": "```{include} another.md\n```",
    "[a](https://another.org/x.md)": "[a](x.org/another.md)",
}


@pytest.fixture
def found(tmp_path):
    def check(text):
        (tmp_path / "other.md").write_text("# There\n", encoding="utf-8")
        page = tmp_path / "page.md"
        page.write_text(HEAD + text + "\n", encoding="utf-8")
        command = [sys.executable, ROOT / "docs" / "links.py", page]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return check


def test_links_that_lead_somewhere(found):
    done = found("\n\n".join(LINKS))
    assert done.returncode == 0, done.stdout
    assert done.stdout == f"{len(LINKS)} links of 1 pages, 0 dead\n"


def test_links_that_lead_nowhere(found):
    done = found("\n\n".join(LINKS.values()))
    assert done.returncode == 1
    assert done.stdout.count("leads nowhere") == len(LINKS), done.stdout
    assert "page.md:7: #one-heading-twice-2 leads nowhere" in done.stdout
