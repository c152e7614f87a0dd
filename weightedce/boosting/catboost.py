"""Objectives as CatBoost calls them: of minus the loss, rows in chunks or one by one."""

from typing import Any, Self

import numpy as np

from weightedce.curvature.hessian import hessian


class _Held:
    """An objective. Not frozen, since CatBoost sets attributes of its own."""

    no_jit = True  # CatBoost would else ask for numba, and compile what calls us

    def __init__(self, objective: Any) -> None:
        self.objective = objective

    def __deepcopy__(self, _: Any) -> Self:
        """Return itself: CatBoost copies what it is given, and ``clone`` wants it back."""
        return self


class CatBoostObjective(_Held):
    """Yes/no targets: chunks of rows."""

    def calc_ders_range(self, approxes: Any, targets: Any, weights: Any) -> Any:
        """Return (N, 2): both derivatives of minus the loss."""
        first, second = self.objective.sklearn(targets, approxes, weights)
        return -np.stack([first, second], axis=1)


class CatBoostOfClasses(_Held):
    """Classes: one row at a time, with the whole matrix of second derivatives."""

    def calc_ders_multi(self, approxes: Any, target: Any, weight: Any) -> tuple[Any, Any]:
        """Return K derivatives and K x K second ones of minus the loss, negative semidefinite."""
        own = self.objective
        first, second = hessian(own.loss, np.array(approxes, float), target, **own.given)
        if not (np.isfinite(first).all() and np.isfinite(second).all()):
            raise ValueError(f"{own!r}: expected finite numbers, got margins {approxes!r}")
        sizes, axes = np.linalg.eigh(second)  # of losses with a scale to some 10 digits
        if sizes[0] < -1e-9 * sizes[-1]:
            if own.curvature == "exact":
                raise ValueError(
                    f"curvature: expected a convex loss for 'exact', got {own!r}: pass "
                    f"curvature='positive'"
                )
            second = (axes * np.maximum(sizes, 0.0)) @ axes.T
        by = 1.0 if weight is None else float(weight)
        return -by * first, -by * second
