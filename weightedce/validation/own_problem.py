"""A batch of a loss that has a definition of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import mpmath as mp
import numpy as np

from weightedce.validation import ulp
from weightedce.validation.truth import Exact, Truth

ZERO = Exact(0, 0, 0)


@dataclass(frozen=True)
class OwnProblem:
    """A batch of a loss with a definition of its own: see `check_agreement`."""

    name: str
    definition: Callable[..., Any]
    logits: np.ndarray
    others: dict[str, np.ndarray]
    per: str
    dtype: str
    tolerance: float
    refused: bool = False
    known: dict[int, ulp.Expected] = field(default_factory=dict, compare=False)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Return targets and what else the loss takes."""
        return self.others

    @property
    def batched(self) -> int:
        """Return how many arrays have the examples as first axis: all of them."""
        return 1 + len(self.others)

    @property
    def whole(self) -> bool:
        """Whether the loss is one of the whole batch."""
        return self.per == "batch"

    def expected(self, order: int) -> ulp.Expected:
        """Return the exact numbers, once for all libraries."""
        if order not in self.known:
            self.known[order] = self._expected(order)
        return self.known[order]

    def limits(self, order: int) -> np.ndarray:
        """Return the allowed ulp; second derivatives round twice."""
        shape = self.expected(order).number.shape
        limit = self.tolerance * (ulp.SECOND / ulp.PER_ELEMENT if order == 2 else 1.0)
        return np.full(shape, ulp.allowed(limit, self.dtype, order))

    def example(self, row: int | None) -> dict[str, Any]:
        """Return the arrays of one example, or of the batch."""
        arrays = {"logits": self.logits, **self.others}
        if row is None or self.whole:
            return arrays
        return {name: x[row : row + 1] for name, x in arrays.items()}

    def constants(self) -> dict[str, Any]:
        """Return nothing: options are the loss's own business."""
        return {}

    def _expected(self, order: int) -> ulp.Expected:
        shape = self.logits.shape
        truths = self._truths()
        size = len(truths[0].logits) if truths else 1
        if order == 0:
            exact = [_total(truth) for truth in truths]
            lead = {"element": shape, "example": shape[:1], "batch": ()}[self.per]
            return ulp.Expected.of(exact, lead)
        if order == 1:
            exact = [_total(truth, i) for truth in truths for i in range(size)]
            return ulp.Expected.of(exact, shape)
        columns = [ulp.Expected.of(self._column(truths, size, j), shape) for j in range(shape[-1])]
        return ulp.Expected(*(np.stack(x, axis=-1) for x in zip(*columns, strict=True)))

    def _column(self, truths: list[Truth], size: int, j: int) -> list[Exact]:
        """Return the derivatives of the sum of gradient[..., j]."""
        last = self.logits.shape[-1]
        found = []
        for number, truth in enumerate(truths):
            for i in range(size):
                place = number * size + i
                if self.per == "element":
                    found.append(_total(truth, 0, 0) if place % last == j else ZERO)
                elif self.per == "example":
                    found.append(_total(truth, i, j))
                else:
                    terms = [_total(truth, i, k) for k in range(size) if k % last == j]
                    found.append(Exact(*(mp.fsum(x) for x in zip(*terms, strict=True))))
        return found

    def _truths(self) -> list[Truth]:
        """Return one truth for each number of the loss."""
        others = list(self.others.values())
        if self.per == "element":
            return [
                self._truth(lambda z: z[0], [self.logits[i].item()], [x[i].item() for x in others])
                for i in np.ndindex(self.logits.shape)
            ]
        if self.per == "example":
            return [
                self._truth(list, row.tolist(), [x[i].tolist() for x in others])
                for i, row in enumerate(self.logits)
            ]
        width = self.logits.shape[-1]

        def rows(z: Sequence[Any]) -> list[list[Any]]:
            return [list(z[i : i + width]) for i in range(0, len(z), width)]

        return [self._truth(rows, self.logits.ravel().tolist(), [x.tolist() for x in others])]

    def _truth(
        self, shaped: Callable[..., Any], logits: Sequence[float], given: list[Any]
    ) -> Truth:
        def terms(z: tuple[Any, ...]) -> Sequence[Any]:
            found = self.definition(shaped(z), *given)
            return (
                [mp.mpf(x) for x in found] if isinstance(found, list | tuple) else [mp.mpf(found)]
            )

        return Truth(terms, [float(z) for z in logits])


def _total(truth: Truth, *by: int) -> Exact:
    """Return the sum of the terms, differentiated to some logits."""
    ones = [1] * len(truth.mass_gradients())
    if not by:
        return truth.value(ones)
    return truth.gradient(ones, *by) if len(by) == 1 else truth.hessian(ones, *by)
