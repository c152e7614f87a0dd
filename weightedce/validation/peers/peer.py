"""A peer: a function of another library, and the loss of ours that it means."""

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from weightedce.validation import hard_points, oracle, ulp
from weightedce.validation.cases import Case
from weightedce.validation.problems import CaseProblem, Group

Function = Callable[..., Any]
AT_INFINITY = ", at ±inf"  # the name of the cells with infinite logits goes on so
OUTSIDE = ", labels outside"


@dataclass(frozen=True)
class Outside(CaseProblem):
    """Labels outside of 0..K-1: NaN or an exception is right, a number is not."""

    refused: bool = True

    def expected(self, order: int) -> ulp.Expected:
        """Return that nothing is defined."""
        shape = self.case.logits.shape[: 1 + (order > 0)]
        return ulp.Expected(*(np.full(shape, np.nan) for _ in range(4)))

    def limits(self, order: int) -> np.ndarray:
        """Return limits, which nothing but NaN keeps."""
        return np.ones(self.case.logits.shape[: 1 + (order > 0)])


@dataclass(frozen=True)
class Peer:
    """A peer, and how to try it.

    Parameters
    ----------
    name : str
        As the user calls it.
    library : str
        Which library's arrays it takes; ``"keras"``: those of its backend.
    loss : str
        The loss of ours with the same meaning.
    function : callable
        Of logits, targets and the weights, by position.
    options : dict
        What the definition must be given, and weights, which go in as arrays.
    soft : bool
        Targets are probabilities.
    labels : bool
        Try labels outside of 0..K-1 as well.
    package : str
        What must be installed besides the library.
    """

    name: str
    library: str
    loss: str
    function: Function
    options: dict[str, Any] = field(default_factory=dict)
    soft: bool = False
    labels: bool = False
    package: str = ""

    def groups(self, dtype: str, tolerance: float | None) -> list[Group]:
        """Return the fixed batch, finite and infinite logits apart, and labels outside."""
        binary = self.loss in oracle.BINARY
        make = hard_points.binary_batch if binary else hard_points.class_batch
        case = make(self.loss, self.options, soft=self.soft).rounded(dtype)
        infinite = np.isinf(case.logits).any(axis=-1)
        found = [
            self._group(CaseProblem("fixed", part, 0, tolerance), dtype, suffix)
            for part, suffix in ((_rows(case, ~infinite), ""), (_rows(case, infinite), AT_INFINITY))
        ]
        if self.labels:
            for label in (-1, case.logits.shape[-1]):
                problem = Outside(f"label {label}", self._outside(case, label))
                found.append(self._group(problem, dtype, OUTSIDE, orders=(0,)))
        return found

    def _outside(self, case: Case, label: int) -> Case:
        return replace(case, logits=np.array([[1.0, 2.0, 3.0]]), targets=np.array([label]))

    def _group(self, problem: CaseProblem, dtype: str, suffix: str, **more: Any) -> Group:
        return Group(
            self.loss,
            self.name + suffix,
            [problem],
            self.function,
            dtype,
            source=self.source(),
            kind="peer",
            **more,
        )

    def source(self) -> str:
        """Return the function's own lines, as ``loss``."""
        lines = textwrap.dedent(inspect.getsource(self.function))
        lines = lines[lines.index("def ") :].replace(": Any", "").replace(" -> Any", "")
        return lines.replace(f"def {self.function.__name__}(", "def loss(", 1)


def _rows(case: Case, chosen: np.ndarray) -> Case:
    return replace(case, logits=case.logits[chosen], targets=case.targets[chosen])


PEERS: dict[str, Peer] = {}


def peer(name: str, library: str, loss: str, **more: Any) -> Callable[[Function], Function]:
    """Enter the function below as a peer."""

    def enter(function: Function) -> Function:
        PEERS[name] = Peer(name, library, loss, function, **more)
        return function

    return enter
