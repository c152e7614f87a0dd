"""The softmax cross-entropy of a block of logits that somebody else forms and throws away.

`linear_cross_entropy` never holds all logits: it goes by blocks of rows, and forms the gradient to
the logits of a block while it has them. So this room has the loss twice: as the other losses have
it, for autodiff and higher derivatives, and together with its first derivative.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.call.class_batch import ClassBatch, class_batch
from weightedce.call.over_classes import weighted_log_softmax
from weightedce.call.reductions import TOTAL, LossTotal
from weightedce.numerics import softmax, stable
from weightedce.numerics.mass import MassSums, mass_sums, mass_terms
from weightedce.numerics.softmax import LabelLoss

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
    devices: Any = None  # that the other classes are on; None: there are none

    def losses(self, logits: Array, rows: Rows, shared: Shared) -> Array:
        """Return the loss of each row, as autodiff may differentiate it to any order."""
        return self._of_batch(self.batch(self._bent(logits), rows, shared))

    def total(self, logits: Array, rows: Rows, shared: Shared) -> LossTotal:
        """Return the sums of a block, for autodiff."""
        b = self.batch(self._bent(logits), rows, shared)
        return self.sums(self._of_batch(b), b)

    def _of_batch(self, b: ClassBatch) -> Array:
        loss = weighted_log_softmax(b, b.logits)
        if self.z_loss:
            loss = loss + self.z_loss * stable.times(b.effective_weight(), _log_sum(b) ** 2)
        return loss

    def sums(self, loss: Array, b: ClassBatch) -> LossTotal:
        """Return the sums from the loss of each row."""
        return TOTAL.sums(loss, b)

    def labels_alone(self, logits: Array, targets: Array) -> bool:
        """Tell whether each row has one class with mass: `of_label` is for these, `slope` not."""
        return len(targets.shape) < len(logits.shape) and not self.label_smoothing

    def slope(self, logits: Array, rows: Rows, shared: Shared) -> tuple[Array, LossTotal, Array]:
        """Return the loss of each row, the sums, and the derivative to the logits."""
        b = self.batch(self.capped(logits), rows, shared)
        xp, z, mass = b.xp, b.logits, b.mass
        sums = mass_sums(len(z.shape) - 1, z.shape[-1], z, mass) if b.shards is None else _over(b)
        loss = sums.loss()
        more: Array | float = 0.0
        if self.z_loss:
            weight = xp.expand_dims(b.effective_weight(), axis=-1)
            log_sum = sums.highest + xp.log1p(sums.rest)
            loss = loss + self.z_loss * stable.times(weight, log_sum**2)
            more = 2.0 * self.z_loss * weight * log_sum
        loss, slope = xp.squeeze(loss, axis=-1), sums.slope(mass, more)
        cap_slope = self.cap_slope(logits)
        return loss, self.sums(loss, b), slope if cap_slope is None else slope * cap_slope

    def of_label(self, b: ClassBatch, logit: Array, highest: Array, others: Array) -> LabelLoss:
        """Return the loss and its derivative where one class has all the mass.

        The others are those of `softmax.label_loss`; where no class is possible they may be 0.
        """
        xp, weight = b.xp, b.label_mass
        others = xp.where(highest < -xp.finfo(highest.dtype).max, b.shape[-1] - 1.0, others)
        found = softmax.label_loss(logit, highest, others)
        loss, factor, at_label = stable.times(weight, found.loss), weight, weight * found.at_label
        if self.z_loss:
            log_sum = highest - xp.log(found.scale)
            loss = loss + self.z_loss * stable.times(weight, log_sum**2)
            more = 2.0 * self.z_loss * weight * log_sum
            factor, at_label = factor + more, at_label + more * (1.0 + found.at_label)
        return LabelLoss(loss, factor * found.scale, at_label)

    def capped(self, logits: Array) -> Array:
        """Return ``softcap * tanh(logits / softcap)``: not for autodiff."""
        if self.softcap is None:
            return logits
        return self.softcap * backend_of(logits).namespace.tanh(logits / self.softcap)

    def cap_slope(self, logits: Array) -> Array | None:
        """Return the derivative of the capped logits to the logits; None: there is no cap.

        Not 1 - tanh(z / cap)**2: in float32 that is 2e-4 off at 5 caps and 0 from 9 on.
        """
        if self.softcap is None:
            return None
        xp = backend_of(logits).namespace
        t = xp.exp(xp.abs(logits) * (-2.0 / self.softcap))
        return 4.0 * t / (1.0 + t) ** 2

    def _bent(self, logits: Array) -> Array:
        """Return the capped logits as autodiff may differentiate them.

        Libraries differentiate tanh as 1 - tanh**2. Away from 0 it is 1 - 2 t / (1 + t) with
        t = exp(-2 |z| / cap), all of whose derivatives are products with t.
        """
        if self.softcap is None:
            return logits
        xp = backend_of(logits).namespace
        x = logits / self.softcap
        above, near = x > 0.0, xp.abs(x) < 0.5
        t = xp.exp(-2.0 * xp.where(near, 0.5, xp.where(above, x, -x)))
        far = 1.0 - 2.0 * t / (1.0 + t)
        return self.softcap * xp.where(
            near, xp.tanh(xp.where(near, x, 0.0)), xp.where(above, far, -far)
        )

    def batch(self, logits: Array, rows: Rows, shared: Shared) -> ClassBatch:
        """Return the factors of a block."""
        targets, sample_weight, mask = rows
        shards = None
        if self.devices is not None:
            shards = backend_of(logits).shards(self.devices, logits, len(logits.shape) - 1, 0)
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
            shards=shards,
        )


def _log_sum(b: ClassBatch) -> Array:
    """Return logsumexp over the last axis."""
    backend, logits = backend_of(b.logits), b.logits
    xp = backend.namespace
    highest = _highest(b)
    shift = xp.where(stable.infinite(highest), 0.0, highest)
    whole = backend.sum(xp.exp(logits - shift), -1)
    whole = whole if b.shards is None else b.shards.sum(whole)
    return xp.squeeze(shift, axis=-1) + xp.log(whole)


def _highest(b: ClassBatch) -> Array:
    """Return the maximum of each row, a constant, over all devices."""
    backend = backend_of(b.logits)
    xp, shards = backend.namespace, b.shards
    if shards is not None and shards.highest is not None:
        return xp.expand_dims(shards.highest, axis=-1)
    highest = backend.detach(xp.max(b.logits, axis=-1, keepdims=True))
    return highest if shards is None else shards.max(highest)


def _over(b: ClassBatch) -> MassSums:
    """Return the sums over the classes of all devices."""
    backend, shards = backend_of(b.logits), b.shards
    if shards is None:
        raise AssertionError
    mass = b.mass
    terms = mass_terms(shards.classes, b.logits, mass, _highest(b))
    found = backend.sums(len(b.logits.shape) - 1, terms.arrays)
    total = shards.sum(backend.namespace.stack(list(found)))
    sums = terms.summed(*(total[i, ...] for i in range(len(found))))
    b.keep_whole(backend.namespace.squeeze(sums.whole, axis=-1))
    return sums
