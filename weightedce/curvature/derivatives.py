"""Value, gradient and curvature of any loss that is a sum over examples, under plain NumPy."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

from weightedce.backends import Array, host, jets
from weightedce.backends.handed import MixedError, RowsError
from weightedce.call import arguments, options
from weightedce.call.collated import targets_beside
from weightedce.curvature.logits import class_axis, no_sum, numpy_logits
from weightedce.curvature.rows import Found, by_rows

ReducedBy = Literal["none", "sum", "mean", "weighted_mean"]
FAR = 1e6  # from where on, as a logit, nothing changes any more


class Derivatives(NamedTuple):
    """Loss, gradient and curvature, as `derivatives` returns them.

    Parameters
    ----------
    loss : array
        One loss an element or example, or 0-d.
    first : array
        The derivative to each logit, of the logits' shape.
    second : array
        The second derivative to each logit: the diagonal of each example's Hessian.

    Examples
    --------
    >>> import numpy as np
    >>> loss, first, second = derivatives(binary_cross_entropy, np.array([0.0]), [1])
    >>> first, second
    (array([-0.5]), array([0.25]))
    """

    loss: Array
    first: Array
    second: Array


def derivatives(
    loss: Callable[..., Any],
    logits: Any,
    targets: Any,
    *,
    reduction: ReducedBy = "none",
    **given: Any,
) -> Derivatives:
    r"""Return value, gradient and curvature of any loss under plain NumPy.

    .. math:: l_n, \quad \frac{\partial l_n}{\partial z_{nk}}, \quad
        \frac{\partial^2 l_n}{\partial z_{nk}^2}

    for the loss l of each element or example n, in nats as the loss is. It is what boosting
    (`weightedce.boosting`), Newton's method and other solvers ask for.

    Parameters
    ----------
    loss : callable
        Any loss of this library that is a sum over examples, or one of your own that is made as
        they are, or of operators and of ``logits.__array_namespace__()``, and takes ``reduction``.
    logits : array of float
        NumPy's, or a list or column of numbers; of any shape that the loss takes.
    targets : array or list
        As the loss takes them. Labels of classes may be whole numbers of a float dtype, as
        boosters give them.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        Other than ``"none"``: what ``loss`` is reduced by; derivatives are those of the reduced
        loss.
    **given
        The options of the loss by name: weights, mask, label_smoothing, gamma, axis and so on.

    Returns
    -------
    Derivatives
        ``(loss, first, second)``: the losses, of the shape that ``reduction`` gives; the
        derivative to each logit, of the logits' shape; and the second derivative to each, the
        diagonal of each example's Hessian. In the dtype of the logits, float32 for half
        precision.

    Raises
    ------
    TypeError
        If the logits are of another library than NumPy: differentiate there, by jax.grad,
        torch.autograd or tf.GradientTape. If the loss is no sum over examples (`dice_loss` and
        its kin, whose examples share a denominator), or does not take what is given.
    TypeError, ValueError
        As the loss raises them.

    Notes
    -----
    Two derivatives are carried along through the formula of the loss, as it stands
    (Griewank, Walther 2008, chapter 13); nothing is a difference quotient. All three are within 8
    ulp of the exact number, in float64 and float32, at any finite logit, as far as the formula has
    the digits: a power multiplies what 1 - p is off by (16 ulp of focal losses, 32 of
    `asymmetric_loss`), and where p is made of its rounded logarithm second derivatives are off by
    up to an ulp more for each unit between the logits (`expected_cost`, `ldam_cross_entropy`,
    scaled logits, soft confusion weights, and losses of all p_k such as a smoothed focal loss).

    Where a second derivative crosses 0 it is the crossing that is off by no more than that: focal
    and asymmetric losses, poly, generalized cross-entropy and expected cost do, at a wrong answer,
    and are negative beyond. Of `poly_cross_entropy` with epsilon = 1, 2 p^2 is left at a wrong
    answer of terms of p that cancel: it is right to ulp of p. At infinite logits all are the
    limits; masked elements have 0.

    A loss over classes that is made of one label's -log p is differentiated at once. One that is
    made of all p_k, such as a focal loss with smoothing, is gone through once for each class.

    References
    ----------
    Griewank, Walther (2008), "Evaluating Derivatives", 2nd edition, chapter 13.

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([0.0, 2.0, -3.0]), np.array([1, 0, 0])
    >>> found = derivatives(binary_focal_loss, logits, targets, gamma=2.0, pos_weight=9.0)
    >>> found.first.round(4)
    array([-2.6846e+00,  1.0767e+00,  3.0000e-04])
    >>> found.second.round(4)
    array([3.5923e+00, 1.5460e-01, 9.0000e-04])

    Newton's method in two lines, for a logistic regression with a weight:

    >>> x, y = np.array([[1.0, 0.5], [1.0, -1.0], [1.0, 2.0], [1.0, 0.0]]), np.array([1, 0, 0, 1])
    >>> w = np.zeros(2)
    >>> for _ in range(9):
    ...     _, first, second = derivatives(binary_cross_entropy, x @ w, y, pos_weight=3.0)
    ...     w -= np.linalg.solve(x.T * second @ x, x.T @ first)
    >>> bool(abs(x.T @ first).max() < 1e-12)
    True
    """
    options.choice("reduction", reduction, get_args(ReducedBy))
    xp = host().namespace
    z = numpy_logits(logits)
    y = targets_beside(targets, z)
    for name in ("sample_weight", "mask"):
        if given.get(name) is not None:
            given[name] = arguments.beside(name, given[name], z, None)
    axis = class_axis(loss, z, given)
    with xp.errstate(all="ignore"):
        value, first, second, _ = by_rows(partial(_found, loss, axis), z, y, given, axis)
    if reduction == "none":
        return Derivatives(value, first, second)
    total = loss(z, y, reduction="total", **given)
    if reduction == "sum":
        return Derivatives(total.loss, first, second)
    by = total.count if reduction == "mean" else total.weight
    value = total.mean() if reduction == "mean" else total.weighted_mean()
    return Derivatives(value, *(x / by if by else xp.zeros_like(x) for x in (first, second)))


def _found(
    loss: Callable[..., Any], axis: int, z: Array, y: Array, given: Mapping[str, Any]
) -> Found:
    """Return what is found of some rows; infinite logits give the limit, NaN gives NaN."""
    xp = host().namespace
    if xp.isfinite(z).all():
        return _of_finite(loss, axis, z, y, given)
    known = xp.where(xp.isfinite(z), z, 0.0)
    far = xp.clip(4.0 * xp.abs(known).max(), FAR, xp.finfo(z.dtype).max / 4)
    moved = xp.where(xp.isinf(z), xp.copysign(far, z), known).astype(z.dtype)
    _, first, second, elementwise = _of_finite(loss, axis, moved, y, given)
    value = loss(z, y, reduction="none", **given)
    undefined = xp.isnan(value)
    if value.ndim < z.ndim:
        undefined = xp.expand_dims(undefined, axis)
    first, second = (xp.where(undefined, xp.nan, x) for x in (first, second))
    return Found(value, first, second, elementwise)


def _of_finite(
    loss: Callable[..., Any], axis: int, z: Array, y: Array, given: Mapping[str, Any]
) -> Found:
    """Return the same of finite logits: at once, or class by class where classes are mixed."""
    wing, rows = jets(), z.shape[:axis] + z.shape[axis + 1 :]
    try:
        try:
            found = loss(wing.own(z, axis), y, reduction="none", **given)
        except MixedError:
            return _by_class(loss, axis, z, y, given)
    except RowsError:
        raise no_sum(loss) from None
    if found.shape == z.shape and not found.wide:
        first, second = wing.beside(found, z.shape)
        return Found(found.value, first, second, True)
    if found.shape != rows or not z.ndim:
        raise no_sum(loss)
    first, second = wing.beside(found, z.shape, axis)
    return Found(found.value, first, second, False)


def _by_class(
    loss: Callable[..., Any], axis: int, z: Array, y: Array, given: Mapping[str, Any]
) -> Found:
    """Return the same, by one pass through all classes for each of them."""
    wing, xp = jets(), host().namespace
    rows = z.shape[:axis] + z.shape[axis + 1 :]
    first, second = xp.empty_like(z), xp.empty_like(z)
    for place in range(z.shape[axis]):
        found = loss(wing.along(z, axis, place), y, reduction="none", **given)
        if found.shape != rows:
            raise RowsError
        at = (slice(None),) * axis + (place,)
        first[at], second[at] = wing.beside(found, rows)
    return Found(found.value, first, second, False)
