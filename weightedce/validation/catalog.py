"""What there is to validate: every public loss, found by its signature, listed nowhere."""

import inspect
from collections.abc import Callable
from typing import Any

import weightedce
from weightedce.validation import oracle


def losses() -> dict[str, Callable[..., Any]]:
    """Return every public function of (logits, targets) by name.

    Examples
    --------
    >>> "cross_entropy" in losses(), "class_counts" in losses()
    (True, False)
    """
    found: dict[str, Callable[..., Any]] = {}
    for name in dir(weightedce):
        public = getattr(weightedce, name)
        if inspect.isfunction(public):
            parameters = list(inspect.signature(public).parameters)
            if parameters[:2] == ["logits", "targets"]:
                found[name] = public
    return found


def undefined() -> list[str]:
    """Return the public losses that no definition of the oracle holds to anything."""
    return sorted(set(losses()) - set(oracle.BINARY | oracle.MULTICLASS | oracle.BATCH))


def first_line(function: Callable[..., Any]) -> str:
    """Return what a function's docstring says in its first line."""
    return (inspect.getdoc(function) or "").partition("\n")[0]
