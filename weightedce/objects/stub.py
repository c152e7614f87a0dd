"""The stub file of a module of objects, for type checkers and editors that run no code.

``python -m weightedce.objects.stub weightedce.torch weightedce.keras`` writes them anew.
"""

import importlib
import inspect
import re
import sys
from inspect import Parameter
from pathlib import Path
from types import ModuleType, UnionType
from typing import Literal, get_origin

from weightedce.call import options
from weightedce.objects.from_function import FromFunction


def stub(module: ModuleType) -> str:
    """Return the stub file of a package of objects: each class, its first line and arguments."""
    classes = {name: getattr(module, name) for name in module.__all__}
    sources = (options, *filter(inspect.ismodule, [vars(module).get("reductions")]))
    words = {
        value: (source.__name__, name)
        for source in sources
        for name, value in vars(source).items()
        if get_origin(value) in (Literal, UnionType)
    }
    imports: set[tuple[str, str]] = set()
    body = "\n".join(_class(cls, words, imports) for cls in classes.values())
    listed = "".join(f'    "{name}",\n' for name in classes)
    head = f'"""{inspect.getdoc(module)}\n"""\n\n{_imports(imports)}'
    return f"{head}\n\n__all__ = [\n{listed}]\n\n{body}"


def path(module: ModuleType) -> Path:
    """Return where the stub file of a package belongs."""
    return Path(str(module.__file__)).with_suffix(".pyi")


def _class(
    cls: type[FromFunction],
    words: dict[object, tuple[str, str]],
    imports: set[tuple[str, str]],
) -> str:
    """Write one class; note what it needs to be imported."""
    bases = []
    for base in cls.__bases__:
        ours = issubclass(base, FromFunction)
        imports.add((base.__module__, base.__name__ if ours else ""))
        bases.append(base.__name__ if ours else f"{base.__module__}.{base.__name__}")
    lines = [f"class {cls.__name__}({', '.join(bases)}):"]
    summary = str(inspect.getdoc(cls)).partition("\n")[0].replace("`weightedce.", "`")
    lines.append(f'    """{summary}"""\n')
    lines += ["    def __init__(", "        self,"]
    by_name = False
    for parameter in inspect.signature(cls).parameters.values():
        if parameter.kind is Parameter.KEYWORD_ONLY and not by_name:
            by_name = True
            lines.append("        *,")
        lines.append(f"        {_argument(parameter, words, imports)},")
    return "\n".join([*lines, "    ) -> None: ...\n"])


def _argument(
    parameter: Parameter,
    words: dict[object, tuple[str, str]],
    imports: set[tuple[str, str]],
) -> str:
    """Write one argument; words by the name that their list has."""
    annotation = inspect.formatannotation(parameter.annotation)
    for value, (source, name) in words.items():
        text = inspect.formatannotation(value)
        if text in annotation:
            annotation = annotation.replace(text, name)
            imports.add((source, name))
    annotation = re.sub(r"Optional\[(\w+)\]", r"\1 | None", annotation)
    if "Any" in annotation:
        imports.add(("typing", "Any"))
    if parameter.default is Parameter.empty:
        return f"{parameter.name}: {annotation}"
    default = repr(parameter.default).replace("'", '"')
    return f"{parameter.name}: {annotation} = {default}"


def _imports(needed: set[tuple[str, str]]) -> str:
    """Write the imports: Python's own, the framework's, ours."""
    lines = []
    for module in sorted({module for module, _ in needed}):
        names = sorted(name for where, name in needed if where == module)
        line = f"from {module} import {', '.join(names)}" if names[0] else f"import {module}"
        if len(line) > 100:  # as the formatter breaks it
            listed = "".join(f"    {name},\n" for name in names)
            line = f"from {module} import (\n{listed})"
        lines.append(line)
    blocks = [
        [line for line in lines if line.startswith("from typing")],
        [line for line in lines if not line.startswith(("from typing", "from weightedce"))],
        [line for line in lines if line.startswith("from weightedce")],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        there = importlib.import_module(name)
        path(there).write_text(stub(there), encoding="utf-8")
