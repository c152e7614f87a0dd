"""Counts and what every estimator makes of them, before anybody prints them."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import weightedce
from weightedce.command.labels.tally import Tally, integer


@dataclass(frozen=True)
class Weighed:
    """Counts with weights: of the classes of one label, or of several labels a row."""

    kind: str  # what is counted, "class" or "label"
    argument: str  # what the weights are passed as
    total: int  # labels, or rows
    counts: dict[str, int]  # of a label those of its positives
    shares: list[float]
    weights: dict[str, list[float]]
    chosen: str  # whose weights are to be pasted

    @property
    def ratio(self) -> float:
        """Return how often the most frequent occurs for once of the rarest that does."""
        there = [n for n in self.counts.values() if n]
        return max(there) / min(there) if there else 1.0


def of_classes(counts: dict[str, int], beta: float | None) -> Weighed:
    """Weigh the classes of one label by every estimator."""
    estimators: dict[str, Callable[[list[int]], list[float]]] = {
        name: public
        for name in dir(weightedce)
        if inspect.isfunction(public := getattr(weightedce, name))
        and list(inspect.signature(public).parameters)[:1] == ["counts"]
    }
    if beta is not None:
        estimators["effective_number"] = partial(weightedce.effective_number, beta=beta)
    numbers = list(counts.values())
    weights = {name: estimator(numbers) for name, estimator in estimators.items()}
    chosen = "balanced" if beta is None else "effective_number"
    total = sum(numbers)
    shares = [n / total for n in numbers]
    return Weighed("class", "class_weight", total, counts, shares, weights, chosen)


def ones_and_zeros(name: str, tally: Tally) -> dict[str, int]:
    """Return how often a label of its own holds, ``"1"``, and how often it does not."""
    found = {"0": 0, "1": 0}
    for label, n in tally.counts.items():
        value = {"true": 1, "false": 0}.get(label.lower(), integer(label))
        if value not in (0, 1):
            raise ValueError(
                f"{tally.where[label]}: --column: expected zeros and ones, as several columns are "
                f"labels of their own, got something else in {name!r}"
            )
        found[str(value)] += n
    return found


def of_columns(found: dict[str, dict[str, int]]) -> Weighed:
    """Weigh the positives of several labels a row."""
    positives = {name: counts["1"] for name, counts in found.items()}
    rows = [sum(counts.values()) for counts in found.values()]
    shares = [n / row for n, row in zip(positives.values(), rows, strict=True)]
    # as pos_weights
    weights = [counts["0"] / max(counts["1"], 1) for counts in found.values()]
    chosen = {"pos_weights": weights}
    return Weighed("label", "pos_weight", max(rows), positives, shares, chosen, "pos_weights")
