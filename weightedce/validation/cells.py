"""Cells of the report: one function, library, mode, dtype and order, and its worst number."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import numpy as np

from weightedce.validation import ulp
from weightedce.validation.libraries import ORDERS
from weightedce.validation.problems import Group, Problem

PASSED, FAILED, ERROR, UNSUPPORTED = "passed", "failed", "error", "unsupported"


@dataclass(frozen=True)
class Finding:
    """One number, where it came from, and what it should have been."""

    batch: str  # name of the batch
    row: int
    index: tuple[int, ...]  # of the number in the result for the example (or batch) below
    arrays: dict[str, Any]  # logits, targets, weights: nested lists
    options: dict[str, Any]
    got: float
    exact: float
    ulp: float
    allowed: float
    snippet: str = ""


@dataclass(frozen=True)
class Cell:
    """What came of all comparisons of one function in one library, mode, dtype and order."""

    kind: str  # "loss", ours; "peer", a library's own
    call: str
    loss: str
    library: str
    mode: str
    dtype: str
    order: str
    status: str
    comparisons: int = 0
    failures: int = 0
    worst: Finding | None = None  # the largest share of the allowed ulp
    failing: Finding | None = None  # the simplest input that fails
    message: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What identifies the cell in every report."""
        return (self.kind, self.call, self.loss, self.library, self.mode, self.dtype, self.order)

    @property
    def ulp(self) -> float:
        """The worst error."""
        return self.worst.ulp if self.worst else inf

    @property
    def share(self) -> float:
        """The worst error as a share of what is allowed."""
        if self.worst is None:
            return inf if self.bad else 0.0
        order = ORDERS.index(self.order)
        return float(ulp.share(self.worst.ulp, self.worst.allowed, self.dtype, order))

    @property
    def bad(self) -> bool:
        """Whether it must fail the run."""
        return self.status in (FAILED, ERROR)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings, lists and dicts."""
        return asdict(self)


class Tally:
    """Gathers the comparisons of one cell."""

    def __init__(self, group: Group, library: str, mode: str, order: int) -> None:
        self.group, self.library, self.mode, self.order = group, library, mode, order
        self.comparisons = self.failures = 0
        self.worst: tuple[float, Problem, tuple[int, ...], float, float] | None = None
        self.failing: tuple[Any, Problem, tuple[int, ...], float, float] | None = None
        self.message = ""
        self.status = PASSED

    def add(self, problem: Problem, got: np.ndarray, dtype: str) -> None:
        """Compare one result."""
        expected, limits = problem.expected(self.order), problem.limits(self.order)
        wanted = ulp.result_dtype(self.group.dtype, self.order)
        if got.shape != expected.number.shape:
            self.fail(f"shape: expected {expected.number.shape}, got {got.shape}")
            return
        if dtype != wanted and self.group.kind == "loss":
            self.fail(f"dtype of the result: expected {wanted}, got {dtype}")
        found = ulp.distances(got, expected, wanted)
        if self.order:  # where the loss has no limit, nothing is said about derivatives
            found = np.where(np.isnan(expected.number), 0.0, found)
        if not found.size:
            return
        self.comparisons += found.size
        share = ulp.share(found, limits, self.group.dtype, self.order)
        worst = tuple(map(int, np.unravel_index(int(np.argmax(share)), share.shape)))
        if self.worst is None or (share[worst], found[worst]) > (self.worst[0], self.worst[4]):
            self.worst = (
                float(share[worst]),
                problem,
                worst,
                float(got[worst]),
                float(found[worst]),
            )
        failed = np.argwhere(share > 1)
        self.failures += len(failed)
        if len(failed):
            self.status = FAILED
            simplest = min(
                map(tuple, failed), key=lambda index: _simplicity(problem, self.order, index)
            )
            key = _simplicity(problem, self.order, simplest)
            if self.failing is None or key < self.failing[0]:
                numbers = float(got[simplest]), float(found[simplest])
                self.failing = (key, problem, simplest, *numbers)

    def refuse(self, count: int = 1) -> None:
        """Count an exception that is the right answer."""
        self.comparisons += count

    def fail(self, message: str, status: str = FAILED) -> None:
        """Enter a failure that is no number."""
        self.status, self.failures = status, self.failures + (status != UNSUPPORTED)
        self.message = self.message or message

    def cell(self, snippet: Callable[..., str]) -> Cell:
        """Return what came of it all; ``snippet(group, mode, order, finding)`` writes code."""
        group = self.group
        return Cell(
            group.kind,
            group.call,
            group.loss,
            self.library,
            self.mode,
            group.dtype,
            ORDERS[self.order],
            self.status,
            self.comparisons,
            self.failures,
            self._finding(self.worst, None),
            self._finding(self.failing, snippet),
            self.message,
        )

    def _finding(self, entry: Any, snippet: Callable[..., str] | None) -> Finding | None:
        if entry is None:
            return None
        _, problem, index, got, distance = entry
        index = tuple(int(i) for i in index)
        expected = problem.expected(self.order)
        row, inside = (index[0] if index else 0), index
        arrays = problem.example(row)
        if not problem.whole:
            inside = (0, *index[1:])
        finding = Finding(
            problem.name,
            row,
            inside,
            {name: np.asarray(x).tolist() for name, x in arrays.items()},
            problem.constants(),
            got,
            float(expected.number[index]),
            distance,
            float(problem.limits(self.order)[index]),
        )
        if snippet is None:
            return finding
        code = snippet(self.group, self.mode, self.order, finding)
        return Finding(**{**finding.__dict__, "snippet": code})


def _simplicity(problem: Problem, order: int, index: tuple[int, ...]) -> tuple[Any, ...]:
    """Order inputs by what a person can follow: finite, short, small, weight 1, first."""
    logits = np.asarray(problem.logits if problem.whole else problem.logits[index[0]])
    infinite = int(np.isinf(logits).sum())
    digits = sum(len(f"{x:g}") for x in np.ravel(logits))
    size = float(np.abs(np.where(np.isfinite(logits), logits, 0)).max(initial=0))
    options = len(problem.arrays) + len(problem.constants())
    answer = bool(np.isinf(problem.expected(order).number[index]))
    return answer, infinite, options, digits, size, problem.name, tuple(int(i) for i in index)
