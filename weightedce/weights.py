"""From class counts to weights.

Lists in, lists out: a list of counts gives a list of weights, which every library's losses
take. An array gives an array of the same library, inside a compiled step too.
"""

from typing import Any

from weightedce import arguments
from weightedce.backends import Array, backend_of


def class_counts(labels: Any, num_classes: int, *, ignore_index: int | None = None) -> Any:
    r"""Count how often each class occurs.

    .. math:: n_k = \#\{i : y_i = k\}, \quad k = 0, \dots, K - 1

    Parameters
    ----------
    labels : array or list of int
        Class labels in 0..K-1, of any shape (label maps included).
    num_classes : int
        K, the number of classes, at least 1. It must be given: the labels of a batch need not
        hold every class, and a compiled step needs a static shape.
    ignore_index : int, optional
        A label that is not counted.

    Returns
    -------
    array or list of int
        Shape (K,), integers; a class that does not occur has 0.

    Raises
    ------
    TypeError
        If the labels are not integers.
    ValueError
        If a label is outside 0..K-1; it is named with its position. Under tracing and on an
        accelerator, where nothing can be raised, such labels are not counted.

    Notes
    -----
    Gradients: none flow. Works in ``jax.jit`` and ``vmap``, ``torch.compile`` and
    ``tf.function``: the labels are sorted, O(n log n), and nothing of size n x K is held.

    Examples
    --------
    >>> import numpy as np
    >>> class_counts(np.array([0, 2, 0, 0]), 3)
    array([3, 0, 1])
    >>> class_counts([[0, 1], [1, 255]], 2, ignore_index=255)
    [1, 2]
    """
    if isinstance(num_classes, bool) or not isinstance(num_classes, int) or num_classes < 1:
        raise ValueError(f"num_classes: expected an integer >= 1, got {num_classes!r}")
    if isinstance(labels, list | tuple):
        return class_counts(
            _host_array("labels", labels, int), num_classes, ignore_index=ignore_index
        ).tolist()
    labels = arguments.class_labels("labels", labels)
    backend = backend_of(labels)
    xp = backend.namespace
    index = xp.arange(num_classes, device=backend.device(labels))
    outside = (labels < 0) | (labels >= num_classes)
    if ignore_index is not None:
        outside = outside & (labels != ignore_index)
    arguments.all_inside("labels", labels, outside, 0, num_classes - 1)
    ordered = xp.sort(xp.reshape(labels, (-1,)))
    end = xp.searchsorted(ordered, index, side="right")
    begin = xp.searchsorted(ordered, index, side="left")
    counts = end - begin
    if ignore_index is not None and 0 <= ignore_index < num_classes:
        counts = xp.where(index == ignore_index, 0, counts)
    return counts


def balanced(counts: Any, *, normalize: str | None = "samples") -> Any:
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
        If the counts are not one-dimensional, or a list holds a negative number or NaN.

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
    if normalize is not None:
        arguments.choice("normalize", normalize, ("samples", "classes"))
    if isinstance(counts, list | tuple):
        arguments.nonnegative("counts", counts)
        return balanced(_host_array("counts", counts, float), normalize=normalize).tolist()
    xp = arguments.library("counts", counts).namespace
    if len(counts.shape) != 1:
        raise ValueError(f"counts: expected shape (K,), got shape {tuple(counts.shape)}")
    size = counts.shape[0]
    if not arguments.is_floating(counts):
        counts = xp.astype(counts, xp.asarray(1.0).dtype)
    present = counts > 0
    classes = xp.sum(xp.astype(present, counts.dtype)) if normalize == "samples" else size
    weights = xp.where(present, xp.sum(counts) / xp.where(present, classes * counts, 1.0), 0.0)
    if normalize != "classes":
        return weights
    total = xp.sum(weights)
    return weights * (size / xp.where(total > 0, total, 1.0))


def sample_weights(labels: Any, class_weight: Any) -> Any:
    r"""Give every example the weight of its class.

    .. math:: s_i = w_{y_i}

    as ``compute_sample_weight`` of scikit-learn does with weights by class: for data loaders
    and samplers, for a loss of another library, or to combine with weights of your own.

    Parameters
    ----------
    labels : array or list of int
        Class labels in 0..K-1, of any shape.
    class_weight : array or list of numbers, shape (K,)
        One weight a class, in the library of the labels, or a list.

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
    if isinstance(labels, list | tuple):
        labels = _host_array("labels", labels, int)
        if isinstance(class_weight, list | tuple):
            return sample_weights(labels, class_weight).tolist()
    labels = arguments.class_labels("labels", labels)
    backend = backend_of(labels)
    xp = backend.namespace
    if isinstance(class_weight, list | tuple):
        arguments.nonnegative("class_weight", class_weight)
        class_weight = [float(weight) for weight in class_weight]
    class_weight = arguments.beside("class_weight", class_weight, labels, None)
    if len(class_weight.shape) != 1 or not class_weight.shape[0]:
        raise ValueError(
            f"class_weight: expected shape (K,), got shape {tuple(class_weight.shape)}"
        )
    classes = class_weight.shape[0]
    outside = (labels < 0) | (labels >= classes)
    inside = arguments.all_inside("labels", labels, outside, 0, classes - 1)
    index = xp.reshape(xp.where(outside, 0, labels), (-1,))
    weights = xp.reshape(xp.take(class_weight, index, axis=0), backend.shape(labels))
    return weights if inside else xp.where(outside, xp.nan, weights)


def _host_array(name: str, values: Any, dtype: type) -> Array:
    """Return a list as a NumPy array, whatever frameworks are there."""
    import numpy as np

    if dtype is int and not all(isinstance(x, int) for x in arguments.numbers_in(name, values)):
        raise TypeError(f"{name}: expected integers, got {values!r:.80}")
    return np.asarray(values, dtype=dtype)
