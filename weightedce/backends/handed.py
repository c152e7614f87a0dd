"""What the core hands over to a wing: a block, a checked batch, a loss of some rows, a head."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

Array = Any  # an array of whichever library the caller uses; no common base class exists

# Of logits, what they are multiplied with, and whether the slope is wanted, to the value and the
# slope, its derivative to the logits. A partial, so that a wing can tell by ``func`` what it has a
# form of its own for.
Sloped = partial[tuple[Array, Array | None]]


class MixedError(TypeError):
    """A jet is asked for more than its derivatives to the logit of its own place can say."""


class RowsError(TypeError):
    """A jet is asked for what rows have to do with each other, of which it knows nothing."""


class Block(NamedTuple):
    """A function of logits and factors in two forms of one meaning.

    ``composed(logits, *factors)`` is for autodiff of any order, right at every point.
    ``sloped(logits, *factors, slope)`` gives value and slope in few passes, for finite logits.
    """

    composed: Callable[..., Array]
    sloped: Sloped


class Factors(Protocol):
    """What a wing sees of a checked batch of a binary loss: arrays of the shape of the logits."""

    logits: Array
    targets: Array
    positive: Array
    negative: Array
    hard: bool  # all targets are seen to be 0 or 1, and none is smoothed


# What a block is called by, where a wing has an operator for it: see `Backend.operator`.
Form = partial[Any]


class Shards(NamedTuple):
    """What a device has to know of a softmax whose classes lie on several: see `Backend.shards`."""

    devices: Any  # what the library calls them by
    start: Any  # the first class that is here
    classes: int  # of all devices
    most: int  # of one of them
    highest: Array | None  # the greatest logit of each example on any device; None: to be asked for
    max: Callable[[Array], Array]  # over the devices, element by element
    sum: Callable[[Array], Array]  # the same
    here: Callable[[Array, int], Array]  # of all classes along an axis those of this device


class Layout(Protocol):
    """How logits lie on a mesh of devices that have their classes, and perhaps their rows."""

    @property
    def devices(self) -> Any:
        """Return those that the classes of my rows are on."""

    @property
    def rows(self) -> Sequence[int]:
        """Return the axes of the mesh that rows are on."""

    def part(self, name: str, array: Any, of_logits: bool | None) -> Any:
        """Return my part of what goes along with the logits, or the losses; None: all of it."""

    def own(self, logits: Array) -> Array:
        """Return my part of the logits."""

    def added(self, sums: Array) -> Array:
        """Return sums over the rows of all devices."""

    def joined(self, found: Array, apart: bool) -> Array:
        """Return a loss, or the losses of my rows, as an array on the mesh."""


class Moved(NamedTuple):
    """What is made of the logits of an example before their softmax: ``scale_k z_k + shift_k``."""

    scale: Array | float = 1.0
    by_label: bool = False  # the scale is that of the label
    shift: Array | None = None  # in float64; -inf for a class that does not occur
    margin: Array | None = None  # of a class, by which its logit is lower where it is the label


class Given(NamedTuple):
    """What an operator gets: the arguments of a loss, seen by their shapes alone.

    Weights, mask and targets are not checked: what is no weight or no target makes its loss NaN.
    """

    logits: Array
    targets: Array  # of the shape of the logits; labels, which have no axis of classes
    weights: tuple[Array | float, ...]  # by class; of positives and of negatives
    sample_weight: Array | None  # this and the mask lie along the leading axes of the loss
    mask: Array | None
    ignore: tuple[float, ...]  # targets; NaN: that, or for a distribution a row that has one
    axis: int  # of the classes or labels, counted from the front
    smoothing: float
    of_target: bool  # smoothed is what is weighted, not weighted what is smoothed
    signed: bool  # weights and targets may be any numbers
    apart: bool  # the losses are not added up
    divisor: str  # of their sum: "one", "count" or "weight"
    moved: Moved = Moved()


Operator = Callable[[Given, "Known"], tuple[Array, Array, Array]]  # to loss, weight and count


class Seen(NamedTuple):
    """A small batch as NumPy sees it, in the memory of the library: see `Backend.views`."""

    logits: Array
    targets: Array
    options: dict[str, Any]
    also: Sequence[Any]  # further arguments that the loss is made of
    wanted: bool  # the logits want a derivative
    held: Sequence[Array] = ()  # logits, targets and all others as they came, if it is wanted


class Passes(Protocol):
    """What goes through all logits of a small batch: NumPy's arrays, but not always by NumPy."""

    @property
    def xp(self) -> Any:
        """Return NumPy."""

    def exp(self, array: Array) -> Array:
        """Return the exponentials, as a new array; so do the next two."""

    def log1p(self, array: Array) -> Array:
        """Return the logarithms of 1 + x."""

    def power(self, array: Array, exponent: float) -> Array:
        """Return the powers of numbers in [0, 1]."""

    def added(self, rows: Array) -> Array:
        """Return the sum of each row."""

    def scale(self, array: Array, factor: Array | float) -> None:
        """Multiply a contiguous array by a factor, (N, 1) for one a row, in its place."""

    def sloped(
        self, form: Sloped, batch: Factors, slope: bool, calm: bool
    ) -> tuple[Array, Array | None]:
        """Return a form of a block and its slope; ``calm``: no exponential is out of range."""


