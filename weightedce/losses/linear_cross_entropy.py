"""Softmax cross-entropy of a linear layer, without all of its logits."""

from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.call import options
from weightedce.call.options import (
    Devices,
    IgnoreIndex,
    ReductionName,
    SmoothingWeight,
    TargetRange,
)
from weightedce.call.reductions import LossTotal, reduction_of
from weightedce.linear.batch import linear_batch
from weightedce.linear.head import Head


def linear_cross_entropy(
    hidden: Array,
    weight: Array,
    targets: Any,
    *,
    bias: Any = None,
    axis: int = -1,
    class_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: float = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    target_range: TargetRange = "unit",
    z_loss: float = 0.0,
    softcap: float | None = None,
    block_size: int | None = None,
    shards: Devices = None,
    reduction: ReductionName = "mean",
) -> Any:
    r"""Cross-entropy of the logits hidden @ weight.T + bias, which are never held all at once.

    .. math::
        z = W h + b, \qquad
        \hat z = c \tanh(z / c), \qquad
        l = l_{\mathrm{CE}}(\hat z, q) + \zeta \, s \Bigl( \sum_k q_k w_k \Bigr)
        \Bigl( \log \sum_j e^{\hat z_j} \Bigr)^2

    in nats, with `cross_entropy` :math:`l_{\mathrm{CE}}`, sample weight s, class weights w, the cap
    c of the logits and the strength :math:`\zeta` of the z-loss. The logits of V classes are formed
    for some rows at a time, and with them the share of these rows in the gradients.

    Parameters
    ----------
    hidden : array of float
        (N, D), or any shape with the D features along ``axis``. Of float16 and bfloat16 the
        logits and sums are float32.
    weight : array of float
        (V, D), one row a class.
    targets : array or list
        By its rank alone: one axis fewer than hidden and an integer dtype = class labels in
        0..V-1; the same rank = a distribution over the classes along ``axis``.
    bias : list or array, optional
        Shape (V,). -inf leaves a class out.
    axis : int
        The axis of the features in hidden, and of the classes in a distribution.
    class_weight, sample_weight, mask, ignore_index, label_smoothing, smoothing_weight
        As in `cross_entropy`.
    target_range
        As in `cross_entropy`.
    z_loss : float
        :math:`\zeta \ge 0`. It has the example's effective weight, class weight included, so that
        an example of weight 2 is that example twice. PaLM takes 1e-4.
    softcap : float, optional
        c > 0: logits stay within (-c, c). Gemma 2 takes 30. Default: no cap.
    block_size : int, optional
        Rows in a block, at least 1. Default: those of 12 million logits (50 MB of float32) in
        NumPy, 21 million in JAX and TensorFlow, 33 million in PyTorch. TensorFlow takes half as
        many where labels are smoothed or targets are distributions; PyTorch on an accelerator as
        many as there are weights, if these are more and memory is free.
    shards : optional
        The devices that the other classes are on, as in `cross_entropy`: weight and bias are the
        rows of this device's classes. Hidden and all else is that of one device, and the same on
        each; the gradient to hidden is the sum over the devices, which is formed once. Blocks have
        a maximum and a sum over the devices each.
    reduction : {"mean", "sum", "none", "weighted_mean", "total"}
        As in `cross_entropy`.

    Returns
    -------
    array or LossTotal
        0-d, or of the shape of hidden without ``axis`` for ``"none"``; of the dtype of hidden,
        float32 for half precision. In [0, inf].

    Raises
    ------
    TypeError, ValueError
        As in `cross_entropy`; and if the features of hidden and weight differ in number, bias is
        not of shape (V,), or an option is outside its range.

    Notes
    -----
    Limits: as `cross_entropy`.

    Gradients flow to hidden, weight, bias, targets (a distribution) and all weights, first and
    second order, forward and reverse, each in the dtype of its array. Those to hidden, weight and
    bias are formed together with the value, in three matrix products, and scaled later. Where
    another one is wanted, for ``reduction="none"``, and for second derivatives, logits are formed
    a second time.

    Memory beyond the arguments and their gradients: one block, and what the library makes of it.
    All logits may be held by torch under ``torch.func`` and forward mode, and by all
    libraries for second derivatives; see the page of this loss. In half precision there are
    float32 copies of weight and of its gradient; of bfloat16 by kernels of PyTorch the latter.

    Differences: ``torch.nn.functional.linear_cross_entropy`` has neither sample weights, mask,
    z-loss nor softcap, and with blocks (``options``) no second derivative, no ``torch.func`` and no
    ``torch.compile``. Keras and optax have no such loss.

    References
    ----------
    Blocks: Wijmans, Huval, Hertzberg, Koltun, Krähenbühl (2024), "Cut Your Losses in
    Large-Vocabulary Language Models", section 4. z-loss: Chowdhery et al. (2022), "PaLM: Scaling
    Language Modeling with Pathways", section 5. Cap: Gemma Team (2024), "Gemma 2", section 2.

    Examples
    --------
    >>> import numpy as np
    >>> hidden = np.array([[1.0, 0.0], [0.5, 2.0]])
    >>> weight = np.array([[2.0, 0.0], [0.0, 0.5], [0.0, 1.0]])
    >>> linear_cross_entropy(hidden, weight, [0, 1]).round(4)
    np.float64(0.8955)
    >>> cross_entropy(hidden @ weight.T, [0, 1]).round(4)
    np.float64(0.8955)
    """
    b = linear_batch(
        hidden,
        weight,
        targets,
        bias=bias,
        axis=axis,
        class_weight=class_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        target_range=target_range,
        block_size=block_size,
        shards=shards,
        alike=(label_smoothing, smoothing_weight, z_loss, softcap, reduction),
        smoothed=label_smoothing != 0.0,
    )
    # now, when devices have agreed: one that raised before would let the others wait
    asked = reduction_of(reduction)
    cap = None if softcap is None else options.number("softcap", softcap, 1e-3, 1e30)
    head = Head(
        options.number("label_smoothing", label_smoothing, 0, 1),
        options.smoothing_policy(smoothing_weight),
        b.target_range,
        options.number("z_loss", z_loss, 0.0),
        cap,
        shards,
    )
    backend = backend_of(b.linear[0])
    given = head, b.linear, b.rows, b.shared, b.block_size
    if asked.apart:
        return backend.namespace.reshape(backend.linear_losses(*given), b.shape)
    return asked.finish(LossTotal(*backend.linear_sums(*given)))
