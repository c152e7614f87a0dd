"""PyTorch: the softmax block of a mass on each class, with classes on several processes.

By blocks of rows: what the loss is made of is added up in a first pass, goes over the devices, and
the gradient is formed from it in the backward pass.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from weightedce.backends.handed import Array, Shards
from weightedce.backends.torch.label_shards import top_of
from weightedce.backends.torch.labels import BLOCK
from weightedce.backends.torch.modes import batched
from weightedce.backends.torch.shards import GRADIENT, refuse_second
from weightedce.numerics import mass as numerics
from weightedce.numerics import stable
from weightedce.numerics.softmax import distance

Of = Callable[..., Array] | None


def mass_loss_of_shards(
    shards: Shards, of: Of, arrays: Sequence[Array], axis: int
) -> tuple[Array, Array | None]:
    """Return ``sum_k mass_k * of(logsumexp(z) - z_k)``, and for ``of`` None the sum of the mass."""
    recorded = torch.is_grad_enabled()
    others = arrays[1:] if of is None else (*arrays[1:], _one(of, arrays, axis))
    if recorded and any(x.requires_grad for x in others):
        raise NotImplementedError(f"shards: {GRADIENT}")
    logits, mass, *laid = arrays
    if mass.shape != logits.shape:
        mass = mass.expand_as(logits)
    shape = (*logits.shape[:axis], *logits.shape[axis + 1 :])
    rows, masses = (x.movedim(axis, -1).reshape(-1, x.shape[axis]) for x in (logits, mass))
    per_class = [x.reshape(1, -1) for x in laid]
    highest = shards.highest
    if highest is None:
        highest = shards.max(top_of(rows))
    given = shards, of, highest.reshape(-1, 1), per_class
    if recorded and rows.requires_grad:
        loss, whole = _Mass.apply(given, rows, masses)
    else:
        loss, whole = _formed(given, rows, masses)[:2]
    return loss.reshape(shape), whole.reshape(shape) if of is None else None


def _one(of: Any, arrays: Sequence[Array], axis: int) -> Array:
    """Return a loss of nothing that wants a gradient, but for what ``of`` holds."""
    return of(*(x.narrow(axis, 0, 1).reshape(-1)[:1].detach() for x in (arrays[0], *arrays[2:])))


def _formed(given: Any, rows: Array, masses: Array) -> tuple[Array, Array, Array]:
    """Return the loss, the sum of the mass, and what the slope needs: each with a number a row."""
    shards, of, highest, per_class = given
    classes = shards.classes
    parts = _blocks(rows, masses, highest)
    sums = list(shards.sum(_added(_terms(classes, of is None, *x) for x in parts)))
    sums += [torch.zeros_like(highest)] * (5 - len(sums))
    of_rows = numerics.mass_terms(classes, highest, highest, highest)  # for what they lack
    found = of_rows.summed(*sums)
    if of is None:
        loss = found.loss()
    else:
        parts = _blocks(rows, masses, highest, found.rest)
        loss, top, others = shards.sum(_added(_losses(of, per_class, *x) for x in parts))
        found = found._replace(whole=top + others, others=others)
    needed = torch.stack([found.ties, found.rest, found.whole, found.others])
    return loss, found.whole, needed


def _terms(classes: int, of_mass: bool, rows: Array, mass: Array, highest: Array) -> list[Array]:
    """Return the sums over the classes of some rows, or those alone that have no mass in them."""
    arrays = numerics.mass_terms(classes, rows, mass, highest).arrays
    return [x.sum(1, keepdim=True) for x in arrays[: 5 if of_mass else 2]]


def _losses(
    of: Any, per_class: Sequence[Array], rows: Array, mass: Array, highest: Array, rest: Array
) -> list[Array]:
    """Return the sums of the losses, and of their rates at the top and elsewhere."""
    loss, rate = _rate(of, per_class, rows, highest, rest)
    at_top = rows == highest
    rate = mass * rate
    parts = torch.where(at_top, rate, 0.0), torch.where(at_top, 0.0, rate)
    whole = stable.weighted_sum(mass, loss, 1)[:, None]
    return [whole, *(x.sum(1, keepdim=True) for x in parts)]


def _rate(
    of: Any, per_class: Sequence[Array], rows: Array, highest: Array, rest: Array
) -> tuple[Array, Array]:
    """Return ``of(-log p_k)`` and its derivative to -log p_k."""
    minus_log_p = distance(rows, highest) + torch.log1p(rest)
    with torch.enable_grad():
        minus_log_p = minus_log_p.requires_grad_()
        loss = of(minus_log_p, *per_class)
        rate = torch.autograd.grad(loss, minus_log_p, torch.ones_like(loss))[0]
    return loss.detach(), rate


def _added(parts: Iterator[list[Array]]) -> Array:
    """Return the sums of all blocks, one beside the other."""
    return torch.stack([torch.cat(column) for column in zip(*parts, strict=True)])


def _blocks(*arrays: Array) -> Iterator[list[Array]]:
    """Yield the rows of blocks that stay in the cache; one of none if there are none."""
    rows = arrays[0]
    size = max(1, BLOCK // 4 // rows.shape[1]) if rows.is_cpu else max(1, len(rows))
    for start in range(0, max(1, len(rows)), size):
        yield [x[start : start + size] for x in arrays]


class _Mass(torch.autograd.Function):
    """The loss of each row; its gradient to the classes that are here needs no other device."""

    @staticmethod
    def forward(ctx: Any, given: Any, rows: Array, masses: Array) -> tuple[Array, Array]:
        loss, whole, needed = _formed(given, rows.detach(), masses)
        ctx.given = given
        ctx.save_for_backward(rows, masses, needed)
        ctx.mark_non_differentiable(whole)
        return loss, whole

    @staticmethod
    def backward(ctx: Any, upstream: Array, _: Array) -> tuple[Any, ...]:
        rows, masses, needed = ctx.saved_tensors
        refuse_second(upstream)
        highest = ctx.given[2]
        if batched(upstream):  # many gradients at once, of which none can be put in its place
            return None, upstream * _slope(ctx.given, rows, masses, highest, *needed), None
        gradient = torch.empty_like(rows)
        for place, up, *block in _blocks(gradient, upstream, rows, masses, highest, *needed):
            torch.mul(_slope(ctx.given, *block), up, out=place)
        return None, gradient, None


def _slope(
    given: Any, rows: Array, mass: Array, highest: Array, ties: Array, rest: Array, *more: Array
) -> Array:
    """Return the derivative to the logits of some rows."""
    shards, of, _, per_class = given
    if of is not None:
        mass = mass * _rate(of, per_class, rows, highest, rest)[1]
    terms = numerics.mass_terms(shards.classes, rows, mass, highest)
    whole, others = more
    return numerics.MassSums(
        highest, ties, rest, rest, whole, others, terms.at_top, terms.arrays[0] * terms.factor
    ).slope(mass)
