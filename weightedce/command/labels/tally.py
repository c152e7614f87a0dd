"""What all kinds of files count into: labels as text, then classes in their order.

An error says where a label stands, never what the file holds there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_CLASSES = 100_000  # more are no labels: a column of names, numbers or times, say
MARK = 10_000  # negative numbers above minus this mark what is not labelled, and may be shown


@dataclass(frozen=True)
class Options:
    """How the labels of a file are meant."""

    columns: tuple[str, ...] = ()
    header: bool = True
    delimiter: str | None = None
    names: bool = False
    ignore: frozenset[str] = frozenset()
    encoding: str = "utf-8-sig"


@dataclass
class Tally:
    """The labels of one column."""

    options: Options
    title: str | None = None
    title_from_text: bool = False  # of a first line that may have been labels
    counts: dict[str, int] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)  # a label stands first
    left_out: set[int | None] = field(default_factory=set)  # what of ``ignore`` there was

    def __post_init__(self) -> None:
        ignore = () if self.options.names else self.options.ignore
        self._left_out = {value for label in ignore if (value := integer(label)) is not None}

    def add(self, label: str, n: int, where: str) -> None:
        """Count a label that stands so many times at ``where`` and after it."""
        if label in self.counts:
            self.counts[label] += n
            return
        if label in self.options.ignore or (self._left_out and integer(label) in self._left_out):
            self.left_out.add(integer(label))
            return
        if not label:
            raise ValueError(f"{where}: no label; --ignore '' leaves such out")
        self.counts[label], self.where[label] = n, where
        if len(self.counts) > MOST_CLASSES:
            raise ValueError(
                f"{where}: expected labels, got more than {MOST_CLASSES:,} different values: "
                f"is it a column of identifiers or of measurements?"
            )

    def in_order(self) -> dict[str, int]:
        """Return counts in the order of the classes: integers from 0 on, or names."""
        values = {label: integer(label) for label in self.counts}
        integers = [value for value in values.values() if value is not None]
        if self.options.names or not integers:
            if not self.options.names:
                self._no_numbers()
            return {label: self.counts[label] for label in sorted(self.counts)}
        for label, value in values.items():
            if value is None:
                raise ValueError(
                    f"{self.where[label]}: expected an integer, as elsewhere, got "
                    f"{_kind(label)}; --names takes all as names, --ignore leaves a label out"
                )
            _check_range(value, self.where[label])
        found = dict.fromkeys(range(max(integers) + 1), 0)
        for label, value in values.items():
            if value is not None:
                found[value] += self.counts[label]
        return {str(k): n for k, n in found.items()}

    def _no_numbers(self) -> None:
        """Refuse measurements: they are no names."""
        for label in self.counts:
            if (kind := _kind(label)) != "text":
                raise ValueError(
                    f"{self.where[label]}: expected a class label, got {kind}; --names takes all "
                    f"as names"
                )


def _check_range(value: int, where: str) -> None:
    if value < 0:
        shown = str(value) if value > -MARK else "a negative number"
        leaves = f"--ignore {value} leaves it out, " if value > -MARK else ""
        raise ValueError(
            f"{where}: expected labels from 0 on, got {shown}; {leaves}--names takes all as names"
        )
    if value >= MOST_CLASSES:
        raise ValueError(
            f"{where}: expected labels below {MOST_CLASSES:,}, got a larger number: is it an "
            f"identifier? --names takes all as names"
        )


def integers(labels: Iterable[str]) -> list[int]:
    """Return those of some labels that are integers."""
    return [value for label in labels if (value := integer(label)) is not None]


def integer(label: str) -> int | None:
    """Return a label as an integer, ``3.0`` too, as data frames write columns with gaps."""
    number = _number(label)
    if number is None or not number.is_integer():
        return None
    return int(number)


def _number(label: str) -> float | None:
    if "_" in label:  # 1_000 is a number to Python alone
        return None
    try:
        return float(label)
    except ValueError:
        return None


def _kind(label: str) -> str:
    """Say what a label is that is no integer, without showing it."""
    number = _number(label)
    if number is None:
        return "text"
    return "a number that is not whole" if number == number else f"{label}, not a number"
