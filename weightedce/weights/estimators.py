"""From class counts to weights.

Lists in, lists out: a list of counts gives a list of weights, which every library's losses
take. An array gives an array of the same library, inside a compiled step too.
"""

from collections.abc import Callable
from math import inf, log
from typing import Any, get_args

from weightedce.backends import Array, Namespace
from weightedce.call import arguments, dtypes, options, values
from weightedce.call.by_class import by_class, in_order
from weightedce.call.columns import host_array, is_sequence
from weightedce.call.factors import cast
from weightedce.call.options import Normalize
from weightedce.weights.counting import refuse_labels

# (xp, counts with 1 for those that are 0, counts) -> weights; those of absent classes are unused
Formula = Callable[[Namespace, Array, Array], Array]


def balanced(counts: Any, *, normalize: Normalize | None = "samples") -> Any:
    r"""Weigh every class so that all classes have the same total weight.

    .. math:: w_k = \frac{n}{K \, n_k}, \qquad n = \sum_k n_k

    as ``compute_class_weight("balanced", ...)`` of scikit-learn; a class that does not occur
    has weight 0, where scikit-learn raises.

    Parameters
    ----------
    counts : array or list of numbers, shape (K,)
        Examples (or total sample weight) of each class, >= 0: see `class_counts`.
    normalize : {"samples", "classes", None}
        ``"samples"``: the average weight over the data, sum n_k w_k / n, is 1, so that the
        learning rate keeps its meaning. With every class present that is the formula as it
        stands; with absent classes K becomes the number of classes that occur.
        ``"classes"``: the weights sum to K. ``None``: the formula as it stands.

    Returns
    -------
    array or list of float, shape (K,)
        The weights, to be passed as ``class_weight``. A list for a list; an array of the same
        library for an array: floating counts keep their dtype, integer counts give the
        library's default floating dtype (float32 in torch and TensorFlow: cast the counts to
        float64 first for a float64 loss). All 0 if all counts are.

    Raises
    ------
    TypeError
        If the counts are not real numbers.
    ValueError
        If the counts are not one-dimensional, or one is negative, infinite or NaN.

    Notes
    -----
    Gradients flow to floating counts. Works inside a compiled step, absent classes included:
    ``balanced(class_counts(labels, 2))``.

    References
    ----------
    King, Zeng (2001), "Logistic Regression in Rare Events Data", Political Analysis 9,
    equations 8 and 9, with equal population shares.

    Examples
    --------
    >>> balanced([30, 10])
    [0.6666666666666666, 2.0]
    >>> balanced([30, 0, 10])
    [0.6666666666666666, 0.0, 2.0]
    """

    def formula(xp: Namespace, n: Array, counts: Array) -> Array:
        classes = counts.shape[0]
        if normalize == "samples":
            classes = _not_zero(xp, xp.sum(xp.astype(counts != 0, counts.dtype)))
        return xp.sum(counts) / (classes * n)

    return weights_of(counts, normalize, formula, already="samples")


def inverse_frequency(
    counts: Any, *, power: float = 1.0, normalize: Normalize | None = "samples"
) -> Any:
    r"""Weigh every class by a power of its inverse frequency.

    .. math:: w_k = n_k^{-p}

    Power 1 is `balanced` up to a factor, 1/2 the often used square root, 0 no weights: the
    powers between damp the weights of rare classes.

    Parameters
    ----------
    counts : array or list of numbers, shape (K,)
        Examples (or total sample weight) of each class, >= 0: see `class_counts`.
    power : float
        p, at least 0.
    normalize : {"samples", "classes", None}
        ``"samples"``: the average weight over the data, sum n_k w_k / n, is 1. ``"classes"``:
        the weights sum to K. ``None``: the formula as it stands.

    Returns
    -------
    array or list of float, shape (K,)
        As `balanced` returns them. A class that does not occur has weight 0.

    Raises
    ------
    TypeError
        If the counts are not real numbers.
    ValueError
        If the counts are not one-dimensional, one is negative, infinite or NaN, or the
        power is negative.

    Notes
    -----
    Gradients flow to floating counts. Works inside a compiled step, absent classes included.

    References
    ----------
    Huang et al. (2016), "Learning Deep Representation for Imbalanced Classification", CVPR
    (power 1); Mahajan et al. (2018), "Exploring the Limits of Weakly Supervised Pretraining",
    ECCV (power 1/2); both as compared by Cui et al. (2019), see `effective_number`, section 1.

    Examples
    --------
    >>> inverse_frequency([900, 100], power=0.5, normalize=None)
    [0.03333333333333333, 0.1]
    >>> [round(w, 4) for w in inverse_frequency([900, 100], power=0.5)]
    [0.8333, 2.5]
    """
    power = options.number("power", power, 0, inf)
    return weights_of(counts, normalize, lambda _, n, __: n**-power)


