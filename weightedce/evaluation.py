"""The way of one call: a batch, a formula, a reduction; block by block where that is faster.

A loss is a formula of a checked batch. On a large batch each step of the formula would go
through main memory, and a processor computes faster than it reads. Where the rows have nothing
to do with each other, the formula is applied to blocks of rows that stay in the cache, and their
sums are added, or for ``"none"`` their losses put in place; the backend forms the gradient block
by block as well. A formula that has its own derivative goes this way even as one block, which
leaves nothing for autodiff to record.
"""

from collections.abc import Callable, Sequence
from math import prod
from numbers import Real
from typing import Any, NamedTuple

from weightedce import arguments
from weightedce.backends import Array
from weightedce.batch import BinaryBatch, ClassBatch
from weightedce.reductions import REDUCTIONS, LossTotal, finished, reduce, summed
from weightedce.stable import Sloped

# Of a batch, and whether the slope is wanted, to the loss of each element and the slope.
FormOfBatch = Callable[[BinaryBatch, bool], tuple[Array, Array | None]]


class Part(NamedTuple):
    """What becomes of a block of rows: logits, targets, and the options that are ``names``."""

    batch_of: Callable[..., Any]
    options: dict[str, Any]
    names: Sequence[str]
    formula: Callable[[Any], Array]
    sloped: Sloped | None
    reduction: str

    def batch(self, rows: Sequence[Any]) -> Any:
        """Return the checked batch of the rows."""
        options = self.options
        if self.names:
            options = options | dict(zip(self.names, rows[2:], strict=True))
        return self.batch_of(rows[0], rows[1], **options)

    def sums(self, rows: Sequence[Any]) -> LossTotal:
        """Return the sums over the rows, for autodiff."""
        batch = self.batch(rows)
        return summed(self.formula(batch), batch, self.reduction)

    def with_slope(
        self, form: FormOfBatch, rows: Sequence[Any], slope: bool
    ) -> tuple[LossTotal, Array | None]:
        """Return the sums over the rows and the derivative of the loss to the logits.

        ``form`` is ``sloped`` in the way of a backend.
        """
        batch = self.batch(rows)
        value, found = form(batch, slope)
        return summed(value, batch, self.reduction), found


def evaluate(
    batch_of: Callable[..., BinaryBatch | ClassBatch],
    formula: Callable[[Any], Array],
    logits: Array,
    targets: Any,
    reduction: str,
    *,
    sloped: Sloped | None = None,
    also: Sequence[Any] = (),
    **options: Any,
) -> Any:
    """Return the reduced ``formula(batch_of(logits, targets, **options))``.

    ``sloped`` is the same formula, of the logits and the two factors of a `BinaryBatch`, with
    its derivative beside the value, as `stable.Sloped` says. ``also`` are arguments that the
    formula holds: what it needs of the whole batch, and what may want a gradient.
    """
    backend: Any = arguments.library("logits", logits)
    elements = getattr(backend, "block_elements", None)
    if elements and reduction in REDUCTIONS and (reduction != "none" or _each(sloped, options)):
        size = elements(logits, (targets, *options.values(), *also))
        count = _rows_in_block(logits, targets, options, also, size) if size else 0
        if count or (size and sloped):
            names, rows = [], [logits, targets]
            if count:
                names = [x for x in ("sample_weight", "mask") if _by_rows(options[x], logits)]
                rows += [options[x] for x in names]
            divisor = _divisor(logits, reduction, options)
            known = "sum" if divisor else reduction
            part = Part(batch_of, options, names, formula, sloped, known)
            try:
                total = backend.by_blocks(part, rows, count, divisor or 1.0)
            except (TypeError, ValueError):
                if not count:
                    raise
                # the whole batch below says where in it the error is
            else:
                return finished(total, known)
    batch = batch_of(logits, targets, **options)
    return reduce(formula(batch), batch, reduction)


def _each(sloped: Sloped | None, options: dict[str, Any]) -> bool:
    """Tell whether a backend may form the losses of single elements along with their slope.

    What is masked has to be kept from an infinite gradient of its loss, which is 0: autodiff does.
    """
    masked = options["mask"] is not None or options["ignore_index"] is not None
    return sloped is not None and not masked


def _rows_in_block(
    logits: Array, targets: Any, options: dict[str, Any], also: Sequence[Any], elements: int
) -> int:
    """Return how many rows make a block, 0 if the batch is to be taken as a whole."""
    shape = tuple(logits.shape)
    whole = prod(shape)
    if whole <= elements or options["axis"] not in range(-len(shape), len(shape)):
        return 0
    first = options["axis"] in (0, -len(shape))
    if "class_weight" in options:
        # the classes of an example stay together; labels have a block of their own in `softmax`
        labels = len(getattr(targets, "shape", ())) < len(shape) and not options["label_smoothing"]
        apart = not first and not labels
    else:  # (L,) weights lie along the first axis of one row of labels
        weights = (options["pos_weight"], options["neg_weight"], *also)
        apart = not first or all(w is None or _single(w) for w in weights)
    aligned = _by_rows(targets, logits) and all(
        x is None or _single(x) or _by_rows(x, logits)
        for x in (options["sample_weight"], options["mask"])
    )
    return max(1, elements * shape[0] // whole) if apart and aligned and shape[0] > 1 else 0


def _single(value: Any) -> bool:
    """Tell whether a weight is one number for all rows."""
    return isinstance(value, Real) or getattr(value, "shape", None) == ()


def _by_rows(value: Any, logits: Array) -> bool:
    """Tell whether an array has one entry, or more, for each row of the logits."""
    shape: Any = getattr(value, "shape", ())
    return len(shape) > 0 and shape[0] in logits.shape[:1]


def _divisor(logits: Array, reduction: str, options: dict[str, Any]) -> float:
    """Return what the mean divides by if that is known beforehand, else 0.

    The gradient of a block is then final, and need not be gone through again.
    """
    if reduction != "mean" or options["mask"] is not None or options["ignore_index"] is not None:
        return 0.0
    size = float(prod(logits.shape))
    return size / logits.shape[options["axis"]] if "class_weight" in options else size
