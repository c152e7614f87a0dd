"""The operator of labels in some ten passes over the logits, with one array of their size kept.

It is `softmax.label_loss` of rows. The exponentials of the value are those of the gradient.
"""

from typing import Any

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.operands import Classes, Value
from weightedce.backends.torch.passes.blocks import gradient_over_classes
from weightedce.backends.torch.passes.powers import powers_of
from weightedce.backends.torch.passes.rows import (
    labels_of,
    only,
    only_,
    reduced,
    sums_of,
    times,
    weights,
)
from weightedce.numerics import powers, softmax, stable


def labels(given: Classes) -> Value:
    """Return the loss of labels: see `operators.library`."""
    axis, z = given.axis, given.logits
    y, keep, mass = _mass_of_labels(given)
    array, _, highest, top, at_top, factor = powers_of(z, axis)
    # those of the label and of a maximum of +inf are put there, not found by a pass
    places = torch.cat([y, top], axis)
    own = torch.cat([torch.zeros_like(at_top), torch.where(top == y, 0.0, at_top)], axis)
    others = array.scatter_(axis, places, own).sum(axis, keepdim=True)
    logit = z.gather(axis, y).float()
    found = softmax.label_loss(logit, highest, others * factor)
    loss, rate = _formed(given, found, logit, highest)
    loss = only(keep, times(mass, loss))
    rows = [array, factor * found.scale, found.at_label, only(keep, mass * rate)]
    sums = sums_of(mass, keep, loss)
    return reduced(given, loss, sums), sums, rows


def labels_slope(upstream: Array, sums: Array, rows: list[Array], given: Classes) -> Array:
    """Return the gradient of the same."""
    return gradient_over_classes(_slope, given, upstream, sums, rows)


def _slope(given: Classes, scale: Array, rows: list[Array]) -> Array:
    """Return the gradient of a block."""
    array, factor, at_label, rate = rows
    y, keep, _ = labels_of(given)
    rate = rate * scale
    # in two steps: a power may be next to underflow, and so may both of what it lacks
    slope = torch.mul(array, factor).mul_(rate).scatter_(given.axis, y, at_label * rate)
    return only_(keep, slope)


def _formed(
    given: Classes, found: softmax.LabelLoss, logit: Array, highest: Array
) -> tuple[Array, Any]:
    """Return `stable.focused`, `poly` or `generalized` of a loss, and its derivative to it.

    As `at_once.focused_odds` and `at_once.poly_odds`.
    """
    gamma = number = given.number
    if number == 0.0:
        return found.loss, 1.0
    complement, p = -found.at_label, torch.exp(-found.loss)
    if given.form == "generalized":
        raised = powers.power(highest, logit, -torch.log(found.scale), number)
        small = number * found.loss < 0.5
        value = torch.where(small, stable.generalized(found.loss, number), (1.0 - raised) / number)
        return value, raised
    if given.form == "poly":
        return found.loss + number * complement, 1.0 + number * p
    factor = complement**gamma
    ratio = torch.where(p == 0.0, 0.0, p * found.loss) / complement
    rate = factor * (1.0 + gamma * torch.where(complement == 0.0, 1.0, ratio))
    return factor * found.loss, rate


def _mass_of_labels(given: Classes) -> tuple[Array, Array | None, Array]:
    """Return labels, which are kept (None: all) and their mass, the axis of the classes left.

    The mass is NaN for a label that is no class.
    """
    y, keep, mass = labels_of(given)
    if given.class_weight is not None:
        weight = weights(given.class_weight, given.signed)
        mass = mass * (weight if weight.numel() == 1 else weight[y])
    return y, keep, mass
