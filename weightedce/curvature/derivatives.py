"""Value, gradient and curvature of any loss that is a sum over examples, under plain NumPy."""

from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from typing import Any, Literal, NamedTuple, get_args

from weightedce.backends import Array, host, jets
from weightedce.backends.handed import MixedError, RowsError
from weightedce.call import arguments, dtypes, options
from weightedce.call.collated import targets_beside
from weightedce.call.columns import column, host_array, is_sequence
from weightedce.curvature.rows import Found, by_rows

ReducedBy = Literal["none", "sum", "mean", "weighted_mean"]
FAR = 1e6  # from where on, as a logit, nothing changes any more
OWN_WAY = {
    "JAX": "jax.grad and jax.hessian",
    "PyTorch": "torch.autograd.grad or torch.func.hessian",
    "TensorFlow": "tf.GradientTape",
}


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
    options.choice("reduction", reduction, get_args(ReducedBy))
    xp = host().namespace
    z = _logits(logits)
    y = targets_beside(targets, z)
    for name in ("sample_weight", "mask"):
        if given.get(name) is not None:
            given[name] = arguments.beside(name, given[name], z, None)
    axis = _bound(loss, z, y, given)
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


def _logits(logits: Any) -> Array:
    """Return logits as an array of NumPy in the dtype to compute in."""
    if is_sequence(logits):
        return host_array("logits", logits, float)
    logits = column(logits, "logits")
    backend = dtypes.library("logits", logits)
    if backend is not host():
        instead = OWN_WAY.get(backend.name, "its own autodiff")
        raise TypeError(
            f"logits: expected an array of NumPy, which has no derivatives of its own, got one of "
            f"{backend.name}: differentiate the loss with {instead}"
        )
    return dtypes.floating("logits", logits)


def _bound(loss: Callable[..., Any], z: Array, y: Array, given: Mapping[str, Any]) -> int:
    """Return the class axis, counted from the front, of a loss that takes what is given."""
    parameters = signature(loss).parameters
    name = getattr(loss, "__name__", repr(loss))
    if "reduction" not in parameters:
        raise _no_sum(loss)
    try:
        bound = signature(loss).bind(z, y, reduction="none", **given)
    except TypeError as error:
        raise TypeError(
            f"loss: expected a loss of logits and targets, got {name}: {error}"
        ) from None
    bound.apply_defaults()
    axis = bound.arguments.get("axis", -1)
    if not z.ndim:
        return -1
    return arguments.axis_of(z.shape, -1 if axis is None else axis)


def _no_sum(loss: Callable[..., Any]) -> TypeError:
    name = getattr(loss, "__name__", repr(loss))
    return TypeError(
        f"loss: expected one that is a sum over examples, got {name}, a quotient of sums over the "
        f"whole batch: there is no derivative of one example's loss"
    )


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
        raise _no_sum(loss) from None
    if found.shape == z.shape and not found.wide:
        return Found(found.value, *wing.beside(found, z.shape), True)
    if found.shape != rows or not z.ndim:
        raise _no_sum(loss)
    return Found(found.value, *wing.beside(found, z.shape, axis), False)


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
