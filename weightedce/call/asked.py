"""What a call asks for: a loss as a formula of a batch, its arguments, a reduction."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

from weightedce.backends import Array
from weightedce.backends.contract import Arguments
from weightedce.backends.handed import Block, Form, Sloped
from weightedce.call.at_once import Formula, OfLabels
from weightedce.call.binary_batch import BinaryBatch
from weightedce.call.class_batch import ClassBatch
from weightedce.call.reductions import MEAN, Reduction, reduce
from weightedce.numerics.stable import attached

BatchOf = Callable[..., BinaryBatch | ClassBatch]
Composed = Callable[[Any], Array]


class Call(NamedTuple):
    """What was asked for."""

    batch_of: BatchOf
    formula: Composed | Formula | Block
    logits: Array
    targets: Any
    reduction: Reduction
    also: Sequence[Any]
    options: dict[str, Any]

    def whole(self, logits: Array) -> Any:
        """Return what is asked for, composed for autodiff, for these logits."""
        batch = self.batch_of(logits, self.targets, **self.options)
        return reduce(self.losses(batch), batch, self.reduction)

    def without_rows(self) -> "Call":
        """Return the call without logits and targets: in a quarter of the time of `_replace`."""
        return Call(
            self.batch_of, self.formula, None, None, self.reduction, self.also, self.options
        )

    @property
    def arguments(self) -> Arguments:
        """Return what may be an array: logits, targets and options."""
        return {"logits": self.logits, "targets": self.targets, **self.options}

    def of(self, arguments: Arguments) -> Any:
        """Return what is asked for, of these `arguments`."""
        options = dict(arguments)
        logits, targets = options.pop("logits"), options.pop("targets")
        return self._replace(targets=targets, options=options).whole(logits)

    @property
    def form(self) -> OfLabels | Sloped | None:
        """Return the form of the formula for small batches, if there is one."""
        form = self.formula
        if type(form) is Formula:
            return form.of_labels
        return form.sloped if type(form) is Block else None

    @property
    def numerics(self) -> Form | None:
        """Return what a library may have an operator for, if the formula is of such a kind."""
        if isinstance(self.formula, Block):
            return self.formula.sloped
        return self.formula.per_class if isinstance(self.formula, Formula) else None

    def losses(self, batch: Any) -> Array:
        """Return one loss per element or example of a checked batch."""
        if isinstance(self.formula, Block):
            return attached(self.formula, batch.logits, batch.positive, batch.negative)
        composed = self.formula.composed if isinstance(self.formula, Formula) else self.formula
        return composed(batch)

    @property
    def has_slope(self) -> bool:
        """Whether the formula has a form that gives its derivative too."""
        return isinstance(self.formula, Block)

    @property
    def masked(self) -> bool:
        """Whether elements may be left out."""
        return self.options["mask"] is not None or self.options["ignore_index"] is not None

    @property
    def over_classes(self) -> bool:
        """Whether the classes of an example belong together."""
        return "class_weight" in self.options

    @property
    def divisor(self) -> float:
        """What the mean divides by if that is known beforehand, else 0.

        The gradient of a block is then final, and need not be gone through again.
        """
        if self.reduction is not MEAN or self.masked:
            return 0.0
        size = float(prod(self.logits.shape))
        return size / self.logits.shape[self.options["axis"]] if self.over_classes else size
