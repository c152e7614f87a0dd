"""Weights from the labels themselves: of every label's positives, of every example.

Lists in, lists out; an array gives an array of the same library, inside a compiled step too.
"""

from math import inf, prod
from numbers import Real
from typing import Any

from weightedce.backends import backend_of
from weightedce.call import arguments, dtypes, options, values
from weightedce.call.by_class import by_class, in_order
from weightedce.call.columns import host_array, is_sequence
from weightedce.call.factors import cast, kept
from weightedce.call.from_batch import is_batch
from weightedce.call.ignored import ignored
from weightedce.call.targets import check_labels_dtype, class_labels, probabilities
from weightedce.weights.counting import class_counts
from weightedce.weights.estimators import balanced


def pos_weights(
    targets: Any,
    *,
    axis: int = -1,
    cap: float | None = None,
    mask: Any = None,
    ignore_index: Any = None,
) -> Any:
    r"""Weigh the positives of every label so that they have the total weight of its negatives.

    .. math:: w_l = \min\Bigl(\frac{n^-_l}{n^+_l}, \mathrm{cap}\Bigr), \qquad
        n^+_l = \sum_i y_{il}, \quad n^-_l = \sum_i (1 - y_{il})

    Parameters
    ----------
    targets : array, data frame or list
        (N, L), or any shape with the L labels along ``axis``: 0 and 1 of any dtype, or
        probabilities. (N,) is one label.
    axis : int
        The label axis.
    cap : float, optional
        The largest weight. Without it, a label with one positive among n gets n - 1.
    mask, ignore_index : optional
        As in `binary_cross_entropy`: what is removed there is not counted here.

    Returns
    -------
    array or list of float, shape (L,)
        The weights, to be passed as ``pos_weight``; one number for targets of one axis. Of the
        library of the targets; a list for a list. Always finite: a label without positives
        counts as if it had one, so its weight is its number of negatives, or the cap. A label
        without negatives has weight 0.

    Raises
    ------
    TypeError
        If the targets are not real numbers, or the cap is no number.
    ValueError
        If a target is outside [0, 1], the mask does not fit, or the cap is negative. Under
        tracing and on an accelerator a target outside makes the weight of its label NaN.

    Notes
    -----
    Gradients flow to floating targets. Works inside a compiled step: weights from each batch.
    Dask arrays are summed block by block.

    References
    ----------
    The documentation of ``torch.nn.BCEWithLogitsLoss``, ``pos_weight`` (without the cap).

    Examples
    --------
    >>> pos_weights([[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0]])
    [3.0, 1.0, 4.0]
    >>> pos_weights([[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0]], cap=2.5)
    [2.5, 1.0, 2.5]
    """
    if is_sequence(targets):
        listed = host_array("targets", targets, float)
        given = {"axis": axis, "cap": cap, "mask": mask, "ignore_index": ignore_index}
        return pos_weights(listed, **given).tolist()
    targets, backend = arguments.array_of("targets", targets)
    xp, shape = backend.namespace, backend.shape(targets)
    if not shape:
        raise ValueError("targets: expected at least one axis, got shape ()")
    axis = arguments.axis_of(shape, axis)
    ignore = ignored(ignore_index, integer=False)
    if cap is not None:
        cap = options.number("cap", cap, 0, inf)
    y = arguments.beside("targets", targets, targets, None)
    default = xp.asarray(1.0).dtype
    y = dtypes.floating("targets", y) if dtypes.is_floating(y) else xp.astype(y, default)
    keep = kept(mask, ignore, y, y, shape)
    if keep is not None:
        y = xp.where(keep, y, 0.0)
    y = probabilities("targets", y)
    rest = 1.0 - y if keep is None else xp.where(keep, 1.0 - y, 0.0)
    positives, negatives = y, rest
    others = [i for i in range(len(shape)) if i != axis] if len(shape) > 1 else [0]
    for other in reversed(others):
        positives, negatives = backend.sum(positives, other), backend.sum(negatives, other)
    weights = negatives / xp.where(positives == 0, 1.0, positives)
    return weights if cap is None else xp.where(weights > cap, cap, weights)


def sample_weights(labels: Any, class_weight: Any) -> Any:
    r"""Give every example the weight of its class.

    .. math:: s_i = w_{y_i}

    as ``compute_sample_weight`` of scikit-learn does with weights by class: for data loaders
    and samplers, for a loss of another library, or to combine with weights of your own.

    Parameters
    ----------
    labels : array, column or list of int
        Class labels in 0..K-1, of any shape; a pandas or polars column counts as its array.
    class_weight : array, list, dict or "batch"
        Shape (K,), one weight a class; ``{class: weight}``, where others weigh 1; or ``"batch"``
        for `balanced` counts of the labels.

    Returns
    -------
    array or list of float
        Shape of the labels, dtype of the weights. A list if labels and weights are lists.

    Raises
    ------
    TypeError
        If the labels are not integers, or labels and weights are arrays of two libraries.
    ValueError
        If a label is outside 0..K-1; it is named with its position. Under tracing and on an
        accelerator, where nothing can be raised, its weight is NaN.

    Notes
    -----
    Gradients flow to the class weights.

    Examples
    --------
    >>> sample_weights([0, 0, 1], [0.5, 4.0])
    [0.5, 0.5, 4.0]
    """
    listed = is_sequence(labels)
    if listed:
        labels = host_array("labels", labels)
    labels, backend = arguments.array_of("labels", labels)
    check_labels_dtype("labels", labels)
    xp = backend.namespace
    if is_batch(class_weight):
        class_weight = balanced(class_counts(labels))
    weight = _beside_labels(class_weight, labels)
    if len(weight.shape) > 1 and max(weight.shape) == prod(weight.shape):
        weight = xp.reshape(weight, (-1,))  # further axes of size 1 say nothing
    if len(weight.shape) != 1 or not weight.shape[0]:
        raise ValueError(f"class_weight: expected shape (K,), got shape {tuple(weight.shape)}")
    if by_class(class_weight):  # the last weight is that of the classes that are left out
        last = weight.shape[0] - 1
        if not dtypes.is_floating(labels):
            labels = cast(labels, xp.arange(0).dtype)
        labels = xp.where(labels > last, last, labels)
    labels, outside = class_labels("labels", labels, weight.shape[0], ())
    weights = backend.look_up(weight, labels)
    weights = weights if outside is None else xp.where(outside, xp.nan, weights)
    return weights.tolist() if listed and not hasattr(class_weight, "shape") else weights


def _beside_labels(class_weight: Any, labels: Any) -> Any:
    """Return weights in the library of the labels, in the dtype that they have."""
    if by_class(class_weight):
        class_weight = in_order("class_weight", class_weight, None, 1.0)
        more = [*class_weight, 1.0]
        class_weight = more if isinstance(class_weight, list) else host_array("class_weight", more)
    backend = backend_of(labels)
    if isinstance(class_weight, Real) or is_sequence(class_weight):
        numbers = host_array("class_weight", class_weight, float).tolist()
        values.check_listed("class_weight", numbers)
        return backend.namespace.asarray(numbers, device=backend.device(labels))
    weight = arguments.beside("class_weight", class_weight, labels, None)
    if not dtypes.is_floating(weight):
        weight = backend.namespace.astype(weight, backend.namespace.asarray(1.0).dtype)
    return values.checked("class_weight", weight)