class Known(Protocol):
    """What `with_slope` gets: how to come to the derivative of a loss to its logits once more."""

    def again(self, logits: Array, targets: Array) -> Array | None:
        """Return the derivative as NumPy has it, or None where that cannot be."""

    def natural(self, logits: Array, targets: Array) -> Array:
        """Return the loss of arrays of the library for autodiff, to any order."""


class Part(Protocol):
    """What `by_blocks` gets: the loss as a function of some rows; its options are in it."""

    @property
    def sloped(self) -> Sloped | None:
        """Return the loss by its logits and two factors, if there is such a form."""

    @property
    def apart(self) -> bool:
        """Whether the losses are kept as they are, not added up."""

    @property
    def held(self) -> Sequence[Any]:
        """Return the further arguments that the loss is made of."""

    def sums(self, rows: Sequence[Any]) -> tuple[Array, Array, Array]:
        """Return loss, weight and count of the rows, for autodiff."""

    def with_slope(
        self,
        form: Callable[[Factors, bool], tuple[Array, Array | None]],
        rows: Sequence[Any],
        slope: bool,
    ) -> tuple[tuple[Array, Array, Array], Array | None]:
        """Return the same, and the derivative of the loss, by ``form`` of the checked batch."""


class Head(Protocol):
    """What `linear_sums` gets: what is done to the logits of a block, numbers and words alone."""

    @property
    def devices(self) -> Any:
        """Return those that the other classes are on; None: there are none."""

    @property
    def label_smoothing(self) -> float:
        """How much of the targets is smoothed."""

    @property
    def smoothing_weight(self) -> str:
        """Whether ``"target"`` or ``"class"`` is smoothed."""

    @property
    def target_range(self) -> str:
        """``"any"``, or what may be looked at still."""

    @property
    def z_loss(self) -> float:
        """The strength of the square of the logarithm of the sum."""

    @property
    def softcap(self) -> float | None:
        """What the logits stay below; None: there is no cap."""

    def losses(self, logits: Array, rows: Any, shared: Any) -> Array:
        """Return the loss of each row, for autodiff."""

    def total(self, logits: Array, rows: Any, shared: Any) -> tuple[Array, Array, Array]:
        """Return loss, weight and count of a block, for autodiff."""

    def slope(self, logits: Array, rows: Any, shared: Any) -> tuple[Array, Any, Array]:
        """Return the loss of each row, the sums, and the derivative to the logits."""

    def labels_alone(self, logits: Array, targets: Array) -> bool:
        """Tell whether each row has one class with mass, so that the next methods apply."""

    def capped(self, logits: Array) -> Array:
        """Return the logits under the cap: not for autodiff."""

    def cap_slope(self, logits: Array) -> Array | None:
        """Return the derivative of the capped logits to the logits; None: there is no cap."""

    def batch(self, logits: Array, rows: Any, shared: Any) -> Any:
        """Return the checked batch of a block."""

    def of_label(self, batch: Any, logit: Array, highest: Array, others: Array) -> Any:
        """Return loss, scale and derivative at the label, as `softmax.label_loss`."""

    def sums(self, loss: Array, batch: Any) -> Any:
        """Return loss, weight and count from the loss of each row."""
