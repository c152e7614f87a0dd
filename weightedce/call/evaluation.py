"""The way of one call: a batch, a formula, a reduction.

A loss is a formula of a checked batch. Six ways lead to its number, and `way_of` alone says
which one a call takes:

- ``WHOLE``: the formula as the library composes it, for autodiff of whatever kind; in a graph for
  a GPU as a program of its compiler.
- by blocks of rows: on a large batch each step of a formula would go through main memory, and a
  processor computes faster than it reads. Where the rows have nothing to do with each other, they
  are taken some at a time, so that a block stays in the cache; the sums are added, or for
  ``"none"`` the losses put in place, and the gradient is formed along with them.
- ``ONE_BLOCK``: all rows in the same manner, as one operator with its derivative, which leaves
  nothing for autodiff to record.
- ``AT_ONCE``: a small batch by NumPy, in whatever library's memory, after one look: see `small`.
  What it finds out of the ordinary goes one of the other ways; a value of JAX's goes NumPy's.
- ``AS_OPERATOR``: where a library has an operator for the whole loss, on an accelerator: see
  `on_device`.
- ``OVER_MESH``: where the logits lie on several devices and say so themselves.
"""

from collections.abc import Callable, Sequence
from math import prod
from numbers import Real
from typing import Any, NamedTuple

from weightedce.backends import Array, Backend
from weightedce.backends.handed import Block, Factors, Seen, Sloped
from weightedce.call import arguments, dtypes
from weightedce.call.asked import BatchOf, Call, Composed
from weightedce.call.at_once import Formula
from weightedce.call.collated import targets_beside
from weightedce.call.on_device import on_device, reduced_on_device
from weightedce.call.over_mesh import over_mesh
from weightedce.call.over_shards import over_shards
from weightedce.call.reductions import SUM, TOTAL, LossTotal, Reduction, reduction_of
from weightedce.call.small import made_of_host, on_host, reduced_at_once, views_of

OVER_MESH = -4
AS_OPERATOR = -3
AT_ONCE = -2  # a way is the number of rows in a block, or one of these
WHOLE = -1
ONE_BLOCK = 0
BY_ROW = ("sample_weight", "mask")


def evaluate(
    batch_of: BatchOf,
    formula: Composed | Formula | Block,
    logits: Array,
    targets: Any,
    reduction: str,
    *,
    also: Sequence[Any] = (),
    shards: Any = None,
    **options: Any,
) -> Any:
    """Return the reduced ``formula(batch_of(logits, targets, **options))``.

    A formula that is a `Block` is one of the logits and the two factors of a `BinaryBatch`.
    ``also`` are arguments that the formula holds: what it needs of the whole batch, and what may
    want a gradient. ``shards`` are the devices that the classes are on, if there are several.
    """
    backend = dtypes.wing("logits", logits)
    if shards is not None:
        dtypes.library("logits", logits)
        call = Call(batch_of, formula, logits, targets, TOTAL, also, options)
        return over_shards(call, backend, shards, reduction)
    asked = reduction_of(reduction)
    targets, options = laid(logits, targets, options)
    call = Call(batch_of, formula, logits, targets, asked, also, options)
    seen = views_of(call, backend)
    if seen is None:
        dtypes.library("logits", logits)
    way, given = way_of(call, backend, seen)
    if way == AT_ONCE:
        found = reduced_at_once(call, backend, given)
        if found is None and on_host(call, backend, given):
            z, y, held, also = given[:4]
            found = evaluate(batch_of, formula, z, y, reduction, also=also, **held)
            found = made_of_host(found, call, backend)
        if found is not None:
            return found
        way, given = way_of(call, backend, None)
    if way == OVER_MESH:
        return over_mesh(call, backend, given)
    if way == AS_OPERATOR:
        return reduced_on_device(call, backend, *given)
    if way != WHOLE:
        divisor = call.divisor
        part, rows = part_of(call, way, SUM if divisor else call.reduction)
        try:
            total = backend.by_blocks(part, rows, way, divisor or 1.0)
        except (TypeError, ValueError):
            if way == ONE_BLOCK:
                raise
            # the whole batch below says where in it the error is
        else:
            return part.reduction.finish(LossTotal(*total))
    return backend.as_program(call.of, call.arguments)


def _each_has_its_own(options: dict[str, Any]) -> bool:
    """Tell whether classes have smoothings of their own, or examples class weights of their own.

    So it is seldom: what is fast knows of one number, and of one weight a class.
    """
    weight = options.get("class_weight")
    several = weight is not None and len(getattr(weight, "shape", ())) > 1
    return several or arguments.is_vector(options["label_smoothing"])


def with_numbers(block: Block, *numbers: float | Array) -> Composed | Block:
    """Return a block; where numbers in it are traced, its composed form, for autodiff."""
    if all(isinstance(number, float) for number in numbers):
        return block
    return lambda batch: block.composed(batch.logits, batch.positive, batch.negative)


