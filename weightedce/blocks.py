"""The softmax cross-entropy of a block of logits that somebody else forms and throws away.

`linear_cross_entropy` never holds all logits: it goes by blocks of rows, and forms the gradient to
the logits of a block while it has them. So this room has the loss twice: as the other losses have
it, for autodiff and higher derivatives, and together with its first derivative.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from weightedce import softmax, stable
from weightedce.backends import Array, backend_of
from weightedce.batch import ClassBatch, class_batch
from weightedce.reductions import LossTotal, reduce
from weightedce.softmax import LabelLoss

ELEMENTS = 3 * 2**22  # logits in a block, where a library does not say: 98 rows of 128,000

Rows = Sequence[Any]  # targets, sample weight, mask or None
Shared = Sequence[Any]  # class weight or None


@dataclass(frozen=True)
class Head:
    """What is done to the logits of a block: numbers and words, no arrays."""

    label_smoothing: float
    smoothing_weight: str
    target_range: str
    z_loss: float
    softcap: float | None

    def losses(self, logits: Array, rows: Rows, shared: Shared) -> tuple[Array, ClassBatch]:
        """Return the loss of each row, as autodiff may differentiate it to any order."""
        b = self.batch(self.capped(logits), rows, shared)
        loss = softmax.weighted_log_softmax(b, b.logits)
        if self.z_loss:
            loss = loss + self.z_loss * stable.times(b.effective_weight(), _log_sum(b.logits) ** 2)
        return loss, b

    def total(self, logits: Array, rows: Rows, shared: Shared) -> LossTotal:
        """Return the sums of a block, for autodiff."""
        loss, b = self.losses(logits, rows, shared)
        total: LossTotal = reduce(loss, b, "total")
        return total

    def slope(self, logits: Array, rows: Rows, shared: Shared) -> tuple[Array, LossTotal, Array]:
        """Return the loss of each row, the sums, and the derivative to the logits."""
        capped = self.capped(logits)
        b = self.batch(capped, rows, shared)
        loss, slope = (self._label_slope if b.one_class else self._mass_slope)(b)
        if self.softcap is not None:
            slope = slope * (1.0 - (capped / self.softcap) ** 2)
        return loss, reduce(loss, b, "total"), slope

    def of_label(self, b: ClassBatch, logit: Array, highest: Array, others: Array) -> LabelLoss:
        """Return the loss and its derivative where one class has all the mass.

        The others are those of `softmax.label_loss`; where no class is possible they may be 0.
        """
        xp, weight = b.xp, b.label_mass
        others = xp.where(highest == -xp.inf, b.logits.shape[-1] - 1.0, others)
        found = softmax.label_loss(logit, highest, others)
        loss, factor, at_label = stable.times(weight, found.loss), weight, weight * found.at_label
        if self.z_loss:
            log_sum = highest - xp.log(found.scale)
            loss = loss + self.z_loss * stable.times(weight, log_sum**2)
            more = 2.0 * self.z_loss * weight * log_sum
            factor, at_label = factor + more, at_label + more * (1.0 + found.at_label)
        return LabelLoss(loss, factor * found.scale, at_label)

    def _label_slope(self, b: ClassBatch) -> tuple[Array, Array]:
        backend, xp, z = backend_of(b.logits), b.xp, b.logits
        classes = xp.arange(z.shape[-1], device=backend.device(z))
        hit = classes == xp.expand_dims(b.labels, axis=-1)
        highest = xp.max(z, axis=-1, keepdims=True)
        ratios = xp.where(hit, 0.0, xp.exp(xp.where(z == highest, 0.0, z - highest)))
        look = getattr(backend, "at_labels", None)
        logit = look(z, b.labels) if look else xp.sum(xp.where(hit, z, 0.0), axis=-1)
        others = xp.sum(ratios, axis=-1)
        found = self.of_label(b, logit, xp.squeeze(highest, axis=-1), others)
        at_label = xp.expand_dims(found.at_label, axis=-1)
        slope = xp.where(hit, at_label, ratios * xp.expand_dims(found.scale, axis=-1))
        return found.loss, slope

    def _mass_slope(self, b: ClassBatch) -> tuple[Array, Array]:
        """Return loss and derivative of any target."""
        xp, z, mass = b.xp, b.logits, b.mass
        sums = softmax.mass_sums(len(z.shape) - 1, z.shape[-1], z, mass)
        loss = sums.loss()
        more: Array | float = 0.0
        if self.z_loss:
            weight = xp.expand_dims(b.effective_weight(), axis=-1)
            log_sum = sums.highest + xp.log1p(sums.rest)
            loss = loss + self.z_loss * stable.times(weight, log_sum**2)
            more = 2.0 * self.z_loss * weight * log_sum
        return xp.squeeze(loss, axis=-1), sums.slope(mass, more)

    def capped(self, logits: Array) -> Array:
        """Return ``softcap * tanh(logits / softcap)``."""
        if self.softcap is None:
            return logits
        return self.softcap * backend_of(logits).namespace.tanh(logits / self.softcap)

    def batch(self, logits: Array, rows: Rows, shared: Shared) -> ClassBatch:
        """Return the factors of a block."""
        targets, sample_weight, mask = rows
        return class_batch(
            logits,
            targets,
            axis=-1,
            class_weight=shared[0],
            sample_weight=sample_weight,
            mask=mask,
            ignore_index=None,
            label_smoothing=self.label_smoothing,
            smoothing_weight=self.smoothing_weight,
            target_range=self.target_range,
        )


def _log_sum(logits: Array) -> Array:
    """Return logsumexp over the last axis."""
    backend = backend_of(logits)
    xp = backend.namespace
    highest = backend.detach(xp.max(logits, axis=-1, keepdims=True))
    shift = xp.where(stable.infinite(highest), 0.0, highest)
    return xp.squeeze(shift, axis=-1) + xp.log(xp.sum(xp.exp(logits - shift), axis=-1))


def total_by_blocks(
    head: Head, linear: Sequence[Any], rows: Rows, shared: Shared, size: int
) -> LossTotal:
    """Return the sums over the logits that ``linear`` (hidden, weight, bias) make.

    A backend with derivatives offers this as ``linear_by_blocks``, and the next one as
    ``linear_rows``: how a library differentiates what it has thrown away is its own affair.
    """
    own = getattr(backend_of(linear[0]), "linear_by_blocks", None)
    if own is not None:
        return LossTotal(*own(head, linear, rows, shared, size))
    blocks = [head.total(z, part, shared) for z, part in _blocks(linear, rows, size)]
    return LossTotal(*(sum(column[1:], start=column[0]) for column in zip(*blocks, strict=True)))


def losses_by_blocks(
    head: Head, linear: Sequence[Any], rows: Rows, shared: Shared, size: int
) -> Array:
    """Return the loss of each row."""
    backend = backend_of(linear[0])
    own = getattr(backend, "linear_rows", None)
    if own is not None:
        found: Array = own(head, linear, rows, shared, size)
        return found
    blocks = [head.losses(z, part, shared)[0] for z, part in _blocks(linear, rows, size)]
    return backend.namespace.concat(blocks)


def _blocks(linear: Sequence[Any], rows: Rows, size: int) -> Iterator[tuple[Array, Rows]]:
    """Yield the logits of each block, and what belongs to its rows."""
    hidden, weight, bias = linear
    count = int(hidden.shape[0])
    for start in range(0, max(count, 1), size):
        block = slice(start, min(start + size, count)), ...
        logits = hidden[block] @ weight.T
        part = [x if x is None else x[block] for x in rows]
        yield (logits if bias is None else logits + bias), part
