"""Labels that are no classes: what ``ignore_index`` may be, and what it leaves."""

from math import isnan, nan
from numbers import Integral, Real
from typing import Any

from weightedce.backends import Array
from weightedce.call import columns, options
from weightedce.call.dtypes import is_floating
from weightedce.numerics.stable import seen_between

Ignored = tuple[Any, ...]  # Python numbers, NaN among them; one traced number
NAME = "ignore_index"


def ignored(ignore_index: Any, *, integer: bool) -> Ignored:
    """Return the labels to ignore: none for None, a number, or the numbers of a collection."""
    if ignore_index is None:
        return ()
    if isinstance(ignore_index, Real):
        return (_label(ignore_index, integer),)
    if isinstance(ignore_index, set | frozenset):
        ignore_index = sorted(ignore_index)
    if columns.is_sequence(ignore_index):
        return tuple(_label(label, integer) for label in ignore_index)
    if len(getattr(ignore_index, "shape", ())) == 1:
        labels = columns.plain_numbers(NAME, ignore_index)
        return tuple(_label(label, integer) for label in labels)
    if getattr(ignore_index, "shape", None) == () and options.known(ignore_index) is None:
        return (ignore_index,)  # traced
    return (_label(ignore_index, integer),)


def _label(label: Any, integer: bool) -> Any:
    label = options.python_number(NAME, label)
    if isinstance(label, Real) and isnan(label):
        return nan  # this one, which equals itself in a tuple
    if not integer:
        return options.number(NAME, label)
    whole = isinstance(label, float) and label.is_integer()
    return options.whole(NAME, int(label) if whole and not isinstance(label, Integral) else label)


def not_all(ignore: Ignored, labels: Array, classes: int) -> Ignored:
    """Return what is to be ignored; none where all labels are seen to be of other classes.

    So it is most often with torch's -100, and what is masked takes a pass over all logits.
    """
    if not ignore or is_floating(labels):
        return ignore
    others = all(isinstance(label, int) and label not in range(classes) for label in ignore)
    return () if others and seen_between(labels, 0, classes - 1) else ignore


def left(given: Array, ignore: Ignored) -> Array | None:
    """Tell which elements of ``given`` are left; None where nothing is to be ignored."""
    keep = None
    for label in ignore:
        used = _used(given, label)
        keep = used if keep is None else keep & used
    return keep


def _used(given: Array, label: Any) -> Array:
    """Tell which elements are not ``label``; NaN, which differs from itself, is NaN here."""
    if isinstance(label, Real):
        return given == given if isnan(label) else given != label
    if is_floating(given) and is_floating(label):  # traced: it may be NaN
        return (given != label) & ((given == given) | (label == label))
    return given != label


def instead(ignore: Ignored, found: Any) -> str:
    """Return what to write where ``found`` marks what is not to be counted."""
    others = [label for label in ignore if isinstance(label, Real)]
    if not others:
        return f"; if it marks what is not labelled, ignore_index={found}"
    both = ", ".join(map(str, [*others, found]))
    return (
        f"; ignore_index is {', '.join(map(str, others))}: if {found} marks what is not labelled "
        f"too, ignore_index=({both})"
    )
