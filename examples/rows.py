"""What came of it: the ways to decide, their scores over the seeds, and what can be said."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from losses import UNDONE
from weightedce import minimum_cost
from weightedce.comparison.interval import Difference, apart
from weightedce.comparison.scores import Scores, scores
from weightedce.comparison.ways import Aim, balanced_costs, log_softmax

PLAIN, MOVED = "plain", "plain, threshold moved"
BACK = "calibrated back"
HALVES = 2  # one of them is learnt from


class Seen(NamedTuple):
    """What one trained network says of the rows that it has not seen."""

    loss: str
    logits: np.ndarray
    labels: np.ndarray
    counts: list[int]  # of the classes among the rows that it has seen

    def log_p(self, undone: bool) -> np.ndarray:
        """Return log-probabilities, with what the loss bent taken back or as they are."""
        take = UNDONE.get(self.loss) if undone else None
        return log_softmax(self.logits if take is None else take(self.logits, self.counts))

    def ways(self) -> Iterator[tuple[str, Scores]]:
        """Yield each way to decide, and what it is worth; every class matters alike."""
        aim = Aim(np.array(self.counts), balanced_costs(np.array(self.counts)))

        def worth(decided: np.ndarray, log_p: np.ndarray) -> Scores:
            return scores(self.labels, decided, log_p, aim, rare=1)

        raw, back = self.log_p(undone=False), self.log_p(undone=True)
        yield self.loss, worth(raw.argmax(axis=1), raw)
        if self.loss == PLAIN:
            yield MOVED, worth(minimum_cost(np.exp(raw), aim.matrix), raw)
        elif self.loss in UNDONE:
            yield f"{self.loss}, {BACK}", worth(back.argmax(axis=1), back)


Found = dict[str, list[Scores]]


def gathered(seen: list[Seen]) -> Found:
    """Return the scores of each way, one a seed."""
    found: Found = {}
    for one in seen:
        for way, measured in one.ways():
            found.setdefault(way, []).append(measured)
    return found


def sentences(found: Found, rare: int, common: int) -> Iterator[str]:
    """Say of each loss what it did, and whether a threshold or chance would have done as much."""

    def count(way: str, name: str, of: int) -> str:
        return f"{of * np.mean([getattr(one, name) for one in found[way]]):.0f}"

    def beside(way: str, other: str, name: str) -> Difference:
        ours, theirs = ([getattr(x, name) for x in found[k]] for k in (way, other))
        return apart(ours, theirs, HALVES)

    def alarms(way: str) -> str:
        right = rare * (1 - np.mean([one.missed for one in found[way]]))
        wrong = common * np.mean([one.false_alarms for one in found[way]])
        return f"Of {right + wrong:.0f} alarms {right:.0f} are right."

    for way in found:
        if way in (PLAIN, MOVED) or BACK in way:
            continue
        told = (
            f"{way}: {count(way, 'missed', rare)} of {rare} rare cases missed instead of "
            f"{count(PLAIN, 'missed', rare)}, {count(way, 'false_alarms', common)} false alarms "
            f"instead of {count(PLAIN, 'false_alarms', common)}. {alarms(way)} "
        )
        moved = f"{count(MOVED, 'missed', rare)} and {count(MOVED, 'false_alarms', common)}"
        if len(found[way]) == 1:
            yield f"{told}A moved threshold alone: {moved}. One split says nothing of chance."
            continue
        plain = beside(way, PLAIN, "balanced_accuracy")
        rival = beside(way, MOVED, "balanced_accuracy")
        ranked = beside(way, PLAIN, "average_precision")
        told += f"Balanced accuracy {_moves(plain)}"
        told += "; " if plain.sure and plain.mean > 0 else ": no help; "
        if rival.sure:
            told += f"against a moved threshold alone ({moved}) it {_moves(rival)}. "
        else:
            told += f"a moved threshold alone ({moved}) does as well as can be told "
            told += f"({_number(rival)}). "
        yield f"{told}PR-AUC, which no threshold moves, {_moves(ranked)}."


def _moves(difference: Difference) -> str:
    if not difference.sure:
        return f"stays, as far as chance lets one see ({_number(difference)})"
    return f"{'rises' if difference.mean > 0 else 'falls'} ({_number(difference)})"


def _number(difference: Difference) -> str:
    return f"{difference.mean:+.3f} ± {difference.half_width:.3f}"


def cells(found: Found, rare: int, common: int) -> Iterator[tuple[str, ...]]:
    """Yield the lines of the table: mean and deviation of the seeds."""
    columns: tuple[tuple[str, Callable[[Scores], float], str], ...] = (
        ("missed", lambda x: rare * x.missed, ".0f"),
        ("false alarms", lambda x: common * x.false_alarms, ".0f"),
        ("balanced accuracy", lambda x: x.balanced_accuracy, ".3f"),
        ("PR-AUC", lambda x: x.average_precision, ".3f"),
        ("log loss", lambda x: x.log_loss, ".3f"),
    )
    yield ("", *(title for title, _, _ in columns))
    for way, measured in found.items():
        yield (way, *(_cell([of(x) for x in measured], digits) for _, of, digits in columns))


def _cell(values: list[float], digits: str) -> str:
    mean = f"{np.mean(values):{digits}}"
    text = f"{mean} ±{np.std(values, ddof=1):{digits}}" if len(values) > 1 else mean
    return text.replace("0.", ".")  # for a table that fits 80 columns
