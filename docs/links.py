"""Follow every link inside the repository, from each Markdown file: `nox -s lint`.

Links, images, anchors, `{doc}` and `{py:func}`, entries of a toctree, cards, and files that a
directive shows. The network is not asked. Exit status 1 where one leads nowhere.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[1]
BUILT = {"_build", "generated", "gallery", "output"}  # folders of docs/ and examples/ that are made
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:")
IN_HTML = re.compile(r'\b(?:src|srcset|href)="([^"]+)"')
IN_CARD = re.compile(r"^:(?:link|img-top|file): +(\S+)$", re.MULTILINE)
SHOWN = re.compile(r"^[`:]{3,}\{(?:image|figure|literalinclude|include)\} +(\S+)", re.MULTILINE)
PICTURE = re.compile(r"gallery/images/sphx_glr_(\w+)_\d{3}\.png$")  # of a program of the gallery
ROLE = re.compile(r"\{(doc|py:\w+)\}$")

Link = tuple[int, str]  # the line where it stands, and where it leads; a name as py:NAME


@cache
def tokens_of(path: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8"))


def links(path: Path) -> Iterator[Link]:
    """Return the links of a page."""
    for token in tokens_of(path):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "fence" and token.info.startswith("{toctree}"):
            entries = re.findall(r"^([^:\s]\S*)$", token.content, re.MULTILINE)
            yield from ((line, entry) for entry in entries)
        elif token.type == "html_block":
            yield from ((line, target) for target in IN_HTML.findall(token.content))
        elif token.type == "inline":
            yield from ((line, target) for target in inline(token.children or []))
    text = path.read_text(encoding="utf-8")
    for pattern in (IN_CARD, SHOWN):
        for found in pattern.finditer(text):
            yield text.count("\n", 0, found.start()) + 1, found[1]


def inline(tokens: list[Token]) -> Iterator[str]:
    """Return the targets of links, images and roles of a paragraph."""
    before = ""
    for token in tokens:
        if token.type in ("link_open", "image"):
            yield str(token.attrGet("href") or token.attrGet("src"))
        elif token.type == "html_inline":
            yield from IN_HTML.findall(token.content)
        elif token.type == "code_inline" and (role := ROLE.search(before)):
            target = token.content.rpartition("<")[2].rstrip(">")
            yield target if role[1] == "doc" else f"py:{target}"
        before = token.content


@cache
def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST name them."""
    tokens, seen = tokens_of(path), Counter[str]()
    for opened, heading in pairwise(tokens):
        if opened.type == "heading_open":
            shown = "".join(child.content for child in heading.children or [])
            name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
            seen[name] += 1
            seen[f"{name}-{seen[name] - 1}"] += seen[name] > 1
    return {name for name, times in seen.items() if times}


@cache
def documented() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in ROOT.glob("docs/api/*.md"))


def page_of(path: Path) -> Path | None:
    """Return the file behind a path, which may be of a page without its ending, or not made yet."""
    scripts = ROOT / "examples" / "gallery"
    if picture := PICTURE.search(path.as_posix()):
        path = scripts / f"{picture[1]}.py"
    elif path.parent == ROOT / "docs" / "gallery":
        path = scripts / ("README.txt" if path.stem == "index" else f"{path.stem}.py")
    return next((p for p in (path, path.with_name(f"{path.name}.md")) if p.exists()), None)


def leads(target: str, page: Path) -> bool:
    """Return whether a link of a page leads somewhere; outside and by patterns it may."""
    if target.startswith("py:"):
        name = target.removeprefix("py:weightedce.").partition(".")[0]
        return re.search(rf"[ .]{re.escape(name)}$", documented(), re.MULTILINE) is not None
    if SCHEME.match(target) or "*" in target:
        return True
    path, _, anchor = target.partition("#")
    found = page_of((page.parent / path).resolve()) if path else page
    if found is None:
        return False
    return not anchor or (found.suffix == ".md" and anchor in anchors(found))


def pages(root: Path) -> list[Path]:
    """Return the Markdown files that people read."""
    folders = [root / name for name in ("docs", "examples", "benchmarks")]
    files = [*root.glob("*.md"), *(path for folder in folders for path in folder.rglob("*.md"))]
    return [path for path in sorted(files) if not BUILT & {*path.relative_to(root).parts}]


def main(names: list[str]) -> int:
    found = [Path(name).resolve() for name in names] or pages(ROOT)
    checked, dead = 0, 0
    for page in found:
        for line, target in links(page):
            checked += 1
            if not leads(target, page):
                dead += 1
                print(f"{page}:{line}: {target} leads nowhere")
    print(f"{checked} links of {len(found)} pages, {dead} dead")
    return int(dead > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
