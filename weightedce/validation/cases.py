"""One case: a batch, its options, and what the oracle says about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from weightedce.validation import oracle, truth

HARD_POINTS = (0.0, -0.0, 16.6, -16.6, 88.0, -88.0, 1000.0, -1000.0, np.inf, -np.inf)


@dataclass(frozen=True)
class Case:
    """A loss by name, float64 numbers that ``dtype`` holds exactly, and options.

    Binary: logits and targets (N, L). Multi-class: logits (N, K); targets (N,) or (N, K).
    """

    loss: str
    logits: np.ndarray
    targets: np.ndarray
    dtype: str = "float64"
    options: dict[str, Any] = field(default_factory=dict)  # numbers and lists, by name
    sample_weight: np.ndarray | None = None
    mask: np.ndarray | None = None

    def rounded(self, dtype: str) -> "Case":
        """Return the case with every number rounded to ``dtype``, so that it is exact there."""

        def fit(x: Any) -> Any:
            x = np.asarray(x)
            return x.astype(dtype).astype("float64") if x.dtype.kind == "f" else x

        weights = {"pos_weight", "neg_weight", "class_weight"}
        options = {k: fit(v).tolist() if k in weights else v for k, v in self.options.items()}
        sample = None if self.sample_weight is None else fit(self.sample_weight)
        return Case(
            self.loss, fit(self.logits), fit(self.targets), dtype, options, sample, self.mask
        )

    def value(self) -> list[truth.Exact]:
        """Return the exact unreduced loss, flat."""
        return [row.value(masses) if kept else ZERO for row, masses, _, kept in self._elements()]

    def gradient(self) -> list[truth.Exact]:
        """Return the exact derivative to each logit, flat."""
        return [
            row.gradient(masses, i) if kept else ZERO
            for row, masses, _, kept in self._elements()
            for i in range(len(row.logits))
        ]

    def hessian(self, j: int) -> list[truth.Exact]:
        """Return the exact derivative to each logit and logit j of the same example, flat."""
        return [
            row.hessian(masses, i, j) if kept else ZERO
            for row, masses, _, kept in self._elements()
            for i in range(len(row.logits))
        ]

    def effective_weight(self) -> list[Any]:
        """Return the exact effective weight of each element or example, flat."""
        return [weight if kept else 0 for _, _, weight, kept in self._elements()]

    def tolerance(self, ulp: float, *, per_logit: bool = False) -> list[float]:
        """Return by how many ulp each value, or each derivative, may be off."""
        definition = (oracle.BINARY | oracle.MULTICLASS)[self.loss]
        last = 1 if self.loss in oracle.BINARY else self.logits.shape[-1]
        rows = self.logits.reshape(-1, last)
        sizes = np.where(np.isfinite(rows), np.abs(rows), 0.0).max(axis=-1, initial=0.0)
        limits = ulp * (definition.looser + definition.sensitivity * sizes / 8)
        return [float(limit) for limit in np.repeat(limits, last if per_logit else 1)]

    def _elements(self) -> list[tuple[truth.Truth, list[Any], Any, bool]]:
        binary = self.loss in oracle.BINARY
        shape = self.logits.shape if binary else self.logits.shape[:1]
        along = self.options.copy()
        smoothing = {k: along.pop(k) for k in ("label_smoothing", "smoothing_weight") if k in along}
        names = ("pos_weight", "neg_weight") if binary else ("class_weight",)
        weights = {name: np.broadcast_to(along.pop(name, 1.0), self.logits.shape) for name in names}
        elements = []
        for index in np.ndindex(shape):
            row = (float(self.logits[index]),) if binary else tuple(self.logits[index].tolist())
            given = {"sample_weight": float(_leading(self.sample_weight, shape, 1.0)[index])}
            given |= {k: w[index].tolist() for k, w in weights.items()} | smoothing
            kept = bool(_leading(self.mask, shape, True)[index])
            target = self.targets[index].tolist()
            if binary:
                masses, weight = truth.binary_masses(target, **given)
            else:
                q = target if isinstance(target, list) else _one_hot(target, len(row))
                masses, weight = truth.class_masses(q, **given)
            elements.append(
                (_truth(self.loss, row, tuple(sorted(along.items()))), masses, weight, kept)
            )
        return elements


ZERO = truth.Exact(0, 0, 0)


def _leading(weight: np.ndarray | None, shape: tuple[int, ...], default: Any) -> np.ndarray:
    """Lay a weight or mask along the leading axes."""
    weight = np.asarray(default if weight is None else weight)
    return np.broadcast_to(weight.reshape(weight.shape + (1,) * (len(shape) - weight.ndim)), shape)


def _one_hot(label: int, classes: int) -> list[float]:
    return [float(k == label) for k in range(classes)]


@lru_cache(maxsize=100_000)
def _truth(loss: str, logits: Sequence[float], parameters: tuple[Any, ...]) -> truth.Truth:
    """Return the truth about one row of logits: it serves every weight, target and library."""
    given = dict(parameters)
    if loss in oracle.BINARY:
        binary = oracle.BINARY[loss].function
        return truth.Truth(lambda z: binary(z[0], **given), logits)
    multiclass = oracle.MULTICLASS[loss].function
    return truth.Truth(lambda z: multiclass(z, **given), logits)
