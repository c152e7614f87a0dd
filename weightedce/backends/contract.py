"""What the core asks of an array library: one class. What it hands over is in `handed`.

The core calls these methods and never asks whether they are there. Each has a default in the terms
of the array API standard, which is right for a library that speaks it and has no derivatives. A
wing overrides a method where its library would be wrong without, or slower by a tenth or more in a
cell of the benchmark; the figure stands beside the method of the wing.
"""

from collections.abc import Callable, Sequence
from typing import Any

from weightedce.backends.adding import in_pieces
from weightedce.backends.handed import Array, Block, Form, Known, Operator, Part, Passes, Seen
from weightedce.backends.of_linear import OfLinear
from weightedce.backends.of_shards import OfShards

Namespace = Any  # a module that speaks the array API standard
Shape = tuple[Any, ...]  # integers; a size that a graph does not know yet is a 0-d array
Arguments = dict[str, Any]  # by name


class Backend(OfShards, OfLinear):
    """An array library, as the core sees it. One instance for each, ``backend`` in its wing."""

    namespace: Namespace
    name: str  # as errors call the library
    differentiates = False
    values_by_numpy = False  # an eager operation costs more than a small loss does in NumPy
    marks_in_sums = False  # what is no share becomes NaN as shares are added up: see `mass`

    # --- what is known of an array ---

    def shape(self, array: Array, /) -> Shape:
        """Return the shape; a size that is unknown while tracing is a 0-d integer array."""
        return tuple(array.shape)

    def fixed(self, array: Array, _: Shape, /) -> Array:
        """Return ``array``, made to fail when a graph runs if its shape is not the one given."""
        return array

    def device(self, _: Array, /) -> Any:
        """Return what to pass as ``device=`` to put a new array beside ``array``."""
        return None

    def read(self, flag: Array, /) -> bool | None:
        """Return a 0-d boolean array as a bool, or None if it cannot be read without waiting.

        So it is while tracing, in a graph, in a lazy library and on an accelerator.
        """
        return bool(flag)

    def extremes(self, array: Array, /) -> tuple[Any, Any] | None:
        """Return the least and the greatest element, or None if they cannot be read.

        NaN if there is one. The array is not empty.
        """
        xp, array = self.namespace, self.detach(array)
        least = xp.min(array)
        return None if self.read(least == least) is None else (float(least), float(xp.max(array)))

    def to_host(self, _: Array, /) -> Any | None:
        """Return a constant as a NumPy array, or None.

        So it is where it cannot be read without waiting, or somebody may want its gradient.
        """
        return None

    def sees_numpy(self) -> bool:
        """Tell whether arrays of NumPy hold numbers now; not where a compiler stands in for it."""
        return True

    def constant(self, values: Any, like: Array, /) -> Array:
        """Return a NumPy array, or where it is not seen numbers in lists, beside ``like``."""
        if not values.dtype.isnative:
            values = values.astype(values.dtype.newbyteorder("="))
        return self.namespace.asarray(values, device=self.device(like))

    def detach(self, array: Array, /) -> Array:
        """Return ``array`` as a constant: same value, no derivative."""
        return array

    # --- labels ---

    def look_up(self, weight: Array, labels: Array, /) -> Array:
        """Return ``weight[label]``, of (K,) a number, of (K, K) a row, for labels in 0..K-1."""
        xp = self.namespace
        flat = xp.take(weight, xp.reshape(labels, (-1,)), axis=0)
        return xp.reshape(flat, (*self.shape(labels), *weight.shape[1:]))

    def one_hot(self, labels: Array, logits: Array, axis: int, on: float, off: float, /) -> Array:
        """Return an array like the logits, ``on`` for the class of each label, else ``off``."""
        xp, device = self.namespace, self.device(logits)
        ones = tuple(-1 if i == axis else 1 for i in range(len(logits.shape)))
        classes = xp.reshape(xp.arange(logits.shape[axis], device=device), ones)
        hit = xp.expand_dims(labels, axis=axis) == classes
        return xp.where(hit, xp.asarray(on, dtype=logits.dtype, device=device), off)

    def bincount(self, labels: Array, size: int, /) -> Array:
        """Count 0..size-1 in a vector of integers in 0..size, of which the last is left out."""
        xp = self.namespace
        index, ordered = xp.arange(size, device=self.device(labels)), xp.sort(labels)
        end = xp.searchsorted(ordered, index, side="right")
        return end - xp.searchsorted(ordered, index, side="left")

    def labels_in_memory(self, _: Array, /) -> Any | None:
        """Return labels as NumPy's, in their memory, if they are best counted there, or None."""
        return None

    # --- arithmetic that a library may do in fewer passes ---

    def ratio(self, numerator: Array, denominator: Array, /) -> Array:
        """Return the quotient, with value and derivative 0 where the denominator is 0."""
        xp = self.namespace
        nothing = denominator == 0
        if self.read(xp.any(nothing)) is False:
            return numerator / denominator
        return xp.where(nothing, 0.0, numerator / xp.where(nothing, 1.0, denominator))

    def product(self, weight: Array, loss: Array, /) -> Array:
        """Return ``weight * loss`` with 0 * inf = 0, inside a sloped form: not for autodiff.

        A wing that looks at the sum of a sloped form afterwards may leave NaN there.
        """
        return self.namespace.where(weight == 0.0, 0.0, weight * loss)

    def sides(self, logits: Array, /) -> tuple[Array, Array, Array, Array]:
        """Return p, 1 - p, and -log of both, for p = sigmoid(z): not for autodiff.

        Without ``where``, which in NumPy takes six times as long as an exponential.
        """
        xp = self.namespace
        fading, side = xp.exp(-xp.abs(logits)), xp.sign(logits)
        whole, zero, tail = 1.0 + fading, xp.zeros_like(logits), xp.log1p(fading)
        p, rest = xp.maximum(fading, side) / whole, xp.maximum(fading, -side) / whole
        return p, rest, xp.maximum(-logits, zero) + tail, xp.maximum(logits, zero) + tail

    def chances(
        self, composed: Callable[[Array], tuple[Array, Array]], logits: Array, /
    ) -> tuple[Array, Array]:
        """Return p and 1 - p for p = sigmoid(z), for autodiff: see `stable.chances`.

        With a derivative of its own a dice loss takes a seventh of the time in eager PyTorch.
        """
        return composed(logits)

    def sum(self, array: Array, /, axis: int | None = None, *, keepdims: bool = False) -> Array:
        """Return the sum over an axis or of all elements, off by what pairwise addition errs.

        Every sum that may be long is one of these: see `adding`. A library is trusted with what
        lies side by side, and with all elements.
        """
        if axis is None or axis % len(array.shape) == len(array.shape) - 1:
            return self.namespace.sum(array, axis=axis, keepdims=keepdims)
        return in_pieces(self.namespace, array, axis, keepdims)

    def count(self, flags: Array, dtype: Any, /) -> Array:
        """Return how many of the boolean flags are true, as a float: added up as integers."""
        xp = self.namespace
        return xp.astype(xp.sum(xp.astype(flags, xp.int32)), dtype)

    def sums(self, axis: int, arrays: Sequence[Array], /) -> Sequence[Array]:
        """Return the sum of each array over an axis, which stays, of size 1."""
        return [self.sum(x, axis, keepdims=True) for x in arrays]

    def cumulative_sum(self, array: Array, /) -> Array:
        """Return the sums of the first 1, 2, ... elements of a vector."""
        return self.namespace.cumulative_sum(array, axis=0)

    def spread(self, rows: Array, _: int, __: int, /) -> Array:
        """Return one number a row for so many classes along an axis, or what stretches to them.

        To be overridden where autodiff would add up their derivatives one by one.
        """
        return rows

    def marked_outside(self, values: Array, low: float, high: float, mark: float, /) -> Array:
        """Return ``values``, and ``mark`` for those below ``low`` or above ``high``."""
        return self.namespace.where((values < low) | (values > high), mark, values)

    # --- batches of which each device has a part ---

    def across(self, sums: Array, devices: Any, _: str | None, /) -> Array:
        """Return the sums over the devices, in one collective.

        ``devices`` is what the library calls some of them by, or None; the last argument tells what
        is done to gradients afterwards, ``"mean"`` or ``"sum"``, or None: what the library does.
        """
        if devices is not None:
            raise TypeError(
                f"devices: expected None, since arrays of {self.name} are on one device, got "
                f"{devices!r:.80}"
            )
        return sums

    def adder(self, _: Any, /) -> Callable[[Array], Array] | None:
        """Return what adds up NumPy's integers over devices (None: all); None where are none."""
        return None

    # --- blocks with a derivative of their own ---

    def attach(self, block: Block, _: int | None, logits: Array, /, *factors: Array) -> Array:
        """Return the value of a block, with its slope for a derivative where that is enough.

        The value has an element for each logit, or with an axis for all that lie along it. A
        derivative that the slope does not give is that of the composed form.
        """
        found: Array = block.composed(logits, *factors)
        return found

    def label_loss(
        self, composed: Callable[..., Array], logits: Array, labels: Array, axis: int, /
    ) -> Array:
        """Return ``logsumexp(z) - z_y``, what ``composed(logits, labels, axis)`` gives.

        A form of a wing is made of `softmax.shifted_exp` and `softmax.label_loss`.
        """
        found: Array = composed(logits, labels, axis)
        return found

    def as_program(self, of: Callable[[Arguments], Any], arguments: Arguments, /) -> Any:
        """Return ``of(arguments)``, a whole loss by its logits, targets and options.

        As one program, where a compiler is at hand that is not at work, and memory costs most.
        """
        return of(arguments)

    # --- batches of which the steps count, not the bytes ---

    def views(
        self, _: Array, __: Array, ___: dict[str, Any], ____: Sequence[Any], /
    ) -> Seen | None:
        """Return logits, targets, options and further arguments as NumPy's, in their memory.

        None where the batch is a large one, where somebody looks through the operations (compilers,
        transforms of functions), on an accelerator, and where other arguments than the logits want
        a gradient.
        """
        return None

    def passes(self, _: int, /) -> Passes | None:
        """Return who goes through so many logits faster than NumPy."""
        return None

    def of_host(self, value: Array, _: Array, /) -> Array:
        """Return NumPy's value as an array of the library, where those made of the logits go."""
        return value

    def with_slope(self, value: Array, slope: Array, known: Known, held: Sequence[Any], /) -> Array:
        """Return NumPy's value as an array whose derivative to the logits is NumPy's slope.

        ``held`` is what `views` gave; the slope may be written to. Only called where they tell that
        a derivative is wanted.
        """
        raise NotImplementedError

    # --- a whole loss as one operator ---

    def takes_operators(self, _: Array, /) -> bool:
        """Tell whether an array is where operators pay: asked of every call, so it is quick."""
        return False

    def operator(
        self, _: str, __: Form, ___: Array, ____: Sequence[Any], _____: bool, /
    ) -> Operator | None:
        """Return what computes a loss and its derivative in as few passes as there can be.

        Of ``"labels"``, a ``"mass"`` of classes or ``"elements"``; of the numerics of the loss, its
        logits, its other arguments, and whether the logits are `Moved` first, with numbers of
        float64. Only called where `takes_operators` tells that it pays.
        None where there is none, where somebody looks through the operations, and where other
        arguments than the logits want a gradient.
        """
        return None

    # --- batches that do not fit into the cache, logits that do not fit into memory ---

    def block_elements(self, _: Array, __: Sequence[Any], /) -> int:
        """Return how many logits to work on at a time, 0 where all of them have to be taken.

        So it is where somebody looks through the operations (compilers, transforms of
        functions), on an accelerator, and where other arguments than the logits want a gradient.
        """
        return 0

    def by_blocks(self, part: Part, rows: Sequence[Any], size: int, divisor: float, /) -> Any:
        """Return loss / divisor, weight and count of ``part`` over blocks of ``size`` rows.

        ``rows`` are the logits and what goes with them, row axis first; ``size`` 0 takes them all
        as one block. The losses of blocks are added, or put together where the part keeps them
        ``apart``. Only called where `block_elements` is not 0.
        """
        raise NotImplementedError
