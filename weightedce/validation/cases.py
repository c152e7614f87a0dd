"""One case: a batch, its options, and what the oracle says about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from inspect import signature
from typing import Any

import numpy as np

from weightedce.validation import oracle, truth, ulp
from weightedce.validation.class_counts_truth import ClassCountsTruth
from weightedce.validation.counts_truth import CountsTruth
from weightedce.validation.elements_truth import ElementsTruth
from weightedce.validation.rounding import round_to

HARD_POINTS = (0.0, -0.0, 16.6, -16.6, 88.0, -88.0, 1000.0, -1000.0, np.inf, -np.inf)
WEIGHTS = ("pos_weight", "neg_weight", "class_weight")


@dataclass(frozen=True)
class Case:
    """A loss by name, float64 numbers that ``dtype`` holds exactly, and options.

    Binary, and losses of a batch: logits and targets (N, L). Multi-class: logits (N, K); targets
    (N,) or (N, K). What is exact is the unreduced loss; for a loss of a batch, one a label.

    Parameters
    ----------
    loss : str
        Name of a public loss that the oracle defines.
    logits, targets : ndarray
        As above; integer targets of a multi-class loss are labels.
    dtype : {"float64", "float32", "bfloat16"}
        The format that the case is for: see `rounded`.
    options : dict
        Numbers, words and lists by the name of the argument.
    sample_weight, mask : ndarray, optional
        One an example, or one an element.
    """

    loss: str
    logits: np.ndarray
    targets: np.ndarray
    dtype: str = "float64"
    options: dict[str, Any] = field(default_factory=dict)
    sample_weight: np.ndarray | None = None
    mask: np.ndarray | None = None

    def rounded(self, dtype: str) -> "Case":
        """Return the case with every number rounded to ``dtype``, so that it is exact there."""

        def fit(x: Any) -> Any:
            x = np.asarray(x)
            return round_to(x, dtype) if x.dtype.kind == "f" else x

        options = {k: fit(v).tolist() if k in WEIGHTS else v for k, v in self.options.items()}
        return replace(
            self,
            logits=fit(self.logits),
            targets=fit(self.targets),
            dtype=dtype,
            options=options,
            sample_weight=None if self.sample_weight is None else fit(self.sample_weight),
        )

    def value(self) -> list[truth.Exact]:
        """Return the exact unreduced loss, flat."""
        if self.of_classes:
            return [*self._classes().value()]
        if self.per_batch:
            return [problem.value()[0] for problem in self._problems()]
        return [row.value(masses) if kept else ZERO for row, masses, _, kept in self._elements]

    def gradient(self) -> list[truth.Exact]:
        """Return the exact derivative of the sum of the loss to each logit, flat."""
        if self.of_classes:
            return self._by_row(self._classes().gradient())
        if self.per_batch:
            return self._by_element([problem.gradient() for problem in self._problems()])
        return [
            row.gradient(masses, i) if kept else ZERO
            for row, masses, _, kept in self._elements
            for i in range(len(row.logits))
        ]

    def hessian(self, j: int) -> list[truth.Exact]:
        """Return the exact derivative to each logit of the sum of gradient[..., j], flat."""
        size = self.logits.shape[-1]
        if self.of_classes:
            return self._by_row(self._classes().hessian_column(j))
        if self.per_batch:
            columns = [problem.hessian_sum() for problem in self._problems()]
            return self._only(j, self._by_element(columns))
        if self.loss in oracle.BINARY:  # labels are independent
            return self._only(j, self._second(0, 1))
        return self._second(j, size)

    def curvature(self) -> list[truth.Exact]:
        """Return the exact second derivative of the sum of the loss to each logit, flat."""
        return [
            row.curvature(masses, i) if kept else ZERO
            for row, masses, _, kept in self._elements
            for i in range(len(row.logits))
        ]

    def expected(self, order: int) -> ulp.Expected:
        """Return value (order 0), gradient (1), or all columns of `hessian` (2) as arrays.

        Second derivatives of a loss that ``cancels`` are measured by the weight.
        """
        shape = self.logits.shape
        if order == 0:
            if self.per_batch:
                return ulp.Expected.of(self.value(), shape[-1:])
            binary = self.loss in oracle.BINARY
            return ulp.Expected.of(self.value(), shape if binary else shape[:-1])
        if order == 1:
            return ulp.Expected.of(self.gradient(), shape)
        columns = [ulp.Expected.of(self.hessian(j), shape) for j in range(shape[-1])]
        second = ulp.Expected(*(np.stack(x, axis=-1) for x in zip(*columns, strict=True)))
        if oracle.definition(self.loss).cancels:
            second = second._replace(scale=np.maximum(second.scale, second.mass))
        return second

    def effective_weight(self) -> list[Any]:
        """Return the exact effective weight of each element or example, flat."""
        return [weight if kept else 0 for _, _, weight, kept in self._elements]

    def tolerance(self, ulp: float, *, per_logit: bool = False) -> list[float]:
        """Return by how many ulp each value, or each derivative, may be off."""
        definition = oracle.definition(self.loss)
        last = self.logits.shape[-1] if self.loss in oracle.MULTICLASS else 1
        rows = self.logits.reshape(-1, last)
        sizes = np.where(np.isfinite(rows), np.abs(rows), 0.0).max(axis=-1, initial=0.0)
        limits = ulp * (definition.looser + definition.sensitivity * sizes / 8)
        return [float(limit) for limit in np.repeat(limits, last if per_logit else 1)]

    def limits(self, order: int, tolerance: float | None = None) -> np.ndarray:
        """Return the allowed ulp of each number of `expected`; ``tolerance`` in place of 8."""
        factor = 1.0 if tolerance is None else tolerance / ulp.PER_ELEMENT
        shape = self.logits.shape
        if self.per_batch:
            of_one = ulp.SECOND if order == 2 else ulp.PER_ELEMENT
            limits = np.full(shape if order else shape[-1:], of_one)
            if self.of_classes and order:  # p is made of its logarithm: see `oracle.expected_cost`
                far = np.where(np.isfinite(self.logits), np.abs(self.logits), 0.0)
                limits = limits * (1.0 + far.max(axis=-1, keepdims=True, initial=0.0) / 8)
        else:
            per_logit = order > 0 and self.loss in oracle.MULTICLASS
            flat = self.tolerance(
                ulp.SECOND if order == 2 else ulp.PER_ELEMENT, per_logit=per_logit
            )
            whole = order > 0 or self.loss in oracle.BINARY
            limits = np.reshape(flat, shape if whole else shape[:-1])
        if order == 2:
            limits = np.broadcast_to(limits[..., None], (*shape, shape[-1]))
        return np.asarray(ulp.allowed(limits * factor, self.dtype, order))

    @property
    def per_batch(self) -> bool:
        """Whether the loss is one number a label over the whole batch."""
        return self.loss in oracle.BATCH

    @property
    def of_classes(self) -> bool:
        """Whether it is one of the soft counts of a softmax."""
        return self.options.get("link") == "softmax"

    def _second(self, j: int, size: int) -> list[truth.Exact]:
        return [
            row.hessian(masses, i, j) if kept else ZERO
            for row, masses, _, kept in self._elements
            for i in range(size)
        ]

    def _only(self, j: int, flat: list[truth.Exact]) -> list[truth.Exact]:
        """Return the derivatives to logits of label j, and 0 to the others."""
        size = self.logits.shape[-1]
        return [e if i % size == j else ZERO for i, e in enumerate(flat)]

    def _by_element(self, columns: list[list[truth.Exact]]) -> list[truth.Exact]:
        """Return one list a label, of kept elements, as one flat list of all elements."""
        rest = [iter(column) for column in columns]
        size = self.logits.shape[-1]
        kept = [kept for *_, kept in self._elements]
        return [next(rest[i % size]) if is_kept else ZERO for i, is_kept in enumerate(kept)]

    def _by_row(self, kept_rows: list[truth.Exact]) -> list[truth.Exact]:
        """Return the numbers of kept elements as those of all."""
        rest = iter(kept_rows)
        return [next(rest) if kept else ZERO for *_, kept in self._elements]

    def _classes(self) -> ClassCountsTruth:
        """Return the truth about all classes of a loss of a batch."""
        given = {k: v for k, v in self.options.items() if k in self._own_options()}
        size = self.logits.shape[-1]
        elements = self._elements
        kept = [n for n in range(len(self.logits)) if elements[n * size][-1]]
        return ClassCountsTruth(
            partial(_named, oracle.definition(self.loss).function, given),
            [self.logits[n].tolist() for n in kept],
            [[masses for _, masses, *_ in elements[n * size : (n + 1) * size]] for n in kept],
            size,
            skip=self.loss != "soft_confusion",
        )

    def _problems(self) -> list[CountsTruth | ElementsTruth]:
        """Return the truth about each label of a loss of a batch."""
        given = {k: v for k, v in self.options.items() if k in self._own_options()}
        definition = oracle.definition(self.loss).function
        size = self.logits.shape[-1]
        of = ElementsTruth if "elements" in signature(definition).parameters else CountsTruth
        problems: list[CountsTruth | ElementsTruth] = []
        for j in range(size):
            logits = self.logits[:, j].tolist()
            column = [
                (z, masses)
                for z, (_, masses, _, kept) in zip(logits, self._elements[j::size], strict=True)
                if kept
            ]
            rows, masses = zip(*column, strict=True) if column else ((), ())
            problems.append(of(partial(_named, definition, given), rows, masses))
        return problems

    def _own_options(self) -> set[str]:
        """Return the names of the options that are the definition's own."""
        return set().union(*oracle.definition(self.loss).variants)

    @cached_property
    def _elements(self) -> list[tuple[truth.Truth, list[Any], Any, bool]]:
        binary = self.loss not in oracle.MULTICLASS
        shape = self.logits.shape if binary else self.logits.shape[:1]
        along = self.options.copy()
        smoothing = {k: along.pop(k) for k in ("label_smoothing", "smoothing_weight") if k in along}
        names = ("pos_weight", "neg_weight") if binary else ("class_weight",)
        weights = {name: np.broadcast_to(along.pop(name, 1.0), self.logits.shape) for name in names}
        by_row = "row" in signature(oracle.definition(self.loss).function).parameters
        each: Any = float if binary else tuple  # what an element or an example has of a weight
        sample, keep = _leading(self.sample_weight, shape, 1.0), _leading(self.mask, shape, True)
        elements = []
        for index in np.ndindex(shape):
            row = (float(self.logits[index]),) if binary else tuple(self.logits[index].tolist())
            given = {"sample_weight": float(sample[index])} | smoothing
            given |= {k: each(w[index].tolist()) for k, w in weights.items()}
            if binary and isinstance(smoothing.get("label_smoothing"), tuple):
                given["label_smoothing"] = smoothing["label_smoothing"][index[-1]]
            kept = bool(keep[index])
            if self.of_classes:
                label = self.targets.ndim == 1
                y = float(self.targets[index[0]] == index[1] if label else self.targets[index])
                masses, weight = truth.binary_masses(y, **given, classes=shape[1])
                elements.append((_truth(self.loss, row, ()), masses, weight, kept))
                continue
            target = self.targets[index].tolist()
            if binary:
                masses, weight = truth.binary_masses(target, **given)
            else:
                q = target if isinstance(target, list) else _one_hot(target, len(row))
                masses, weight = truth.class_masses(tuple(q), **given)
            if by_row:  # masked labels are no positives
                row_of = np.where(keep[index[:-1]], self.targets[index[:-1]], 0.0)
                along["row"] = tuple(row_of.tolist())
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


def _named(definition: Any, given: dict[str, Any], *counts: Any) -> Any:
    return definition(*counts, **given)


@lru_cache(maxsize=100_000)
def _truth(loss: str, logits: Sequence[float], parameters: tuple[Any, ...]) -> truth.Truth:
    """Return the truth about one row of logits: it serves every weight, target and library."""
    given = dict(parameters)
    if loss in oracle.BATCH:  # made of all rows: see CountsTruth
        return truth.Truth(lambda z: z, logits)
    if loss in oracle.BINARY:
        binary = oracle.BINARY[loss].function
        return truth.Truth(lambda z: binary(z[0], **given), logits)
    multiclass = oracle.MULTICLASS[loss].function
    found = truth.Truth(lambda z: multiclass(z, **given), logits)
    if "at" in signature(multiclass).parameters:  # what it holds constant is made of these
        given["at"] = found.logits
    return found
