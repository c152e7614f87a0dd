"""From weighted logits to probabilities and decisions again.

A loss with weights fits the probabilities of a world in which the classes are as frequent as
the weights make them. Here are the ways back, and the threshold that costs ask for.
"""

from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.call import arguments, dtypes
from weightedce.call.by_class import by_class, in_order
from weightedce.call.factors import along
from weightedce.call.values import all_inside


def undo_class_weight(logits: Array, class_weight: Any, *, axis: int = -1) -> Array:
    r"""Take class weights back out of the logits of a model that was trained with them.

    .. math:: z'_k = z_k - \log w_k

    The weighted cross-entropy is least where softmax(z) is proportional to w_k P(k | x); so
    softmax(z') is P(k | x) again.

    Parameters
    ----------
    logits : array of float
        (N, K), or any shape with the K classes along ``axis``: what the trained model gives.
    class_weight : number, list or array
        Shape (K,), the weights that were given to the loss, or one number.
    axis : int
        The class axis of the logits.

    Returns
    -------
    array
        Logits of the same shape and dtype, float32 for half precision. -inf, probability 0, for
        a class of weight 0: it was not learnt.

    Raises
    ------
    TypeError
        If the logits are no floating-point array, or an argument is no constant but an array of
        another library that differentiates.
    ValueError
        If the weights do not fit, or one is negative, infinite or NaN.

    Notes
    -----
    Exact for a model that can express the probabilities and is trained without label smoothing;
    otherwise an approximation to be checked on held-out data. With label smoothing e and
    ``smoothing_weight="class"``, softmax(z') is the smoothed (1 - e) P(k | x) + e/K; with
    ``"target"``, replace p = softmax(z) by (p - e/K) / (1 - e) first and give its log. Sample
    weights count as class weights if they depend on the class alone.

    Gradients flow to logits and weights.

    References
    ----------
    King, Zeng (2001), "Logistic Regression in Rare Events Data", Political Analysis 9, section
    4.1, equation 7 (for two classes); Menon, Jayasumana, Rawat, Jain, Veit, Kumar (2021),
    "Long-Tail Learning via Logit Adjustment", ICLR, section 4 (for K).

    Examples
    --------
    >>> import numpy as np
    >>> z = np.log(np.array([[0.8 * 1, 0.15 * 4, 0.05 * 8]]))  # fits these weighted shares
    >>> unweighted = undo_class_weight(z, [1.0, 4.0, 8.0])
    >>> np.exp(unweighted).round(4)
    array([[0.8 , 0.15, 0.05]])
    """
    z = dtypes.floating("logits", logits)
    weight = _along("class_weight", class_weight, z, axis)
    return z + _log(weight, -1.0)


def undo_pos_weight(
    logits: Array, pos_weight: Any, *, neg_weight: Any = 1.0, axis: int = -1
) -> Array:
    r"""Take the weights of positives and negatives back out of binary logits.

    .. math:: z' = z - \log \frac{w_+}{w_-}

    The weighted binary cross-entropy is least where the odds are w+ / w- times those of
    P(y = 1 | x); so sigmoid(z') is P(y = 1 | x) again.

    Parameters
    ----------
    logits : array of float
        (N,) for one label, (N, L) for L labels, or any shape: what the trained model gives.
    pos_weight : number, list or array
        Shape (L,), the weights that were given to the loss, or one number.
    neg_weight : number, list or array
        Likewise, for the negatives.
    axis : int
        The label axis: where ``pos_weight`` and ``neg_weight`` of shape (L,) lie.

    Returns
    -------
    array
        Logits of the same shape and dtype, float32 for half precision. Where the weight of the
        positives is 0 -inf, and where that of the negatives is 0 inf: that side was not learnt;
        NaN where both are.

    Raises
    ------
    TypeError
        If the logits are no floating-point array, or an argument is no constant but an array of
        another library that differentiates.
    ValueError
        If the weights do not fit, or one is negative, infinite or NaN.

    Notes
    -----
    Exact for a model that can express the probabilities and is trained without label smoothing;
    otherwise an approximation to be checked on held-out data. With label smoothing see
    `undo_class_weight`, K = 2. The ``alpha`` of a focal loss is a weight, too, but its gamma
    bends the probabilities in a way that no shift undoes: `undo_loss` does.

    Gradients flow to logits and weights.

    References
    ----------
    King, Zeng (2001), "Logistic Regression in Rare Events Data", Political Analysis 9, section
    4.1, equation 7.

    Examples
    --------
    >>> import numpy as np
    >>> undo_pos_weight(logit(np.array([0.5, 0.9])), 9.0)  # 0.5 at weight 9 are odds of 1:9
    array([-2.19722458,  0.        ])
    """
    z = dtypes.floating("logits", logits)
    pos = _along("pos_weight", pos_weight, z, axis)
    neg = _along("neg_weight", neg_weight, z, axis)
    return z + (_log(pos, -1.0) - _log(neg, -1.0))


