"""PyTorch: small batches on the CPU as NumPy sees them, and a gradient that is there already."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from weightedce.backends.handed import Array, Factors, Known, Passes, Seen, Sloped
from weightedce.backends.torch.blocks import NUMBERS
from weightedce.backends.torch.devices import takes_operators
from weightedce.backends.torch.modes import batched, watched
from weightedce.backends.torch.slope import MANY, of_batch
from weightedce.numerics.at_once import row_sums, scale
from weightedce.numerics.one_side import ONE_SIDED
from weightedce.numerics.stable import focal_with_slope, softplus_with_slope

FEW_LOGS = 2**9  # the same of logarithms, which NumPy takes one by one where AVX-512 is not
ONE_PASS = 2**17  # logits of one-sided targets: arithmetic by NumPy on one thread
MOST = 2**20  # logits; of more, blocks that stay in the cache are faster
FEW = 2**12  # logits that NumPy goes through faster than torch
# other classes of tensors have meanings of their own
PLAIN = frozenset((torch.Tensor, torch.nn.Parameter))


def views(
    logits: Array, targets: Array, options: dict[str, Any], also: Sequence[Any]
) -> Seen | None:
    """Return the arrays in NumPy's form, and whether the logits want a gradient."""
    if type(logits) not in PLAIN or type(targets) not in PLAIN or takes_operators(logits):
        return None
    if watched():
        return None
    recorded, own = torch.is_grad_enabled(), logits.requires_grad
    wanted, held, seen = recorded and own, [logits], options
    try:
        z = logits.numpy(force=True) if own else logits.numpy()
        if z.size > MOST:
            return None
        y = _view(targets, recorded, wanted, held)
        for name, x in options.items():
            if type(x) not in NUMBERS:
                seen = options.copy() if seen is options else seen
                seen[name] = _view(x, recorded, wanted, held)
        if also:
            also = [x if type(x) in NUMBERS else _view(x, recorded, wanted, held) for x in also]
    except (RuntimeError, TypeError):  # on an accelerator, sparse, of a dtype that NumPy has not
        return None
    return Seen(z, y, seen, also, wanted, held)


def _view(x: Any, recorded: bool, wanted: bool, held: list[Array]) -> Any:
    """Return a tensor in NumPy's form, and keep it in ``held``; anything else as it is."""
    if type(x) not in PLAIN:
        if isinstance(x, torch.Tensor):
            raise TypeError
        return x
    if wanted:
        if x.is_inference():  # which cannot be kept for backward
            raise TypeError
        held.append(x)
    if not x.requires_grad:
        return x.numpy()
    if recorded:
        raise TypeError
    return x.detach().numpy()


def of_host(value: Any, _: Array) -> Array:
    """Return NumPy's value as a tensor, in its memory."""
    return torch.from_numpy(np.asarray(value))


def with_slope(value: Any, slope: Any, known: Known, held: Sequence[Any]) -> Array:
    """Return a value of NumPy's as a tensor, whose derivative to the logits is known."""
    logits = held[0]
    found: Array = _apply((of_host(value, logits), slope, known, held), logits)
    return found


@dataclass
class _Tensors:
    """A checked batch of NumPy's arrays, as tensors: see `handed.Factors`."""

    logits: Array
    targets: Array
    positive: Array
    negative: Array
    hard: bool


class _Passes:
    """Torch's passes over the same memory, by its threads."""

    xp = np

    def exp(self, array: Array) -> Array:
        """Return the exponentials."""
        return np.exp(array) if array.size <= FEW else torch.from_numpy(array).exp().numpy()

    def log1p(self, array: Array) -> Array:
        """Return the logarithms of 1 + x."""
        if array.size <= FEW_LOGS:
            return np.log1p(array)
        return torch.from_numpy(array).log1p().numpy()

    def power(self, array: Array, exponent: float) -> Array:
        """Return the powers."""
        return torch.from_numpy(array).pow(exponent).numpy()

    def added(self, rows: Array) -> Array:
        """Return the sum of each row."""
        return row_sums(np, rows) if rows.size <= FEW else torch.from_numpy(rows).sum(1).numpy()

    def scale(self, array: Array, factor: Any) -> None:
        """Multiply an array by a factor, in its place."""
        if array.size <= FEW:
            scale(array, factor)
        else:
            torch.from_numpy(array).mul_(torch.from_numpy(np.asarray(factor, array.dtype)))

    def sloped(
        self, form: Sloped, batch: Factors, slope: bool, calm: bool
    ) -> tuple[Array, Array | None]:
        """Return a form of a block and its slope, in the fewest passes."""
        if calm and batch.hard and form.func in ONE_SIDED and batch.logits.size <= ONE_PASS:
            of = ONE_SIDED[form.func]
            return of(self, batch, slope, *form.args, **form.keywords)
        own = form.func is softplus_with_slope or (form.func is focal_with_slope and batch.hard)
        if not own and batch.logits.size <= MANY:
            # powers and logarithms are twice as fast by NumPy
            return form(batch.logits, batch.positive, batch.negative, slope)
        tensors = _Tensors(
            torch.from_numpy(batch.logits),
            torch.from_numpy(batch.targets),
            torch.from_numpy(batch.positive),
            torch.from_numpy(batch.negative),
            batch.hard,
        )
        value, found = of_batch(form, tensors, slope)
        return value.numpy(), None if found is None else found.numpy()


BY_TORCH = _Passes()


def passes(size: int) -> Passes | None:
    """Return who goes through so many logits faster than NumPy."""
    return None if size <= FEW_LOGS else BY_TORCH


class _Known(torch.autograd.Function):
    """A value with its derivative to the logits; a derivative of that comes of the natural way."""

    @staticmethod
    def forward(ctx: Any, given: tuple[Any, ...], _: Array) -> Array:
        loss, ctx.slope, ctx.known, tensors = given
        ctx.save_for_backward(*tensors)  # all: what is computed again must not have changed
        return loss

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[None, Array]:
        found, ctx.slope = ctx.slope, None  # handed out once, scaled in place
        if torch.is_grad_enabled() or batched(upstream):  # it is differentiated, or many
            return None, natural(ctx, upstream)
        if found is None:
            found = ctx.known.again(*ctx.saved_tensors[:2])
            if found is None:
                return None, natural(ctx, upstream)
        slope = torch.from_numpy(found)
        if upstream.ndim:
            slope.mul_(upstream if upstream.ndim == slope.ndim else upstream[:, None])
        elif upstream.item() != 1.0:
            slope.mul_(upstream)
        return None, slope


# without the look for transforms of functions, which `views` have had, in 2 us less
_apply = super(torch.autograd.Function, _Known).apply


def natural(ctx: Any, upstream: Array) -> Array:
    """Return the gradient as torch differentiates the composed form."""
    logits, targets, *_ = ctx.saved_tensors
    with torch.enable_grad():
        logits = logits.view_as(logits)
        loss = ctx.known.natural(logits, targets)
        return torch.autograd.grad(loss, logits, upstream, create_graph=True)[0]
