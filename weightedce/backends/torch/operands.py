"""PyTorch: what each operator gets, as torch's dispatcher hands it on: tensors, numbers, words."""

from collections.abc import Callable
from math import isnan
from typing import Any, NamedTuple

import torch

from weightedce.backends.handed import Array, Form, Given
from weightedce.numerics import asymmetric, stable

Value = tuple[Array, Array, list[Array]]  # loss, sums, what the gradient is made of


class Classes(NamedTuple):
    """Of ``mass_y f(-log p_y)`` for labels y, or ``sum_k mass_k (-log p_k)``.

    p is the softmax of ``scale_k * factor * softcap * tanh(z / softcap) + shift_k``.
    """

    logits: Array
    targets: Array
    class_weight: Array | None = None
    sample_weight: Array | None = None
    mask: Array | None = None
    scale: Array | None = None
    shift: Array | None = None  # (2, K): what float32 holds of it, and what is left
    margin: Array | None = None
    ignore: list[int] = []  # noqa: RUF012 - nobody writes to it
    axis: int = 1
    signed: bool = False
    apart: bool = False
    divisor: str = "one"
    weight: float = 1.0  # of all classes
    smoothing: float = 0.0
    of_target: bool = True
    skip_nan: bool = False  # NaN in a distribution removes its example
    form: str = "focused"  # f
    number: float = 0.0  # of f
    factor: float = 1.0
    by_label: bool = False  # the scale is that of the label
    softcap: float = 0.0  # 0: none
    z_loss: float = 0.0

    @property
    def moved(self) -> bool:
        """Tell whether there is more than the logits as they are, and -log p."""
        arrays = self.scale is not None or self.shift is not None or self.margin is not None
        return arrays or self.factor != 1.0 or self.softcap > 0.0 or self.z_loss > 0.0


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
    f"Tensor? scale, Tensor? shift, Tensor? margin, int[] ignore, {COMMON}, float weight, "
    "float smoothing, bool of_target, bool skip_nan, str form, float number, float factor, "
    "bool by_label, float softcap, float z_loss"
)
SCHEMAS = {
    "labels": OF_CLASSES,
    "mass": OF_CLASSES,
    "elements": "Tensor logits, Tensor targets, Tensor? pos_weight, Tensor? neg_weight, "
    f"Tensor? sample_weight, Tensor? mask, float[] ignore, {COMMON}, float pos, float neg, "
    "float smoothing, bool of_target, bool skip_nan, str block, float[] numbers",
}

# by the numerics of a loss: what a kernel calls them
FORMS: dict[Callable[..., Any], str] = {
    stable.focused: "focused",
    stable.poly: "poly",
    stable.behind: "behind",
    stable.generalized: "generalized",
}
BLOCKS: dict[Callable[..., Any], str] = {
    stable.softplus_with_slope: "softplus",
    stable.focal_with_slope: "focal",
    asymmetric.asymmetric_with_slope: "asymmetric",
}


def of_classes(given: Given, form: Form) -> Classes:
    """Return the arguments of ``labels`` and of ``mass``."""
    class_weight, weight = _split(given.weights[0])
    hard = given.targets.ndim < given.logits.ndim
    scale, by_label, shift, margin = given.moved
    scale, factor = _split(scale)
    number = next(iter(form.keywords.values()), 0.0)
    return Classes(
        given.logits, given.targets, class_weight, given.sample_weight, given.mask,
        _by_class(scale, given), None if shift is None else _pair(shift), _by_class(margin, given),
        [int(x) for x in given.ignore] if hard else [], given.axis, given.signed, given.apart,
        given.divisor, weight, given.smoothing, given.of_target, bool(given.ignore) and not hard,
        FORMS[form.func], number, factor, by_label,
    )  # fmt: skip


def of_elements(given: Given, form: Form) -> Elements:
    """Return the arguments of ``elements``."""
    (pos_weight, pos), (neg_weight, neg) = map(_split, given.weights)
    numbers = [float(x) for x in (*form.args, *form.keywords.values())]
    return Elements(
        given.logits, given.targets, pos_weight, neg_weight, given.sample_weight, given.mask,
        [float(x) for x in given.ignore if not isnan(x)], given.axis, given.signed, given.apart,
        given.divisor, pos, neg, given.smoothing, given.of_target, any(map(isnan, given.ignore)),
        BLOCKS[form.func], numbers,
    )  # fmt: skip


def _split(weight: Array | float) -> tuple[Array | None, float]:
    """Return a weight as an array, flat, and a number: one of them is no more than 1."""
    return (None, weight) if isinstance(weight, float) else (weight.reshape(-1), 1.0)


def _by_class(numbers: Array | None, given: Given) -> Array | None:
    """Return one number a class in float32."""
    classes = given.logits.shape[given.axis]
    return None if numbers is None else numbers.float().expand(classes).contiguous()


def _pair(shift: Array) -> Array:
    """Return numbers of float64 as two of float32, whose sum they are; nothing is left of inf."""
    high = shift.float()
    return torch.stack([high, (shift - high).float()])