def shift_prior(logits: Array, *, old_prior: Any, new_prior: Any, axis: int = -1) -> Array:
    r"""Adapt logits to data in which the classes have other frequencies than in training.

    .. math:: z'_k = z_k + \log \frac{\mathrm{new}_k}{\mathrm{old}_k}
        \qquad \text{or, for binary logits,} \qquad
        z' = z + \mathrm{logit}(\mathrm{new}) - \mathrm{logit}(\mathrm{old})

    if the classes themselves look as before: P(x | k) has not changed.

    Parameters
    ----------
    logits : array of float
        (N, K), or any shape with the K classes along ``axis``; or binary logits of any shape.
    old_prior : number, list or array
        The frequencies in the training data. Shape (K,), one a class: the logits are those of
        a softmax. They need not sum to 1, so that counts will do. One number: the logits are
        binary, and it is the probability of the positive class.
    new_prior : number, list or array
        The frequencies to adapt to, of the same form.
    axis : int
        The class axis; not used for binary logits.

    Returns
    -------
    array
        Logits of the same shape and dtype, float32 for half precision. -inf for a class whose
        old or new frequency is 0: it was not learnt, or does not occur. For binary logits
        likewise, with inf where there are no negatives and NaN where neither is left.

    Raises
    ------
    TypeError
        If the logits are no floating-point array, or an argument is no constant but an array of
        another library that differentiates.
    ValueError
        If one prior is a number and the other is not, if they do not fit the logits, or are
        negative, infinite, NaN or, as binary priors, above 1.

    Notes
    -----
    After training with weights, undo these first, or give as ``old_prior`` the weighted
    frequencies n_k w_k: they are all alike after `balanced`.

    Gradients flow to logits and priors.

    References
    ----------
    Saerens, Latinne, Decaestecker (2002), "Adjusting the Outputs of a Classifier to New a
    Priori Probabilities: A Simple Procedure", Neural Computation 14, section 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> z = logit(np.array([0.5, 0.9]))
    >>> shift_prior(z, old_prior=0.5, new_prior=0.2).round(4)
    array([-1.3863,  0.8109])
    >>> shift_prior(np.zeros((1, 2)), old_prior=[50, 50], new_prior=[90, 10]).round(4)
    array([[ 0.5878, -1.6094]])
    """
    z = dtypes.floating("logits", logits)
    old = _frequency("old_prior", old_prior, z, axis)
    new = _frequency("new_prior", new_prior, z, axis)
    if len(old.shape) != len(new.shape):
        raise ValueError(
            f"new_prior: expected the form of old_prior, two numbers for binary logits or two "
            f"vectors for K classes, got shapes {tuple(new.shape)} and {tuple(old.shape)}"
        )
    if len(old.shape):
        old, new = _along("old_prior", old, z, axis), _along("new_prior", new, z, axis)
        return z + (_log(new, 1.0) + _log(old, -1.0))
    old, new = _probability("old_prior", old), _probability("new_prior", new)
    positive = _log(new, 1.0) + _log(old, -1.0)
    return z + (positive - (_log(1.0 - new, 1.0) + _log(1.0 - old, -1.0)))


def _frequency(name: str, prior: Any, z: Array, axis: int) -> Array:
    """Return one prior, or one a class, as an array beside the logits.

    A list of one number is that number: of one class alone there is no frequency.
    """
    if by_class(prior):
        shape = backend_of(z).shape(z)  # of (N,) binary logits N is no number of classes
        classes = shape[arguments.axis_of(shape, axis)] if len(shape) > 1 else None
        prior = in_order(name, prior, classes, 0.0)
    found = arguments.weight_beside(name, prior, z)
    return backend_of(found).namespace.reshape(found, ()) if found.shape == (1,) else found


def _along(name: str, weight: Any, z: Array, axis: int) -> Array:
    """Return a scalar or (K,) weight as an array that lies along ``axis`` of the logits."""
    shape = backend_of(z).shape(z)
    axis = arguments.axis_of(shape, axis) if shape else 0
    return along(name, 1.0 if weight is None else weight, z, shape, axis)


def _log(weight: Array, power: float) -> Array:
    """Return ``power * log(weight)``, and -inf where the weight is 0, whatever the power."""
    xp = backend_of(weight).namespace
    absent = weight == 0.0
    # log of 1 there, not of 0: NumPy would warn, and derivatives be NaN
    return xp.where(absent, -xp.inf, power * xp.log(xp.where(absent, 1.0, weight)))


def _probability(name: str, p: Array) -> Array:
    """Return ``p`` if it is in [0, 1]; NaN where that cannot be checked."""
    outside = (p < 0.0) | (p > 1.0)
    if all_inside(name, p, outside, 0, 1):
        return p
    xp = backend_of(p).namespace
    return xp.where(outside, xp.nan, p)
