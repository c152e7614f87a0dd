"""The docstring of a class, put together from its own, its family's and its function's.

Each says only what the one below does not. An option is described where it is found first: by the
class, its family, the function, or the loss that the function refers to. What stands in other
sections adds up, from the family to the class.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from weightedce import constraints, losses

ADDED = ("Raises", "Notes", "References", "Examples")


class Entry(NamedTuple):
    """What a docstring says of one option: the kind of value, and the text."""

    kind: str
    text: str


def docstring(
    own: Sequence[str | None],
    function: Callable[..., Any],
    options: Iterable[str],
    names: Mapping[str, str],
    facts: Mapping[str, str],
) -> str:
    """Return the docstring of a class with ``options``.

    ``own``: docstrings of the class and of what it inherits from, in that order. ``names``: what
    the class calls the options of its function. ``facts``: what stands for words in braces.
    """
    read = [sections(doc) for doc in own]
    its_name = {here: there for there, here in names.items()}
    said: dict[str, Entry] = {}
    for doc in reversed(read):
        said |= entries(doc["Parameters"])
    described = {}
    for name in options:
        its = its_name.get(name, name)
        described[name] = resolved(its, said.get(name) or entry(function, its))
    summary = read[0][""] or sections(function.__doc__)[""].partition("\n\n")[0]
    parts = [summary, heading("Parameters", grouped(described))]
    for title in ADDED:
        texts = [doc[title] for doc in reversed(read) if doc[title]]
        parts += [heading(title, "\n\n".join(texts))] if texts else []
    text = "\n\n".join(parts)
    for word, fact in facts.items():
        text = text.replace(f"{{{word}}}", fact)
    public = "|".join((*losses.__all__, *constraints.__all__))
    return re.sub(rf"(?<!`)`({public})`(?!`)", r"`weightedce.\1`", text) + "\n"


def sections(doc: str | None) -> dict[str, str]:
    """Return the sections of a docstring by title; what comes before them as that of no title."""
    head, *rest = re.split(r"(?:^|\n)(\w+)\n---+\n", inspect.cleandoc(doc or ""))
    found = dict.fromkeys(("Parameters", *ADDED), "")
    return (
        found | {"": head.strip()} | dict(zip(rest[::2], map(str.strip, rest[1::2]), strict=True))
    )


def entries(text: str) -> dict[str, Entry]:
    """Return what a section of parameters says of each."""
    found: dict[str, Entry] = {}
    for block in re.split(r"\n(?=\S)", text):
        head, _, body = block.partition("\n")
        names, _, kind = head.partition(" : ")
        found |= dict.fromkeys(names.split(", "), Entry(kind, inspect.cleandoc(body)))
    return found


def entry(function: Callable[..., Any], name: str) -> Entry:
    """Return what a loss says of an option."""
    return entries(sections(function.__doc__)["Parameters"]).get(name, Entry("", ""))


def resolved(name: str, found: Entry) -> Entry:
    """Return what another loss says, if that is all that an entry refers to."""
    other = re.fullmatch(r"As in `(\w+)`\.", found.text)
    for room in (losses, constraints):
        if other and other[1] in room.__all__:
            return resolved(name, entry(getattr(room, other[1]), name))
    return found


def grouped(described: Mapping[str, Entry]) -> str:
    """Write the section of parameters; neighbours of which the same is said share an entry."""
    groups: list[tuple[list[str], Entry]] = []
    for name, what in described.items():
        if groups and groups[-1][1] == what:
            groups[-1][0].append(name)
        else:
            groups.append(([name], what))
    lines = []
    for names, (kind, text) in groups:
        lines.append(", ".join(names) + (f" : {kind}" if kind else ""))
        lines += [f"    {line}".rstrip() for line in text.splitlines()]
    return "\n".join(lines)


def heading(title: str, text: str) -> str:
    """Write a section."""
    return f"{title}\n{'-' * len(title)}\n{text}"
