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
    return {name: x for name, x in _of_targets().items() if not _has_state(x)}


def with_state() -> dict[str, Callable[..., Any]]:
    """Return those that return a state beside their loss, which is another's under weights."""
    return {name: x for name, x in _of_targets().items() if _has_state(x)}


def _of_targets() -> dict[str, Callable[..., Any]]:
    public = {name: getattr(weightedce, name) for name in dir(weightedce)}
    return {
        name: x
        for name, x in public.items()
        if inspect.isfunction(x) and [*inspect.signature(x).parameters][:2] == ["logits", "targets"]
    }


def _has_state(function: Callable[..., Any]) -> bool:
    return "state" in inspect.signature(function).parameters


def undefined() -> list[str]:
    """Return the public losses that no definition of the oracle holds to anything."""
    return sorted(set(losses()) - set(oracle.BINARY | oracle.MULTICLASS | oracle.BATCH))


def first_line(function: Callable[..., Any]) -> str:
    """Return what a function's docstring says in its first line."""
    return (inspect.getdoc(function) or "").partition("\n")[0]
