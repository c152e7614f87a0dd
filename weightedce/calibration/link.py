"""The link: from probabilities to logits, for models that give probabilities."""

from numbers import Real
from typing import Any

from weightedce.backends import backend_of
from weightedce.call import arguments, dtypes
from weightedce.call.columns import host_array, is_sequence
from weightedce.call.values import all_inside


def logit(p: Any) -> Any:
    r"""Turn probabilities into logits: the inverse of the sigmoid.

    .. math:: \mathrm{logit}(p) = \log p - \log(1 - p)

    Parameters
    ----------
    p : array, column, list or number
        Probabilities in [0, 1], of any shape. float16 and bfloat16 are computed in float32.

    Returns
    -------
    array, list or float
        Shape and dtype of p, float32 for half precision; -inf at 0, inf at 1.

    Raises
    ------
    TypeError
        If p is not of a floating-point dtype.
    ValueError
        If a probability is outside [0, 1]; it is named with its position. Under tracing and on
        an accelerator, where nothing can be raised, its logit is NaN.

    Notes
    -----
    All digits are kept near 0, near 1/2, where the two logarithms cancel, and near 1. What a
    probability has already lost cannot come back: float32 has no numbers between 1 - 6e-8 and
    1. Where there are logits, keep them.

    Gradients flow to p: 1 / (p (1 - p)). At exactly 0 and 1, where it is infinite, it is 0.

    References
    ----------
    Berkson (1944), "Application of the Logistic Function to Bio-Assay", Journal of the American
    Statistical Association 39, 357-365.

    Examples
    --------
    >>> round(logit(0.75), 12)
    1.098612288668
    >>> logit([0.0, 0.5, 1.0])
    [-inf, 0.0, inf]
    """
    if isinstance(p, Real) or is_sequence(p):
        return logit(host_array("p", p, float)).tolist()
    p = dtypes.floating("p", arguments.array_of("p", p)[0])
    xp = backend_of(p).namespace
    outside = (p < 0.0) | (p > 1.0)
    if not all_inside("p", p, outside, 0, 1):
        p = xp.where(outside, xp.nan, p)
    above = p >= 0.5
    tail = xp.where(above, 1.0 - p, p)  # exact: Sterbenz 1974
    certain = tail == 0.0
    tail = xp.where(certain, 0.5, tail)
    # log1p(odds - 1): the two logarithms would cancel near 1/2; far out they do not, it overflows
    near = tail > 0.0625
    middle = xp.where(near, tail, 0.5)
    size = xp.where(near, xp.log1p((1.0 - 2.0 * middle) / middle), xp.log1p(-tail) - xp.log(tail))
    size = xp.where(certain, xp.inf, size)
    return xp.where(above, size, -size)