def laid(logits: Array, targets: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return what has an entry a row as arrays beside the logits: only these can be cut."""
    kind = type(logits)
    if type(targets) is kind and options["sample_weight"] is options["mask"] is None:
        return targets, options  # so it is most often
    others = [x for x in BY_ROW if options[x] is not None and type(options[x]) is not kind]
    if others or type(targets) is not kind:
        dtypes.library("logits", logits)
        targets = targets_beside(targets, logits)
        given = {x: arguments.beside(x, options[x], logits, None) for x in others}
        options = options | given
    return targets, options


def way_of(call: Call, backend: Backend, seen: Seen | None) -> tuple[int, Any]:
    """Return the way that a call takes, and what it is gone with if it is a special one.

    A special one, the rows in a block, `ONE_BLOCK` or `WHOLE`.
    """
    if seen is not None:  # so it is most often, where steps are short, and nothing else is asked
        return AT_ONCE, seen
    options = call.options
    layout = backend.layout(call.logits, options["axis"]) if call.over_classes else None
    if layout is not None:
        return OVER_MESH, layout
    if _each_has_its_own(options):
        return WHOLE, None
    operator = on_device(call, backend)
    if operator is not None:
        return AS_OPERATOR, operator
    return _rows_of(call, backend), None


def _rows_of(call: Call, backend: Backend) -> int:
    """Return the rows in a block, `ONE_BLOCK` or `WHOLE`."""
    others = (call.targets, *call.options.values(), *call.also)
    elements = backend.block_elements(call.logits, others)
    # what is masked has to be kept from an infinite gradient of its loss, which is 0: autodiff does
    each_needs_autodiff = call.reduction.apart and (call.masked or not call.has_slope)
    if not elements or each_needs_autodiff:
        return WHOLE
    if _is_large(call, elements) and _rows_are_independent(call):
        rows = int(call.logits.shape[0])
        return int(max(1, elements * rows // prod(call.logits.shape)))
    return ONE_BLOCK if call.has_slope else WHOLE


def _is_large(call: Call, elements: int) -> bool:
    """Tell whether there is more than one row, and more than a block of them."""
    shape = tuple(call.logits.shape)
    return prod(shape) > elements and bool(shape[0] > 1)


def _rows_are_independent(call: Call) -> bool:
    """Tell whether a block of rows has all that its losses are made of."""
    options, rank = call.options, len(call.logits.shape)
    if options["axis"] not in range(-rank, rank):
        return False  # an error, which the whole batch raises
    first = options["axis"] in (0, -rank)
    if call.over_classes:
        # the classes of an example stay together; labels have a block of their own in `softmax`
        labels = len(getattr(call.targets, "shape", ())) < rank and not options["label_smoothing"]
        whole = isinstance(options["class_weight"], str)  # weights that come from the batch
        apart = not first and not labels and not whole
    else:  # (L,) weights lie along the first axis of one row of labels
        weights = (options["pos_weight"], options["neg_weight"], *call.also)
        apart = not first or all(w is None or _single(w) for w in weights)
    return (
        apart
        and _by_rows(call.targets, call.logits)
        and all(
            x is None or _single(x) or _by_rows(x, call.logits)
            for x in (options["sample_weight"], options["mask"])
        )
    )


def _single(value: Any) -> bool:
    """Tell whether a weight is one number for all rows."""
    return isinstance(value, Real) or getattr(value, "shape", None) == ()


def _by_rows(value: Any, logits: Array) -> bool:
    """Tell whether an array has one entry, or more, for each row of the logits."""
    shape: Any = getattr(value, "shape", ())
    return len(shape) > 0 and shape[0] in logits.shape[:1]


def part_of(call: Call, way: int, reduction: Reduction) -> tuple["Part", list[Any]]:
    """Return the loss as a function of rows, and all the rows."""
    names: list[str] = []
    if way != ONE_BLOCK:
        names = [x for x in ("sample_weight", "mask") if _by_rows(call.options[x], call.logits)]
    rows = [call.logits, call.targets, *(call.options[name] for name in names)]
    sloped = call.formula.sloped if isinstance(call.formula, Block) else None
    held = tuple(call.options.values())
    return Part(call, names, reduction, sloped, reduction.apart, held), rows


class Part(NamedTuple):
    """The loss as a function of rows: logits, targets, and the options that are ``names``."""

    call: Call
    names: Sequence[str]
    reduction: Reduction
    sloped: Sloped | None  # the form of the formula that gives its derivative too, if there is one
    apart: bool  # the losses are not added up
    held: Sequence[Any]  # the further arguments that the loss is made of

    def sums(self, rows: Sequence[Any]) -> LossTotal:
        """Return the sums over the rows, for autodiff."""
        batch = self._batch(rows)
        return self.reduction.sums(self.call.losses(batch), batch)

    def with_slope(
        self,
        form: Callable[[Factors, bool], tuple[Array, Array | None]],
        rows: Sequence[Any],
        slope: bool,
    ) -> tuple[LossTotal, Array | None]:
        """Return the sums over the rows and the derivative of the loss to the logits.

        ``form`` is ``sloped`` in the way of a backend.
        """
        batch: Any = self._batch(rows)
        value, found = form(batch, slope)
        return self.reduction.sums(value, batch), found

    def _batch(self, rows: Sequence[Any]) -> Any:
        """Return the checked batch of the rows."""
        options = self.call.options
        if self.names:
            options = options | dict(zip(self.names, rows[2:], strict=True))
        return self.call.batch_of(rows[0], rows[1], **options)