def effective_number(
    counts: Any, *, beta: float = 0.999, normalize: Normalize | None = "samples"
) -> Any:
    r"""Weigh every class by its inverse effective number of examples.

    .. math:: w_k = \frac{1 - \beta}{1 - \beta^{n_k}}

    Each new example of a class is worth beta times the one before, since it may repeat what
    others have shown. beta = 0 weighs all classes alike, beta -> 1 is the inverse frequency;
    1 / (1 - beta) is the number of examples from which on more of them hardly count.

    Parameters
    ----------
    counts : array or list of numbers, shape (K,)
        Examples (or total sample weight) of each class, >= 0: see `class_counts`.
    beta : float
        In [0, 1]; the paper tries 0.9, 0.99, 0.999 and 0.9999. 1 is the limit, 1 / n_k.
    normalize : {"samples", "classes", None}
        ``"samples"``: the average weight over the data, sum n_k w_k / n, is 1. ``"classes"``:
        the weights sum to K, as in the paper. ``None``: the formula as it stands.

    Returns
    -------
    array or list of float, shape (K,)
        As `balanced` returns them. A class that does not occur has weight 0.

    Raises
    ------
    TypeError
        If the counts are not real numbers.
    ValueError
        If the counts are not one-dimensional, one is negative, infinite or NaN, or beta is
        outside [0, 1].

    Notes
    -----
    Gradients flow to floating counts. Works inside a compiled step, absent classes included.
    beta near 1 keeps its digits: 1 - beta^n is 2 t / (1 + t) with t = tanh(-n log(beta) / 2).

    References
    ----------
    Cui et al. (2019), "Class-Balanced Loss Based on Effective Number of Samples", CVPR,
    proposition 1 and section 4.

    Examples
    --------
    >>> effective_number([5000, 1], beta=0.5, normalize=None)
    [0.5, 1.0]
    >>> [round(w, 4) for w in effective_number([5000, 50], normalize="classes")]
    [0.0936, 1.9064]
    """
    beta = options.number("beta", beta, 0, 1)

    def formula(xp: Namespace, n: Array, _: Array) -> Array:
        if beta == 0:
            return n / n
        if beta == 1:
            return 1.0 / n
        # 1 - exp(-2x) by tanh(x): where it is small, torch.compile's expm1 is exp - 1 (torch 2.13)
        t = xp.tanh(n * (-0.5 * log(beta)))
        return (0.5 * (1.0 - beta)) * (1.0 + t) / t

    return weights_of(counts, normalize, formula)


def log_damped(counts: Any, *, c: float = 1.02, normalize: Normalize | None = "samples") -> Any:
    r"""Weigh every class by the inverse logarithm of its share.

    .. math:: w_k = \frac{1}{\log(c + n_k / n)}, \qquad n = \sum_k n_k

    A bounded weight: it never exceeds 1 / log(c) before it is normalised, however rare the
    class.

    Parameters
    ----------
    counts : array or list of numbers, shape (K,)
        Examples (or total sample weight) of each class, >= 0: see `class_counts`.
    c : float
        Greater than 1. The default keeps the weights between 1.42 and 50.5.
    normalize : {"samples", "classes", None}
        ``"samples"``: the average weight over the data, sum n_k w_k / n, is 1. ``"classes"``:
        the weights sum to K. ``None``: the formula as it stands, as in the paper.

    Returns
    -------
    array or list of float, shape (K,)
        As `balanced` returns them. A class that does not occur has weight 0.

    Raises
    ------
    TypeError
        If the counts are not real numbers.
    ValueError
        If the counts are not one-dimensional, one is negative, infinite or NaN, or c is
        not greater than 1.

    Notes
    -----
    Gradients flow to floating counts. Works inside a compiled step, absent classes included.

    References
    ----------
    Paszke et al. (2016), "ENet: A Deep Neural Network Architecture for Real-Time Semantic
    Segmentation", section 5.2.

    Examples
    --------
    >>> [round(w, 4) for w in log_damped([990, 10], normalize=None)]
    [1.4324, 33.8309]
    >>> [round(w, 4) for w in log_damped([990, 10])]
    [0.8155, 19.2618]
    """
    if not options.number("c", c, 1, inf) > 1:
        raise ValueError(f"c: expected c > 1, got {c!r}")
    above = float(c) - 1.0

    def formula(xp: Namespace, n: Array, counts: Array) -> Array:
        # log1p: the share of a rare class keeps its digits beside c - 1, which is small
        return 1.0 / xp.log1p(above + n / _not_zero(xp, xp.sum(counts)))

    return weights_of(counts, normalize, formula)


def weights_of(
    counts: Any, normalize: Normalize | None, formula: Formula, *, already: Normalize | None = None
) -> Any:
    """Apply ``formula`` to the classes that occur, and normalise where it has not ``already``."""
    if normalize is not None:
        options.choice("normalize", normalize, get_args(Normalize))
    if by_class(counts):
        counts = in_order("counts", counts, None, 0)
    if is_sequence(counts):
        listed = host_array("counts", counts, float)
        values.checked("counts", listed)
        return weights_of(listed, normalize, formula, already=already).tolist()
    given = counts
    counts, backend = arguments.array_of("counts", counts)
    xp = backend.namespace
    if len(counts.shape) != 1:
        raise ValueError(f"counts: expected shape (K,), got shape {tuple(counts.shape)}")
    if given is not counts or dtypes.dtype_name(counts.dtype) == "bool":
        refuse_labels(counts)
    if not dtypes.is_floating(counts):
        counts = xp.astype(counts, xp.asarray(1.0).dtype)
    dtype, counts = counts.dtype, dtypes.floating("counts", counts)  # the sum of halves is large
    counts = values.checked("counts", counts)
    present = counts != 0  # NaN, which a compiled step may meet, is no absent class
    weights = xp.where(present, formula(xp, xp.where(present, counts, 1.0), counts), 0.0)
    if normalize == "classes":
        weights = weights * (counts.shape[0] / _not_zero(xp, xp.sum(weights)))
    elif normalize != already and normalize is not None:
        weights = weights * (xp.sum(counts) / _not_zero(xp, xp.sum(counts * weights)))
    return cast(weights, dtype)


def _not_zero(xp: Namespace, total: Array) -> Array:
    """Return a sum to divide by: 1 where it is 0, since then nothing is there to be divided."""
    return xp.where(total == 0, 1.0, total)
