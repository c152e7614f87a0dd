"""The operator of masses in passes: smoothed labels and distributions, one array of powers kept.

It is `mass.MassSums`, of whose top one place is taken, and ties are among the rest: the share of
smoothing is known for all classes of a row, and never an array of their size.
"""

from typing import NamedTuple

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.operands import Classes, Value
from weightedce.backends.torch.passes.blocks import gradient_over_classes
from weightedce.backends.torch.passes.powers import Powers, powers_of
from weightedce.backends.torch.passes.rows import (
    along,
    in_range,
    kept,
    labels_of,
    only,
    only_,
    reduced,
    sums_of,
    times,
    times_difference,
    weight_of_rows,
    weights,
)
from weightedce.numerics import softmax


class Masses(NamedTuple):
    """What a mass on each class comes to, one number a row; most with the place of the top."""

    weight: Array  # of the whole row, before it is smoothed
    whole: Array  # sum_k mass_k
    others: Array  # the same without the top
    at_top: Array
    behind: Array  # sum_k mass_k * (max z - z_k)


def mass(given: Classes) -> Value:
    """Return the loss of smoothed labels or of a distribution: see `operators.library`."""
    axis, powers = given.axis, powers_of(given.logits, given.axis)
    rest = powers.array.scatter_(axis, powers.top, 0.0).sum(axis, keepdim=True) * powers.factor
    rest = softmax.defined(rest, powers.highest)
    if _hard(given):
        y, keep, sample = labels_of(given)
        masses, own = _of_labels(given, y, powers)
    else:
        keep, sample = _rows_of(given)
        masses, own = _of_distribution(given, powers), None
    share = masses.whole / (1.0 + rest)
    # where the maximum has most of p, 1 - p is rest / (1 + rest)
    slope = torch.where(rest < 1.0, masses.others - share * rest, share - masses.at_top)
    places = powers.top
    if own is not None:
        of_label = torch.where(y == places, slope, share * own.power - own.mass)
        places, slope = torch.cat([y, places], axis), torch.cat([of_label, slope], axis)
    rows = [powers.array, places, slope, share * powers.factor, only(keep, sample)]
    loss = only(keep, times(sample, masses.behind + masses.whole * torch.log1p(rest)))
    sums = sums_of(sample * masses.weight, keep, loss)
    return reduced(given, loss, sums), sums, rows


def mass_slope(upstream: Array, sums: Array, rows: list[Array], given: Classes) -> Array:
    """Return the gradient of the same."""
    return gradient_over_classes(_slope, given, upstream, sums, rows)


def _slope(given: Classes, scale: Array, rows: list[Array]) -> Array:
    """Return the gradient of a block."""
    powers, places, at_places, share, rate = rows
    rate = rate * scale
    slope = torch.mul(powers, share)
    if _hard(given):
        y, keep, _ = labels_of(given)
        slope.addcmul_(_even(given, y), _each(given), value=-1.0).mul_(rate)
    else:
        keep = _kept(given, given.targets)
        times_difference(0.5 * rate, slope, _shares(given), slope)
    return only_(keep, slope.scatter_(given.axis, places, at_places * rate))


def _hard(given: Classes) -> bool:
    """Tell whether targets are labels."""
    return bool(given.targets.ndim < given.logits.ndim)


class _Own(NamedTuple):
    """What the gradient of a label is made of, where it has not the maximum."""

    power: Array  # exp(z_y - max z)
    mass: Array


def _of_labels(given: Classes, y: Array, powers: Powers) -> tuple[Masses, _Own]:
    """Return ``1 - e`` of the label's weight for the label, and an even share for each class."""
    axis, classes, top = given.axis, given.logits.shape[given.axis], powers.top
    logit = given.logits.gather(axis, y).float()
    weight, even, each = _weight_at(given, y), _even(given, y), _each(given)
    spike = (1.0 - given.smoothing) * weight
    away = torch.sub(powers.highest, given.logits)
    if each.numel() > 1:
        flat = each.reshape(-1)
        away = away.mul_(each)
        others, at_top, at_label = _without(flat)[top], flat[top], flat[y]
    else:
        others, at_top, at_label = each * (classes - 1), each, each
    # of 0 * inf, and of two maxima of +inf, which `rest` knows
    of_each = torch.nansum(away, axis, keepdim=True) * (1.0 if each.numel() > 1 else each)
    behind = times(spike, softmax.distance(logit, powers.highest)) + times(even, of_each)
    right = y == top
    of_others = even * others + torch.where(right, 0.0, spike)
    of_top = even * at_top + torch.where(right, spike, 0.0)
    own = _Own(torch.exp(logit - powers.by) * powers.factor, even * at_label + spike)
    return Masses(weight, of_others + of_top, of_others, of_top, behind), own


