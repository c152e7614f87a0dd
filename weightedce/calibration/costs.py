"""The decision that costs ask for."""

from math import frexp, ldexp

from weightedce.call import options


def cost_threshold(*, tp: float = 0.0, tn: float = 0.0, fp: float, fn: float) -> float:
    r"""Return the probability above which predicting the positive class costs least.

    .. math:: p^* = \frac{\mathrm{fp} - \mathrm{tn}}
        {(\mathrm{fp} - \mathrm{tn}) + (\mathrm{fn} - \mathrm{tp})}

    Parameters
    ----------
    tp, tn, fp, fn : number
        What a true positive, true negative, false positive and false negative cost; negative
        numbers are rewards. The same numbers as in ``[[tn, fp], [fn, tp]]`` of `expected_cost`.

    Returns
    -------
    float
        p* in (0, 1): predict positive where p > p*. At p* itself both decisions cost the same.

    Raises
    ------
    TypeError
        If a cost is no number.
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
    """
    costs = {"tp": tp, "tn": tn, "fp": fp, "fn": fn}
    for name, cost in costs.items():
        options.number(name, cost)
    for wrong, right in (("fp", "tn"), ("fn", "tp")):
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
