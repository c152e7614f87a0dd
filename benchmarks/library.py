"""What the benchmark asks of a library in one mode."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ours import Loss
from work import Work

Call = Callable[[], Any]


def add(z: Any, y: Any) -> Any:
    """Read logits and targets once, write as many numbers as the gradient has."""
    return z + y


def negate(z: Any, labels: Any) -> Any:  # noqa: ARG001
    """Read logits once, write as many numbers as the gradient has; labels are left out."""
    return -z


class Library:
    """One library in one mode. A call returns when value and gradient are there."""

    differentiable = True

    def array(self, x: np.ndarray, dtype: str | None = None) -> Any:
        """Return a NumPy array as this library's, in ``dtype`` if it is of floats."""
        raise NotImplementedError

    def peers(self, work: Work, rest: Sequence[Any]) -> dict[str, Loss]:
        """Return the peers of a family by name; the targets are about the first."""
        raise NotImplementedError

    def step(self, loss: Loss, leaves: Sequence[Any], rest: Sequence[Any]) -> Call:
        """Return a call that gives the value of a loss and its gradients to ``leaves``."""
        raise NotImplementedError

    def ready(self, loss: Loss, leaves: Sequence[Any], rest: Sequence[Any]) -> Call:
        """Return the same, compiled where it can be without running it."""
        return self.step(loss, leaves, rest)

    def limits(self, work: Work, leaves: Sequence[Any], rest: Sequence[Any]) -> dict[str, Call]:
        """Return what cannot be beaten by much: moving the data, and exp and log1p alone."""
        raise NotImplementedError

    def numbers(self, result: Any) -> list[np.ndarray]:
        """Return value and gradients of a call in NumPy."""
        raise NotImplementedError

    def fresh(self) -> None:
        """Forget what was compiled."""

    def arrays(self, work: Work) -> tuple[list[Any], list[Any]]:
        """Return the data of a work: what is differentiated, and the rest."""
        leaves, rest = work.data()
        half = work.dtype if work.binary else None  # class weights and their sums stay float32
        return (
            [self.array(x, work.dtype) for x in leaves],
            [self.array(x, half) for x in rest],
        )
