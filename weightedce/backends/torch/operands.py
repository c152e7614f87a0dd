"""PyTorch: what each operator gets, as torch's dispatcher hands it on: tensors, numbers, words."""

from math import isnan
from typing import NamedTuple

from weightedce.backends.handed import Array, Form, Given

Value = tuple[Array, Array, list[Array]]  # loss, sums, what the gradient is made of


class Labels(NamedTuple):
    """Of ``mass * (1 - p_y)^gamma (-log p_y)`` for labels y."""

    logits: Array
    targets: Array
    class_weight: Array | None
    sample_weight: Array | None
    mask: Array | None
    ignore: list[int]
    axis: int
    signed: bool
    apart: bool
    divisor: str
    weight: float  # of all classes
    gamma: float


class Mass(NamedTuple):
    """Of ``sum_k mass_k (-log p_k)`` for labels that are smoothed, or distributions."""

    logits: Array
    targets: Array
    class_weight: Array | None
    sample_weight: Array | None
    mask: Array | None
    ignore: list[int]
    axis: int
    signed: bool
    apart: bool
    divisor: str
    weight: float
    smoothing: float
    of_target: bool
    skip_nan: bool  # NaN in a distribution removes its example


class Elements(NamedTuple):
    """Of ``positive * f(z) + negative * g(z)``, both named by ``block``."""

    logits: Array
    targets: Array
    pos_weight: Array | None
    neg_weight: Array | None
    sample_weight: Array | None
    mask: Array | None
    ignore: list[float]
    axis: int
    signed: bool
    apart: bool
    divisor: str
    pos: float  # weights of all labels
    neg: float
    smoothing: float
    of_target: bool
    skip_nan: bool
    block: str
    numbers: list[float]  # of the block


COMMON = "int axis, bool signed, bool apart, str divisor"
OF_CLASSES = (
    "Tensor logits, Tensor targets, Tensor? class_weight, Tensor? sample_weight, Tensor? mask, "
    f"int[] ignore, {COMMON}, float weight"
)
SCHEMAS = {
    "labels": f"{OF_CLASSES}, float gamma",
    "mass": f"{OF_CLASSES}, float smoothing, bool of_target, bool skip_nan",
    "elements": "Tensor logits, Tensor targets, Tensor? pos_weight, Tensor? neg_weight, "
    f"Tensor? sample_weight, Tensor? mask, float[] ignore, {COMMON}, float pos, float neg, "
    "float smoothing, bool of_target, bool skip_nan, str block, float[] numbers",
}


def of_labels(given: Given, form: Form) -> Labels:
    """Return the arguments of ``labels``."""
    class_weight, weight = _split(given.weights[0])
    return Labels(
        given.logits, given.targets, class_weight, given.sample_weight, given.mask,
        [int(x) for x in given.ignore], given.axis, given.signed, given.apart, given.divisor,
        weight, form.keywords["gamma"],
    )  # fmt: skip


def of_mass(given: Given, _: Form) -> Mass:
    """Return the arguments of ``mass``."""
    class_weight, weight = _split(given.weights[0])
    hard = given.targets.ndim < given.logits.ndim
    return Mass(
        given.logits, given.targets, class_weight, given.sample_weight, given.mask,
        [int(x) for x in given.ignore] if hard else [], given.axis, given.signed, given.apart,
        given.divisor, weight, given.smoothing, given.of_target, bool(given.ignore) and not hard,
    )  # fmt: skip


def of_elements(block: str, given: Given, form: Form) -> Elements:
    """Return the arguments of ``elements``."""
    (pos_weight, pos), (neg_weight, neg) = map(_split, given.weights)
    numbers = [float(x) for x in (*form.args, *form.keywords.values())]
    return Elements(
        given.logits, given.targets, pos_weight, neg_weight, given.sample_weight, given.mask,
        [float(x) for x in given.ignore if not isnan(x)], given.axis, given.signed, given.apart,
        given.divisor, pos, neg, given.smoothing, given.of_target, any(map(isnan, given.ignore)),
        block, numbers,
    )  # fmt: skip


def _split(weight: Array | float) -> tuple[Array | None, float]:
    """Return a weight as an array, flat, and a number: one of them is no more than 1."""
    return (None, weight) if isinstance(weight, float) else (weight.reshape(-1), 1.0)
