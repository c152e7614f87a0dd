"""A loss of one's own, held to its definition in every library."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from weightedce.validation import grid, ulp
from weightedce.validation.libraries import NAMES, installed
from weightedce.validation.outputs import words
from weightedce.validation.own_problem import OwnProblem
from weightedce.validation.problems import Group
from weightedce.validation.report import Report, versions
from weightedce.validation.rounding import round_to

Batch = tuple[np.ndarray, ...]


class DisagreementError(AssertionError):
    """A loss is not the same everywhere; the message says where, and ``report`` has it all."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


def check_agreement(
    loss: Callable[..., Any],
    definition: Callable[..., Any],
    batches: Iterable[Batch],
    *,
    libraries: Sequence[str] | None = None,
    modes: Sequence[str] | None = None,
    dtypes: Sequence[str] = ("float64", "float32"),
    orders: Sequence[int] = (0, 1),
    tolerance: float = ulp.PER_ELEMENT,
    device: str = "cpu",
) -> Report:
    """Hold a loss to its definition, in every library that is installed.

    Parameters
    ----------
    loss : callable
        ``loss(logits, targets, ...)``, written once against the array API standard, unreduced:
        one number an element (the shape of the logits), an example (the logits' without the last
        axis), or for the batch (0-d).
    definition : callable
        The same in plain arithmetic, with functions of mpmath for the rest. It gets what one
        number of the loss is made of: a logit and a target; a list of logits and a target or
        list of them; or all rows. It returns the loss, or a list of terms whose sum it is: where
        terms cancel, as p and y do in p - y, an ulp is then one of the terms, not of what is left.
    batches : iterable of tuple
        (logits, targets, ...) as NumPy arrays, of shape (N, L) or (N, K), all with the examples
        as first axis. See `weightedce.validation.strategies` for how to draw them.
    libraries : sequence of str, optional
        Which must agree, of ``numpy``, ``torch``, ``jax``, ``tensorflow``; one that is not
        installed is an error. Default: those that are installed.
    modes : sequence of str, optional
        Default: those with a quick compiler. ``("all",)``: slow ones as well.
    dtypes : sequence of str
        Of ``"float64"``, ``"float32"``, ``"bfloat16"``. Batches are rounded to each.
    orders : sequence of int
        0: the value, 1: the gradient to the logits, 2: the second derivative.
    tolerance : float
        Allowed error in ulp; second derivatives may err by twice that.
    device : str
        ``"cpu"``, or what the libraries call their accelerator.

    Returns
    -------
    Report
        With a cell for each library, mode, dtype and order.

    Raises
    ------
    DisagreementError
        An AssertionError, which pytest shows as one, that names the library, its version, mode,
        dtype and order, the simplest input that fails, both numbers, and their distance in ulp.
    ValueError
        If there is nothing to compare, or a library that was asked for is not there.

    Examples
    --------
    >>> import mpmath, numpy as np
    >>> def squared(logits, targets):
    ...     return (logits - targets) ** 2
    >>> def definition(z, y):
    ...     return (z - y) ** 2
    >>> batch = np.array([[0.5, -2.0]]), np.array([[1.0, 0.0]])
    >>> check_agreement(squared, definition, [batch], libraries=["numpy"]).ok
    True
    """
    __tracebackhide__ = True
    found, absent = installed(tuple(libraries or NAMES), device)
    if unknown := sorted(set(libraries or ()) - set(NAMES)):
        raise ValueError(f"libraries: expected some of {', '.join(NAMES)}, got {unknown}")
    if libraries and absent:
        raise ValueError(f"libraries: {'; '.join(f'{k}: {v}' for k, v in absent.items())}")
    given = [tuple(np.asarray(x) for x in batch) for batch in batches]
    cells = []
    with np.errstate(all="ignore"):  # what overflows on the way is for the comparison to judge
        groups = _groups(loss, definition, given, dtypes, tolerance)
        for library in found.values():
            for mode in library.modes:
                if mode in modes or "all" in modes if modes else mode not in library.slow:
                    for dtype in dtypes:
                        cells += grid.run(groups[dtype], library, mode, tuple(orders))
    present = {name: library.version for name, library in found.items()}
    report = Report(cells, {"loss": _name(loss)}, present | absent, [], versions())
    if not report.comparisons and not report.failing:
        raise ValueError(f"nothing was compared: libraries {list(found)}, {len(given)} batches")
    if report.failing:
        raise DisagreementError(_message(loss, report), report)
    return report


def _groups(
    loss: Callable[..., Any],
    definition: Callable[..., Any],
    batches: list[Batch],
    dtypes: Sequence[str],
    tolerance: float,
) -> dict[str, list[Group]]:
    """Return the batches of each dtype; those of one shape share a compilation."""
    groups: dict[str, list[Group]] = {}
    for dtype in dtypes:
        if dtype not in ulp.FORMATS:
            raise ValueError(f"dtypes: expected some of {', '.join(ulp.FORMATS)}, got {dtype!r}")
        by_shape: dict[Any, list[OwnProblem]] = {}
        for number, batch in enumerate(batches):
            if len(batch) < 2 or batch[0].ndim != 2:
                raise ValueError(
                    f"batches[{number}]: expected (logits, targets, ...) with logits of shape "
                    f"(N, L) or (N, K), got shapes {[x.shape for x in batch]}"
                )
            logits, *others = [round_to(x, dtype) if x.dtype.kind == "f" else x for x in batch]
            names = ["targets", *(f"argument_{i}" for i in range(3, len(batch) + 1))]
            problem = OwnProblem(
                f"batches[{number}]",
                definition,
                np.asarray(logits, dtype="float64"),
                dict(zip(names, others, strict=True)),
                _per(loss, logits, others),
                dtype,
                tolerance,
            )
            by_shape.setdefault(tuple(x.shape for x in batch), []).append(problem)
        name = _name(loss)
        groups[dtype] = [
            Group(name, name, problems, loss, dtype, source=_source(loss))
            for problems in by_shape.values()
        ]
    return groups


def _per(loss: Callable[..., Any], logits: np.ndarray, others: list[np.ndarray]) -> str:
    """Return what one number of the loss is for, by the shape that it has in NumPy."""
    shape = np.shape(loss(np.asarray(logits, dtype="float64"), *others))
    kinds = {logits.shape: "element", logits.shape[:1]: "example", (): "batch"}
    if shape not in kinds:
        raise ValueError(
            f"loss: expected a result of shape {logits.shape}, {logits.shape[:1]} or (), "
            f"got {shape}"
        )
    return kinds[shape]


def _source(loss: Callable[..., Any]) -> str:
    return f"from {loss.__module__} import {_name(loss)} as loss"


def _name(loss: Callable[..., Any]) -> str:
    return str(getattr(loss, "__name__", type(loss).__name__))


def _message(loss: Callable[..., Any], report: Report) -> str:
    """Return what fails: the first cells in full, the others by name."""
    lines = [f"{_name(loss)} does not agree with its definition"]
    for cell in report.failing[:3]:
        lines += ["", words.title(cell, report.libraries.get(cell.library, ""))]
        lines += [f"  {line}" for line in words.failure(cell)]
    if more := report.failing[3:]:
        lines += ["", "and in: " + "; ".join(words.title(cell) for cell in more)]
    return "\n".join(lines)
