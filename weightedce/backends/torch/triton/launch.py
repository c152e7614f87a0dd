"""The operators by kernels: how many programs, of how many rows and classes, with what memory."""

from contextlib import AbstractContextManager, nullcontext
from math import ceil, floor, log2, prod
from typing import Any, NamedTuple

import torch
import triton

from weightedce.backends.handed import Array
from weightedce.backends.torch.operands import Classes, Elements, Value
from weightedce.backends.torch.triton import elements as of_elements
from weightedce.backends.torch.triton import labels as of_labels
from weightedce.backends.torch.triton import mass as of_mass
from weightedce.backends.torch.triton.given import Bent, Rows, Sides, Tail
from weightedce.backends.torch.triton.rows import finish

FEW, MANY = 1024, 4096  # numbers that a program holds at a time
DIVISORS = {"one": 0, "count": 1, "weight": 2}  # as in `rows`
BLOCKS = {"softplus": 0, "focal": 1, "asymmetric": 2}  # as in `elements`
FORMS = {"focused": 0, "poly": 1, "behind": 2, "generalized": 3}  # as in `labels`
SUMS = 1024  # that `finish` adds at a time
FUSED = {"enable_fp_fusion": True}  # where a product is added it may be exact; Triton wants a word


def tried(device: torch.device) -> None:
    """Compile and run a kernel, the smallest; whatever fails there does so for the others too."""
    partial = torch.zeros((1, 3), device=device)
    with _device(partial):
        finish[(1,)](partial, partial[0], partial[0, 1:], 1, DIVISOR=0, BLOCK=SUMS, **FUSED)


class Tiles(NamedTuple):
    """How a loss over classes is cut into programs."""

    rows: int
    classes: int
    inner: int  # numbers between two classes of a row
    sizes: dict[str, int]  # rows and classes of a block, warps, `FUSED`

    @property
    def grid(self) -> tuple[int]:
        """Return the number of programs."""
        return (triton.cdiv(self.rows, self.sizes["ROWS"]),)


