"""Code that reproduces one number when it is pasted: a failure must be seen without us."""

from collections.abc import Callable
from math import isfinite
from typing import Any

from weightedce.validation.cells import Finding
from weightedce.validation.libraries import Library
from weightedce.validation.problems import Group


def snippet_for(library: Library) -> Callable[[Group, str, int, Finding], str]:
    """Return the writer of snippets for a library."""

    def write(group: Group, mode: str, order: int, finding: Finding) -> str:
        names = list(finding.arrays)
        lines = [library.header(group.dtype), ""]
        lines += [
            f"{name} = {_array(library, x, group.dtype)}" for name, x in finding.arrays.items()
        ]
        lines += ["", "", *_definition(group, names, finding), "", ""]
        lines += [library.derivation(mode, order, names)]
        index = f"[{', '.join(map(str, finding.index))}]" if finding.index else ""
        lines += [f'print("got  ", float(result{index}))', f'print("exact", "{finding.exact!r}")']
        return "\n".join(lines) + "\n"

    return write


def _definition(group: Group, names: list[str], finding: Finding) -> list[str]:
    """Return the lines that define ``loss`` as a function of all arrays."""
    if group.source is not None:
        return group.source.rstrip().splitlines()
    constants = dict(finding.options)
    count = constants.pop("count", None)
    keywords = [f"{name}={name}" for name in names[2:]]
    keywords += [f"{name}={literal(value)}" for name, value in constants.items()]
    call = f"weightedce.{group.call}(logits, targets, {', '.join(keywords)})"
    return [
        "import weightedce",
        "",
        "",
        f"def loss({', '.join(names)}):",
        f"    return {call}{f'.{count}' if count else ''}",
    ]


def _array(library: Library, values: Any, dtype: str) -> str:
    floating = _has_float(values)
    return library.literal(literal(values), dtype if floating else None)


def _has_float(values: Any) -> bool:
    if isinstance(values, list):
        return any(map(_has_float, values))
    return isinstance(values, float)


def literal(value: Any) -> str:
    """Return Python source of numbers, words and nested lists, infinities included."""
    if isinstance(value, list | tuple):
        inner = ", ".join(map(literal, value))
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, float) and not isfinite(value):
        return f'float("{value}")'
    return repr(value)
