"""Class weights that begin to count at some step of the training."""

from math import ceil
from typing import Any

from weightedce.backends import Array
from weightedce.call import arguments, columns, dtypes, options
from weightedce.call.by_class import by_class


def deferred(class_weight: Any, step: Any, *, start: float, over: float = 0.0) -> Any:
    r"""Return class weights that are 1 until a step of the training, and themselves after it.

    .. math:: w_k(t) = 1 + r(t) \, (w_k - 1), \qquad
        r(t) = \min\Bigl(1, \max\Bigl(0, \frac{t - \mathrm{start}}{\mathrm{over}}\Bigr)\Bigr)

    r is 0 before ``start`` and 1 from there on if ``over`` is 0. A model learns its features from
    all examples alike first, and weighs the rare classes when it has them.

    Parameters
    ----------
    class_weight : array or list of numbers, shape (K,)
        The weights in the end, at least 0: see `balanced` and `effective_number`.
    step : int, float, or 0-d array
        t: steps or epochs so far. Inside a compiled step an array, which is not compiled in.
    start : float
        Where they begin to count, in the unit of the step, at least 0: 160 of 200 epochs in the
        paper.
    over : float
        How long they take to get to their end, at least 0.

    Returns
    -------
    array or list of float, shape (K,)
        The weights at that step, to be passed as ``class_weight``: a list for a list and a number,
        else an array of the library of the weights or the step.

    Raises
    ------
    TypeError
        If something is no number, or weights and step are of two libraries that differentiate.
    ValueError
        If a weight is negative, infinite or NaN, the step is no single number, or ``start`` or
        ``over`` is negative.

    Notes
    -----
    Gradients flow to the weights. With weights that average 1 over the data
    (``normalize="samples"``) the learning rate keeps its meaning throughout.

    References
    ----------
    Cao, Wei, Gaidon, Arechiga, Ma (2019), "Learning Imbalanced Datasets with
    Label-Distribution-Aware Margin Loss", NeurIPS, section 3.4 and algorithm 1, for the switch.

    Examples
    --------
    >>> [deferred([0.5, 4.0], epoch, start=160) for epoch in (0, 159, 160)]
    [[1.0, 1.0], [1.0, 1.0], [0.5, 4.0]]
    >>> deferred([0.5, 4.0], 165, start=160, over=20)
    [0.875, 1.75]
    """
    start = options.number("start", start, 0)
    over = options.number("over", over, 0)
    if by_class(class_weight):
        raise TypeError(
            "class_weight: expected one number a class, since the others are not known here, got "
            "numbers that come with their classes"
        )
    known = options.known(step) if getattr(step, "shape", None) == () else step
    if known is None:  # traced
        return _of_array(class_weight, step, start, over)
    share = _share(options.number("step", known), start, over)
    if not columns.is_sequence(class_weight):
        weight, backend = arguments.array_of("class_weight", class_weight)
        if not dtypes.is_floating(weight):
            weight = backend.namespace.astype(weight, backend.namespace.asarray(1.0).dtype)
        weight = arguments.weight_beside("class_weight", weight, weight)
        return _mixed(weight, share)
    listed = columns.host_array("class_weight", class_weight, float)
    weight = arguments.weight_beside("class_weight", listed, listed)
    return _mixed(weight, share).tolist()


def _of_array(class_weight: Any, step: Array, start: float, over: float) -> Array:
    """Return the weights at a step that cannot be read."""
    backend = dtypes.library("step", step)
    xp = backend.namespace
    default = xp.asarray(1.0).dtype
    own = type(class_weight) is type(step) and dtypes.is_floating(class_weight)
    like = xp.astype(step, class_weight.dtype if own else default)
    weight = arguments.weight_beside("class_weight", class_weight, like)
    if over == 0.0:
        whole = dtypes.is_integer(step)  # 2**24 + 1 is no float32
        share = xp.astype(step >= (ceil(start) if whole else start), weight.dtype)
    else:
        share = xp.clip((xp.astype(step, weight.dtype) - start) / over, 0.0, 1.0)
    return _mixed(weight, share)


def _share(step: float, start: float, over: float) -> float:
    if over == 0.0:
        return float(step >= start)
    return min(1.0, max(0.0, (step - start) / over))


def _mixed(weight: Array, share: Any) -> Array:
    """Return the weights on their way from 1, exactly 1 and themselves at its ends."""
    if len(weight.shape) != 1:
        raise ValueError(f"class_weight: expected shape (K,), got shape {tuple(weight.shape)}")
    return (1.0 - share) + share * weight