def tiles(logits: Array, axis: int) -> Tiles:
    """Return the programs; what lies side by side in memory is read by one of them."""
    classes, inner = logits.shape[axis], prod(logits.shape[axis + 1 :])
    most = MANY if classes > FEW and inner == 1 else FEW
    width = min(triton.next_power_of_2(classes), most if inner == 1 else 32)
    sizes = {"ROWS": most // width, "CLASSES": width, "num_warps": 4 if most == FEW else 8, **FUSED}
    return Tiles(logits.numel() // classes, classes, inner, sizes)


def kept(name: str, given: Any) -> list[Array]:
    """Return the places of what an operator keeps for the gradient: some numbers a row."""
    if name == "elements":
        return []
    rows = given.logits.numel() // given.logits.shape[given.axis]
    return [given.logits.new_empty((rows, _width(name, given)), dtype=torch.float32)]


def _width(name: str, given: Any) -> int:
    """Return how many numbers a kernel keeps of each row."""
    return {"labels": 3, "mass": 6}[name] + (given.shift is not None)


def labels(given: Classes) -> Value:
    """Return the loss of labels: see `operators.library`."""
    z = given.logits.contiguous()
    cut = tiles(z, given.axis)
    loss, partial, sums = _reduced(given, cut.grid[0])
    (numbers,) = kept("labels", given)
    root = _root(given)
    tail = Tail(given.number, root, given.margin, given.z_loss or None)
    with _device(z):
        of_labels.labels_kernel[cut.grid](
            z, _bent(given), _rows(given), tail, loss, partial, numbers, cut.rows, cut.classes,
            cut.inner, SIGNED=given.signed, APART=given.apart, FORM=FORMS[given.form],
            **_power(_exponent(given)), **_second(_exponent(given) * root), WIDTH=numbers.shape[1],
            **cut.sizes,
        )  # fmt: skip
        _finish(given, loss, partial, sums)
    return loss, sums, [numbers]


def labels_slope(
    upstream: Array, sums: Array, rows: list[Array], gradient: Array, given: Classes
) -> None:
    """Put the gradient of the same into its place."""
    z, (numbers,) = given.logits.contiguous(), rows
    cut = tiles(z, given.axis)
    with _device(z):
        of_labels.labels_slope_kernel[cut.grid](
            *_above(upstream), sums, numbers, z, _bent(given), given.targets.contiguous(),
            gradient, cut.rows, cut.classes, cut.inner, DIVISOR=DIVISORS[given.divisor],
            WIDTH=numbers.shape[1], **cut.sizes,
        )  # fmt: skip


def mass(given: Classes) -> Value:
    """Return the loss of smoothed labels or a distribution."""
    z = given.logits.contiguous()
    cut = tiles(z, given.axis)
    loss, partial, sums = _reduced(given, cut.grid[0])
    (numbers,) = kept("mass", given)
    with _device(z):
        of_mass.mass_kernel[cut.grid](
            z, _bent(given), _rows(given), 1.0 - given.smoothing, given.smoothing / cut.classes,
            given.z_loss or None, loss, partial, numbers, cut.rows, cut.classes, cut.inner,
            **_kind(given), SKIP_NAN=given.skip_nan, APART=given.apart, WIDTH=numbers.shape[1],
            **cut.sizes,
        )  # fmt: skip
        _finish(given, loss, partial, sums)
    return loss, sums, [numbers]


def mass_slope(
    upstream: Array, sums: Array, rows: list[Array], gradient: Array, given: Classes
) -> None:
    """Put the gradient of the same into its place."""
    z, (numbers,) = given.logits.contiguous(), rows
    cut = tiles(z, given.axis)
    with _device(z):
        of_mass.mass_slope_kernel[cut.grid](
            *_above(upstream), sums, numbers, z, _bent(given), _rows(given),
            1.0 - given.smoothing, gradient, cut.rows, cut.classes, cut.inner, **_kind(given),
            DIVISOR=DIVISORS[given.divisor], WIDTH=numbers.shape[1], **cut.sizes,
        )  # fmt: skip


def elements(given: Elements) -> Value:
    """Return the loss of elements."""
    z = given.logits.contiguous()
    grid = (triton.cdiv(z.numel(), FEW),)
    loss, partial, sums = _reduced(given, grid[0])
    with _device(z):
        of_elements.elements_kernel[grid](
            z, _sides(given), *_numbers(given), loss, partial, z.numel(), APART=given.apart,
            **_element_kind(given),
        )  # fmt: skip
        _finish(given, loss, partial, sums)
    return loss, sums, []


def elements_slope(
    upstream: Array, sums: Array, _: list[Array], gradient: Array, given: Elements
) -> None:
    """Put the gradient of the same into its place."""
    z = given.logits.contiguous()
    with _device(z):
        of_elements.elements_slope_kernel[(triton.cdiv(z.numel(), FEW),)](
            *_above(upstream), sums, z, _sides(given), *_numbers(given), gradient, z.numel(),
            DIVISOR=DIVISORS[given.divisor], **_element_kind(given),
        )  # fmt: skip


def _device(z: Array) -> AbstractContextManager[Any]:
    """Return what makes the device of an array the one that kernels go to."""
    if z.is_cpu:
        return nullcontext()
    found: AbstractContextManager[Any] = torch.get_device_module(z.device).device(z.device)
    return found


def _reduced(given: Classes | Elements, programs: int) -> tuple[Array, Array, Array]:
    """Return memory for the losses, the sums of each program, and the sums of all."""
    z, shape = given.logits, list(given.logits.shape)
    if not isinstance(given, Elements):
        del shape[given.axis]
    sizes = (shape if given.apart else (), (0 if given.apart else programs, 3), (2,))
    loss, partial, sums = (
        torch.empty(size, dtype=torch.float32, device=z.device) for size in sizes
    )
    return loss, partial, sums


def _finish(given: Classes | Elements, loss: Array, partial: Array, sums: Array) -> None:
    """Add up the sums of the programs."""
    if not given.apart:
        divisor = DIVISORS[given.divisor]
        finish[(1,)](partial, loss, sums, len(partial), DIVISOR=divisor, BLOCK=SUMS, **FUSED)


def _rows(given: Classes) -> Rows:
    """Return targets, weights and mask of a loss over classes; a weight of one class is for all."""
    shape = list(given.logits.shape)
    classes = shape.pop(given.axis)
    weight = given.class_weight
    step = 0 if weight is not None and weight.numel() == 1 != classes else 1
    laid = (*_laid(given.sample_weight, shape), *_laid(given.mask, shape))
    targets = given.targets.contiguous()
    return Rows(targets, _contiguous(weight), step, *laid, tuple(given.ignore), given.weight)


def _bent(given: Classes) -> Bent:
    """Return what is done to logits; None: nothing of the kind."""
    by_label = 1 if given.by_label else None
    factor = None if given.factor == 1.0 else given.factor
    return Bent(given.softcap or None, factor, given.scale, by_label, given.shift)


def _sides(given: Elements) -> Sides:
    """Return targets, weights and mask of a loss of elements."""
    shape = given.logits.shape
    pos, neg = given.pos_weight, given.neg_weight
    size = shape[given.axis] if shape else 1
    pos, neg = (x if x is None or x.numel() == size else x.expand(size) for x in (pos, neg))
    laid = (*_laid(given.sample_weight, shape), *_laid(given.mask, shape))
    return Sides(
        given.targets.contiguous(), _contiguous(pos), _contiguous(neg), size,
        prod(shape[given.axis + 1 :]), *laid, tuple(given.ignore), given.pos, given.neg,
        given.smoothing,
    )  # fmt: skip


def _numbers(given: Elements) -> tuple[float, float, float | None]:
    """Return the exponents of positives and negatives, and the clip; None: there is none."""
    if given.block == "asymmetric":
        gamma, gamma_negative, clip = given.numbers
        return gamma, gamma_negative, clip or None
    gamma = given.numbers[0] if given.numbers else 0.0
    return gamma, gamma, None


def _element_kind(given: Elements) -> dict[str, Any]:
    """Return what a kernel of elements is compiled for."""
    gamma, gamma_negative, _ = _numbers(given)
    return {
        "OF_TARGET": given.of_target,
        "SKIP_NAN": given.skip_nan,
        "SIGNED": given.signed,
        "BLOCK": BLOCKS[given.block],
        "ELEMENTS": FEW,
        **_power(gamma),
        **_second(gamma_negative),
        **FUSED,
    }


def _power(gamma: float) -> dict[str, Any]:
    """Return how a power is taken: see `arithmetic.power`; ``WHOLE`` -1: the exponent is 0."""
    whole = int(gamma) if gamma in (1.0, 2.0, 3.0, 4.0) else 0
    coarse = 0.0 if whole else floor(gamma * 2.0**11) / 2.0**11
    return {"COARSE": coarse, "WHOLE": -1 if gamma == 0.0 else whole}


def _second(gamma: float) -> dict[str, Any]:
    """Return the same for a second power."""
    return {f"{name}_2": number for name, number in _power(gamma).items()}


def _exponent(given: Classes) -> float:
    """Return the exponent of the power that a form of labels has; 0: it has none."""
    return given.number if given.form in ("focused", "generalized") else 0.0


def _root(given: Classes) -> float:
    """Return a power of two by which an exponent between 0 and 1 becomes one from 1 on."""
    return 2.0 ** ceil(-log2(given.number)) if given.form == "generalized" else 1.0


def _kind(given: Classes) -> dict[str, bool]:
    """Return what a kernel of masses is compiled for."""
    hard = given.targets.ndim < given.logits.ndim
    smoothed = given.smoothing > 0.0
    kind = {"HARD": hard, "SMOOTHED": smoothed, "OF_TARGET": given.of_target}
    return {**kind, "SIGNED": given.signed}


def _contiguous(array: Array | None) -> Array | None:
    return None if array is None else array.contiguous()


def _laid(array: Array | None, shape: Any) -> tuple[Array | None, int]:
    """Return an array along the leading axes of a shape, and for how many each number stands."""
    if array is None:
        return None, 1
    if array.numel() == 1:
        return array.reshape(1), max(prod(shape), 1)
    rank = max(i for i, size in enumerate(array.shape, 1) if size != 1)
    if array.shape[:rank] == tuple(shape[:rank]):
        return array.contiguous(), prod(shape[rank:])
    return array.expand(tuple(shape)).contiguous(), 1


def _above(upstream: Array) -> tuple[Array, int]:
    """Return what comes from above, and the step from one loss to the next: 0 where it is one."""
    if all(step == 0 for step in upstream.stride()):
        return upstream, 0
    return upstream.contiguous(), 1
