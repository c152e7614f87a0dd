"""The decision that costs ask for."""

from math import frexp, ldexp
from typing import Any

from weightedce.backends import Array, backend_of, host
from weightedce.call import arguments, dtypes, options
from weightedce.call.columns import column, host_array, is_sequence
from weightedce.call.values import place_of, placed

ERRORS = (("fp", "tn"), ("fn", "tp"))


def cost_threshold(*, tp: Any = 0.0, tn: Any = 0.0, fp: Any, fn: Any) -> Any:
    r"""Return the probability above which predicting the positive class costs least.

    .. math:: p^* = \frac{\mathrm{fp} - \mathrm{tn}}
        {(\mathrm{fp} - \mathrm{tn}) + (\mathrm{fn} - \mathrm{tp})}

    Parameters
    ----------
    tp, tn, fp, fn : number, list, column or NumPy array
        What a true positive, true negative, false positive and false negative cost; negative
        numbers are rewards. The same numbers as in ``[[tn, fp], [fn, tp]]`` of `expected_cost`.
        Costs that differ by example, such as the amount that may be lost, have one number each.

    Returns
    -------
    float or ndarray
        p* in (0, 1): predict positive where p > p*. At p* itself both decisions cost the same.
        An array of one number an example if a cost is one.

    Raises
    ------
    TypeError
        If a cost is no number, and nothing that holds numbers.
    ValueError
        If a cost is not finite, or a wrong answer does not cost more than the right one, fp >
        tn and fn > tp: one decision would always be better, whatever the probability.

    Notes
    -----
    p has to be a calibrated probability: after training with weights, undo them first, with
    `undo_pos_weight` or `undo_class_weight`. In terms of logits, predict positive where z >
    ``logit(cost_threshold(...))``.

    References
    ----------
    Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI, section 1.3, equation 2;
    reasonable costs: section 1.1.

    Examples
    --------
    >>> cost_threshold(fp=1, fn=9)
    0.1
    >>> cost_threshold(tp=-5, tn=0, fp=1, fn=4)  # a hit is a gain of 5
    0.1
    >>> cost_threshold(fp=2, fn=[18.0, 198.0])  # to look costs 2, a fraud that is missed its amount
    array([0.1 , 0.01])
    """
    costs = {"tp": tp, "tn": tn, "fp": fp, "fn": fn}
    if any(is_sequence(cost) or len(getattr(cost, "shape", ())) for cost in costs.values()):
        return _by_example(costs)
    for name, cost in costs.items():
        options.number(name, cost)
    for wrong, right in ERRORS:
        if not costs[wrong] > costs[right]:
            raise ValueError(
                f"{wrong}: expected a cost above {right} = {costs[right]!r}, since an error that "
                f"costs no more than the right answer is none, got {costs[wrong]!r}"
            )
    # the quotient stays when all are multiplied by a power of 2, and then no sum can overflow
    _, power = frexp(max(abs(float(cost)) for cost in costs.values()))
    scaled = {name: ldexp(float(cost), -power) for name, cost in costs.items()}
    alarm, miss = scaled["fp"] - scaled["tn"], scaled["fn"] - scaled["tp"]
    return alarm / (alarm + miss)


def minimum_cost(probabilities: Any, cost_matrix: Any) -> Any:
    r"""Return the decision that costs least, for each example.

    .. math:: d^* = \operatorname{argmin}_d \sum_y p_y \, C_{y d}

    Parameters
    ----------
    probabilities : array or list
        (N, K), or any shape with the K classes last. Or, with two rows in the matrix and another
        size of the last axis, or one axis, the probability of the positive class alone.
    cost_matrix : list or array, shape (K, D) or (N, K, D)
        ``cost_matrix[y][d]``: the cost of decision d where y is true; a negative one is a reward.
        There may be more decisions than classes, such as to ask somebody, or fewer. With an axis
        more, one matrix an example.

    Returns
    -------
    array of int
        The decision, of the shape of the probabilities without classes; the first of those that
        cost the same. 0 where a probability is NaN.

    Raises
    ------
    TypeError
        If the probabilities are not of a floating-point dtype.
    ValueError
        If the shapes do not fit, or a cost is infinite or NaN.

    Notes
    -----
    The probabilities have to be calibrated: after training with weights, or another loss than
    cross-entropy, undo these first, with `undo_loss`. For two classes and two decisions it is
    p > `cost_threshold`.

    References
    ----------
    Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI, equation 1.

    Examples
    --------
    >>> import numpy as np
    >>> costs = [[0, 1, 0.3], [9, 0, 0.3]]  # the third decision: to have a look costs 0.3
    >>> minimum_cost(np.array([0.01, 0.2, 0.8]), costs)
    array([0, 2, 1])
    """
    if is_sequence(probabilities):
        probabilities = host_array("probabilities", probabilities, float)
    p = dtypes.floating("probabilities", arguments.array_of("probabilities", probabilities)[0])
    backend = backend_of(p)
    xp, shape = backend.namespace, tuple(p.shape)
    costs = arguments.weight_beside("cost_matrix", cost_matrix, p, signed=True)
    sizes = tuple(costs.shape)
    if len(sizes) in (2, 3) and sizes[-2] == 2 and (len(shape) < 2 or shape[-1] != 2):
        p = xp.stack([1.0 - p, p], axis=-1)
    each = len(sizes) == 3 and sizes[0] == shape[0] if shape else False
    if not (len(sizes) == 2 or each) or sizes[-2:-1] != tuple(p.shape)[-1:] or not sizes[-1]:
        raise ValueError(
            f"cost_matrix: expected shape (K, D) or (N, K, D) for probabilities of shape {shape}, "
            f"got shape {sizes}"
        )
    if each or len(p.shape) == 1:
        ones = (1,) * (len(p.shape) - 2)
        costs = xp.reshape(costs, (sizes[0], *ones, *sizes[1:])) if each else costs
        expected = backend.sum(xp.expand_dims(p, axis=-1) * costs, len(p.shape) - 1)
    else:
        expected = p @ xp.astype(costs, p.dtype)
    return xp.argmax(-expected, axis=-1)  # argmin is not in every namespace


def _by_example(costs: dict[str, Any]) -> Array:
    """Return one threshold an example, from costs of which at least one has one each."""
    xp = host().namespace
    found = {
        name: xp.asarray(host_array(name, column(x, name), float)) for name, x in costs.items()
    }
    try:
        found = dict(zip(found, xp.broadcast_arrays(*found.values()), strict=True))
    except ValueError:
        shapes = ", ".join(f"{name} {x.shape}" for name, x in found.items())
        raise ValueError(f"fp: expected costs of one shape, or one number, got {shapes}") from None
    for name, array in found.items():
        _all(name, xp.isfinite(array), array, "a finite number")
    for wrong, right in ERRORS:
        _all(wrong, found[wrong] > found[right], found[wrong], f"a cost above {right}")
    _, power = xp.frexp(xp.max(xp.abs(xp.stack(list(found.values()))), axis=0))
    tp, tn, fp, fn = (xp.ldexp(array, -power) for array in found.values())
    return (fp - tn) / ((fp - tn) + (fn - tp))


def _all(name: str, fits: Array, array: Array, expected: str) -> None:
    """Raise for the first cost that does not fit."""
    if not fits.all():
        first = int((~fits).argmax())
        bad = float(array.reshape(-1)[first])
        raise ValueError(
            f"{name}: expected {expected} for each example, got "
            f"{placed(name, place_of(first, array.shape))} = {bad!r}"
        )
