"""What a call asks for: a loss as a formula of a batch, its arguments, a reduction."""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

from weightedce.backends import Array
from weightedce.backends.contract import Arguments
from weightedce.backends.handed import Block, Form, Sloped
from weightedce.call.at_once import Formula, How, Slope
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
    def has_form(self) -> bool:
        """Whether the formula has a form for small batches."""
        form = self.formula
        return isinstance(form, Block) or (isinstance(form, Formula) and form.at_once is not None)

    @property
    def form(self) -> Any:
        """Return the form of the formula for small batches, if there is one."""
        if isinstance(self.formula, Block):
            return partial(_of_elements, self.formula.sloped)
        return self.formula.at_once if isinstance(self.formula, Formula) else None

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


def _of_elements(sloped: Sloped, batch: Any, how: How, *_: Any) -> tuple[Array, Slope | None]:
    """Return a block of a small batch and its slope."""
    value, slope = how.passes.sloped(sloped, batch, how.slope)
    return value, None if slope is None else Slope(slope, 1.0)