def _of_distribution(given: Classes, powers: Powers) -> Masses:
    """Return the sums of a distribution times weights, smoothed."""
    axis, top, shares = given.axis, powers.top, _shares(given)
    at_top = shares.gather(axis, top)
    others = shares.scatter(axis, top, 0.0)
    of_others = others.sum(axis, keepdim=True)
    # 0 * inf = 0; of what else is NaN another sum of the row is
    times_difference(others, powers.highest, given.logits.float(), others)
    behind = 0.5 * torch.nansum(others, axis, keepdim=True)
    whole = of_others + at_top
    weight = _weighted(given).sum(axis, keepdim=True) if given.smoothing else whole
    return Masses(weight, whole, of_others, at_top, behind)


def _class_weight(given: Classes) -> Array | None:
    """Return a weight of each class, or of all, laid along the classes."""
    if given.class_weight is None:
        return None
    return along(weights(given.class_weight, given.signed), given.axis, given.logits.ndim)


def _weight_at(given: Classes, y: Array) -> Array:
    """Return the weight of each label."""
    weight = _class_weight(given)
    if weight is None:
        return torch.ones(y.shape, dtype=torch.float32, device=y.device)
    return weight.reshape(-1)[y if weight.numel() > 1 else torch.zeros_like(y)]


def _each(given: Classes) -> Array:
    """Return what an even share is multiplied with: the weight of a class, or 1."""
    weight = None if given.of_target else _class_weight(given)
    if weight is not None:
        return weight
    return torch.ones((), dtype=torch.float32, device=given.logits.device)


def _even(given: Classes, y: Array) -> Array:
    """Return the even share of a class, but for `_each`."""
    share = given.smoothing / given.logits.shape[given.axis]
    return share * (_weight_at(given, y) if given.of_target else torch.ones_like(y).float())


def _without(weight: Array) -> Array:
    """Return for each weight the sum of all others, of which a subtraction would lose digits."""
    none = weight.new_zeros(1)
    before = torch.cat([none, weight[:-1].cumsum(0)])
    after = torch.cat([none, weight[1:].flip(0).cumsum(0)]).flip(0)
    return before + after


def _weighted(given: Classes) -> Array:
    """Return a distribution times the weights of classes."""
    weight, found = _class_weight(given), given.targets.float()
    return found if weight is None else found * weight


def _shares(given: Classes) -> Array:
    """Return the mass of each class of a distribution, but for the weight of the row."""
    found, e = _weighted(given), given.smoothing
    if e == 0.0:
        return found
    even = e / found.shape[given.axis]
    of_target = given.of_target
    share = even * found.sum(given.axis, keepdim=True) if of_target else found.new_tensor(even)
    return (found * (1.0 - e)).addcmul_(share, _each(given))


def _rows_of(given: Classes) -> tuple[Array | None, Array]:
    """Return which rows count (None: all) and their weight, NaN where a target is out of range."""
    low, high = given.targets.float().aminmax(dim=given.axis, keepdim=True)
    weight = weight_of_rows(given, low.squeeze(given.axis)).unsqueeze(given.axis)
    valid = (in_range(low, given.signed) + in_range(high, given.signed)) * 0.0
    return _kept(given, low), weight + valid


def _kept(given: Classes, low: Array) -> Array | None:
    """Return which rows count (None: all); ``low`` is NaN where there is NaN in a row."""
    axis = given.axis
    keep = kept(low.select(axis, 0), given.mask, [])
    keep = None if keep is None else keep.unsqueeze(axis)
    if not given.skip_nan:
        return keep
    known = ~torch.isnan(low).any(axis, keepdim=True)
    return known if keep is None else keep & known
