"""Runs groups of problems under libraries and modes, and fills the cells of the report."""

from collections.abc import Iterable
from typing import Any

from weightedce.validation.cells import ERROR, UNSUPPORTED, Cell, Tally
from weightedce.validation.libraries import Library
from weightedce.validation.problems import Group, Problem
from weightedce.validation.snippets import snippet_for


def run(
    groups: Iterable[Group], library: Library, mode: str, orders: tuple[int, ...] = (0, 1, 2)
) -> list[Cell]:
    """Return the cells of groups that differ in options only, in one library and mode.

    Parameters
    ----------
    groups : iterable of Group
        Of one function and dtype; each is compiled once.
    library : Library
        Where to compute.
    mode : str
        One of the library's modes.
    orders : tuple of int
        Derivatives to compare.

    Returns
    -------
    list of Cell
        One an order; "unsupported" where the mode has no such derivative.
    """
    tallies: dict[int, Tally] = {}
    for group in groups:
        for order in orders:
            if order in group.orders:
                tallies.setdefault(order, Tally(group, library.name, mode, order))
        if group.dtype not in library.dtypes:
            for tally in tallies.values():
                tally.fail(f"{library.name} has no {group.dtype} here", UNSUPPORTED)
            continue
        if not takes(library, mode, group.reach):
            continue
        has = [order for order in orders if order in library.orders(mode)]
        for order in set(tallies) - set(has):
            tallies[order].fail(f"{library.name} {mode} has no such derivative", UNSUPPORTED)
        wanted = [order for order in has if order in group.orders]
        _run_group(group, library, mode, tuple(wanted), tallies)
    return [tallies[order].cell(snippet_for(library)) for order in sorted(tallies)]


def takes(library: Library, mode: str, reach: str) -> bool:
    """Return whether a mode takes a group of that reach."""
    kind = "slow" if mode in library.slow else "eager" if mode == "eager" else "compiled"
    kinds = ("eager", "compiled", "slow")
    return kinds.index(kind) <= kinds.index(reach)


def _run_group(
    group: Group, library: Library, mode: str, orders: tuple[int, ...], tallies: dict[int, Tally]
) -> None:
    """Compute all orders at once, or one by one where that fails, to see which one does."""
    if not orders:
        return
    try:
        for problem, results in _results(group, library, mode, orders):
            for order, (got, dtype) in zip(orders, results, strict=True):
                tallies[order].add(problem, got, dtype)
    except Exception as error:
        refused = all(problem.refused for problem in group.problems)
        if refused:
            for order in orders:
                tallies[order].refuse(len(group.problems))
        elif len(orders) > 1:
            for order in orders:
                _run_group(group, library, mode, (order,), tallies)
        else:
            message = f"{type(error).__name__}: {_first_line(error)}"
            tallies[orders[0]].fail(message, ERROR)


def _results(
    group: Group, library: Library, mode: str, orders: tuple[int, ...]
) -> list[tuple[Problem, list[tuple[Any, str]]]]:
    """Compute everything before anything is compared."""
    found = []
    with library.scope(group.dtype):
        batched = group.problems[0].batched
        compiled = library.prepare(mode, group.function, orders, batched)
        for problem in group.problems:
            arrays = [problem.logits, *problem.arrays.values()]
            given = [library.array(x, group.dtype) for x in arrays]
            results = compiled(*given)
            found.append((problem, [(library.numpy(x), library.dtype_name(x)) for x in results]))
    return found


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else "no message"
