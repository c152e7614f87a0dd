"""What one comparison needs: arrays, the function to call with them, and the exact numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from weightedce.validation import ulp
from weightedce.validation.binding import array_arguments, constants, function_of
from weightedce.validation.cases import Case


class Problem(Protocol):
    """A batch with its truth, for one dtype. Problems of a group share function and shapes."""

    @property
    def name(self) -> str:
        """Say which batch it is."""

    @property
    def logits(self) -> np.ndarray:
        """Return the logits, as float64 numbers that the dtype holds."""

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Return the further arrays by name, in the order of the function's arguments."""

    @property
    def batched(self) -> int:
        """Return how many arrays, logits first, have the examples as first axis."""

    @property
    def refused(self) -> bool:
        """Whether an exception is a right answer."""

    @property
    def whole(self) -> bool:
        """Whether the loss is one of the whole batch, not of each example."""

    def expected(self, order: int) -> ulp.Expected:
        """Return the exact value or derivatives."""

    def limits(self, order: int) -> np.ndarray:
        """Return the allowed ulp."""

    def example(self, row: int | None) -> dict[str, Any]:
        """Return the arrays, by name, of one example, or of the whole batch."""

    def constants(self) -> dict[str, Any]:
        """Return the arguments that are no arrays."""


@dataclass(frozen=True)
class CaseProblem:
    """A `Case` as a problem, perhaps one example repeated or padded to a shape.

    Parameters
    ----------
    name : str
        Which batch it is.
    case : Case
        Rounded to its dtype.
    rows : int
        How many examples to pad to, with ones that the mask removes; 0: no padding.
    tolerance : float, optional
        In place of 8 ulp.
    reduction : {"none", "sum"}
        ``"sum"`` has the same gradient, and may be computed in another way.
    """

    name: str
    case: Case
    rows: int = 0
    tolerance: float | None = None
    reduction: str = "none"
    refused: bool = False
    known: dict[Any, Any] = field(default_factory=dict, compare=False)

    @cached_property
    def _padded(self) -> Case:
        case, n = self.case, len(self.case.logits)
        missing = self.rows - n
        if missing <= 0 or case.mask is None:
            return case

        def pad(x: np.ndarray | None) -> Any:
            return None if x is None else np.pad(x, [(0, missing), *[(0, 0)] * (x.ndim - 1)])

        return replace(
            case,
            logits=pad(case.logits),
            targets=pad(case.targets),
            sample_weight=pad(case.sample_weight),
            mask=pad(case.mask),
        )

    @property
    def logits(self) -> np.ndarray:
        """Return the logits."""
        return self._padded.logits

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Return targets, weights and mask."""
        return array_arguments(self._padded)

    @property
    def batched(self) -> int:
        """Return how many arrays have the examples as first axis: not the label weights."""
        return 1 + len({"targets", "sample_weight", "mask"} & set(self.arrays))

    @property
    def whole(self) -> bool:
        """Whether the loss is one of the whole batch."""
        return self.case.per_batch

    @property
    def function(self) -> Callable[..., Any]:
        """Return our loss with the case's options."""
        return function_of(self.case, self.reduction)

    def expected(self, order: int) -> ulp.Expected:
        """Return the exact numbers, computed once for all libraries."""
        if order not in self.known:
            self.known[order] = self._padded.expected(order)
        found: ulp.Expected = self.known[order]
        return found

    def limits(self, order: int) -> np.ndarray:
        """Return the allowed ulp."""
        return self._padded.limits(order, self.tolerance)

    def example(self, row: int | None) -> dict[str, Any]:
        """Return the arrays of one example, or of the batch."""
        if row is None or self.case.per_batch:
            return {"logits": self.case.logits, **array_arguments(self.case)}
        found = {"logits": self._padded.logits[row : row + 1]}
        for i, (name, x) in enumerate(self.arrays.items(), 1):
            found[name] = x[row : row + 1] if i < self.batched else x
        return found

    def constants(self) -> dict[str, Any]:
        """Return the options that are no arrays."""
        return constants(self.case, self.reduction)


@dataclass(frozen=True)
class Group:
    """Problems of one shape that share a function, compiled once, under every library named.

    Parameters
    ----------
    loss : str
        The loss whose meaning is the truth.
    call : str
        Name of the function that is called: a public loss, or a peer's.
    problems : sequence of Problem
        Of one dtype.
    function : callable
        Of logits and the problems' arrays.
    dtype : str
        What the arrays are rounded to.
    source : str, optional
        Source of the function as it is shown to reproduce a failure; default: our public loss.
    reach : {"slow", "compiled", "eager"}
        The slowest kind of mode that takes it, since each group is compiled on its own.
    kind : {"loss", "peer"}
        Whose function it is: a peer's failures are findings, not faults of ours.
    orders : tuple of int
        What to compare, where the mode has it.
    """

    loss: str
    call: str
    problems: Sequence[Problem]
    function: Callable[..., Any]
    dtype: str
    source: str | None = None
    reach: str = "slow"
    kind: str = "loss"
    orders: tuple[int, ...] = (0, 1, 2)
