"""A whole loss as one operator: one look at its arguments, by which nothing is read or computed.

On an accelerator each step of a formula goes through main memory, and the processor must not wait
for what the device holds. So only shapes, dtypes and Python's numbers are looked at here, in the
order and with the errors of `class_batch` and `binary_batch`; the operator makes the factors of
the loss in the same pass as the loss. What is not as it most often is gets None, and is composed.
"""

from collections.abc import Callable
from numbers import Real
from typing import Any, NamedTuple

from weightedce.backends import Array, Backend
from weightedce.backends.handed import Given, Moved, Operator
from weightedce.call import arguments, dtypes, options
from weightedce.call.asked import Call
from weightedce.call.at_once import Formula
from weightedce.call.by_class import by_class
from weightedce.call.class_batch import ClassBatch, batch_of_classes
from weightedce.call.factors import one_a_class
from weightedce.call.ignored import ignored
from weightedce.call.reductions import MEAN, REDUCTIONS, TOTAL, LossTotal
from weightedce.call.small import Known
from weightedce.call.targets import labels_or_distribution
from weightedce.call.values import check_listed

Weight = Array | float


class OnDevice(NamedTuple):
    """An operator, and what it is called with."""

    operator: Operator
    given: Given


def on_device(call: Call, backend: Backend) -> OnDevice | None:
    """Return the operator for a call, or None."""
    form = call.numerics if backend.takes_operators(call.logits) else None
    if form is None:
        return None
    others = (call.targets, *call.options.values(), *call.also)
    of = _kind_of(call)
    operator = backend.operator(of, form, call.logits, others, _moves(call) is not None)
    if operator is None:
        return None
    look = _elements if of == "elements" else _classes
    given = look(call, backend)
    return None if given is None else OnDevice(operator, given)


def reduced_on_device(call: Call, backend: Backend, operator: Operator, given: Given) -> Any:
    """Return what is asked for."""
    # the large ones are kept by autograd alone, which lets them go
    known = Known(call.without_rows(), backend)
    total = LossTotal(*operator(given, known))
    return total if call.reduction is TOTAL else total.loss


def _kind_of(call: Call) -> str:
    """Return what a loss is made of: elements, labels, or a mass for each class."""
    if not call.over_classes:
        return "elements"
    smoothing = call.options["label_smoothing"]
    plain = isinstance(smoothing, Real) and smoothing == 0
    return "labels" if plain and not dtypes.is_floating(call.targets) else "mass"


def _classes(call: Call, backend: Backend) -> Given | None:
    """Return the arguments of a loss over classes, as `class_batch` checks them."""
    z, given = call.logits, call.options
    shape = backend.shape(z)
    axis = arguments.axis_of(shape, given["axis"])
    classes = arguments.class_count(shape, axis)
    ignore = ignored(given["ignore_index"], integer=True)
    options.smoothing_policy(given["smoothing_weight"])
    e = arguments.number("label_smoothing", given["label_smoothing"], z, 0, 1)
    signed = options.target_range(given.get("target_range", "unit")) == "any"
    targets, hard = labels_or_distribution(call.targets, shape, axis)
    loss_shape = shape[:axis] + shape[axis + 1 :]
    if hard:
        plain = dtypes.is_integer(targets)
        ignore = tuple(label for label in ignore if label == label)
    else:
        plain = _kind_of(call) == "mass" and all(label != label for label in ignore)
    if not plain or not isinstance(e, float) or not all(isinstance(x, Real) for x in ignore):
        return None
    weight = _weight(call, backend, "class_weight", classes, signed)
    if weight is None:
        return None
    if not isinstance(weight, float):
        arguments.along_axis("class_weight", weight, shape, axis)
    moved = _moved(call, backend, classes)
    if moved.by_label and not hard:  # an error, which the whole batch raises
        return None
    found = _given(call, targets, (weight,), loss_shape, ignore, axis, e, signed)
    return found._replace(moved=moved)


def _moved(call: Call, backend: Backend, classes: int) -> Moved:
    """Return how logits are moved before their softmax."""
    moves = _moves(call)
    if moves is None:
        return Moved()
    xp = backend.namespace
    like = xp.empty((classes,), dtype=xp.float64, device=backend.device(call.logits))
    return moves(batch_of_classes(like))


def _moves(call: Call) -> Callable[[ClassBatch], Moved] | None:
    """Return what tells how logits are moved before their softmax, if they are."""
    return call.formula.moved if isinstance(call.formula, Formula) else None


def _elements(call: Call, backend: Backend) -> Given | None:
    """Return the arguments of a binary loss, as `binary_batch` checks them."""
    z, given = call.logits, call.options
    shape = backend.shape(z)
    options.smoothing_policy(given["smoothing_weight"])
    e = arguments.number("label_smoothing", given["label_smoothing"], z, 0, 1)
    signed = options.target_range(given.get("target_range", "unit")) == "any"
    axis = arguments.axis_of(shape, given["axis"]) if shape else 0
    ignore = ignored(given["ignore_index"], integer=False)
    targets = arguments.same_shape("targets", call.targets, shape, lambda: " like the logits")
    if not isinstance(e, float) or not all(isinstance(x, Real) for x in ignore):
        return None
    weights = []
    for name in ("pos_weight", "neg_weight"):
        weight = _weight(call, backend, name, shape[axis] if shape else 1, signed)
        if weight is None:
            return None
        if not isinstance(weight, float):
            arguments.along_axis(name, weight, shape, axis)
        weights.append(weight)
    return _given(call, targets, tuple(weights), shape, ignore, axis, e, signed)


def _given(
    call: Call,
    targets: Array,
    weights: tuple[Weight, ...],
    shape: Any,
    ignore: tuple[Any, ...],
    axis: int,
    smoothing: float,
    signed: bool,
) -> Given:
    """Return the arguments, those of rows laid along the leading axes of a loss of ``shape``."""
    laid: dict[str, Any] = {}
    for name in ("mask", "sample_weight"):
        value = call.options[name]
        laid[name] = value if value is None else arguments.along_leading(name, value, shape)
    return Given(
        call.logits,
        targets,
        weights,
        ignore=ignore,
        axis=axis,
        smoothing=smoothing,
        of_target=call.options["smoothing_weight"] == "target",
        signed=signed,
        apart=call.reduction.apart,
        divisor=DIVISORS.get(call.reduction, "one"),
        **laid,
    )


DIVISORS = {MEAN: "count", REDUCTIONS["weighted_mean"]: "weight"}


def _weight(call: Call, backend: Backend, name: str, size: Any, signed: bool) -> Weight | None:
    """Return a weight along an axis: a number, or an array beside the logits."""
    value = call.options[name]
    if value is None:
        return 1.0
    if isinstance(value, str):  # weights that come from the batch
        return None
    if isinstance(value, Real):
        check_listed(name, value, signed)
        return float(value)
    if type(value) is type(call.logits) and not by_class(value):
        dtypes.library(name, value)
        return value
    z, kind = call.logits, dtypes.computed_in("logits", call.logits)
    xp = backend.namespace
    like = xp.empty((0,), dtype=kind, device=backend.device(z))  # of the dtype to compute in
    return one_a_class(name, value, like, size, signed=signed)
