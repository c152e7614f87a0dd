"""`CrossEntropyLoss` and `BCEWithLogitsLoss`: torch's own classes, argument by argument."""

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

import torch

import weightedce
from weightedce import arguments
from weightedce.backends.torch_loss import Loss, check_tensor, class_axis


class CrossEntropyLoss(Loss):
    r"""``torch.nn.CrossEntropyLoss`` by its arguments, shapes and numbers, and what it lacks.

    Changing the import changes no finite number. For labels y or a distribution q over K classes

    .. math:: l = -\sum_k w_k \, \bigl((1 - e) q_k + e/K\bigr) \log p_k, \quad
        p = \mathrm{softmax}(z)

    in nats, with class weights w and label smoothing e.

    Parameters
    ----------
    weight : number, list, array or tensor, optional
        Class weights, shape (K,); becomes a buffer.
    size_average, reduce : bool, optional
        Deprecated by torch: use ``reduction``.
    ignore_index : int
        Examples with this label are removed. Labels only.
    reduction : {"mean", "sum", "none", "weighted_mean", "total"}
        ``"mean"`` is torch's: for labels the sum / the sum of the weights of the kept examples
        (``sample_weight`` included), for a distribution the sum / the number of examples. The
        others are those of `weightedce.cross_entropy`.
    label_smoothing : float
        e in [0, 1].
    smoothing_weight : {"class", "target"}
        ``"class"`` is torch's: each class's share of the smoothed target has its own weight. See
        `weightedce.cross_entropy` for the other.
    target_range : {"any", "unit"}
        ``"any"`` is torch's: a distribution may hold any numbers. ``"unit"`` refuses what is
        outside [0, 1].

    Notes
    -----
    Called as ``criterion(input, target, *, sample_weight=None, mask=None)``. Shapes: input (K,),
    (N, K) or (N, K, d1, ...); target without the axis of K for labels of any integer dtype, or
    of the shape of the input for a distribution; ``sample_weight`` and ``mask`` align with the
    leading axes of the labels. Raises as `weightedce.cross_entropy` does.

    Differences from torch: where nothing is left (all ignored, weights 0, an empty batch)
    ``"mean"`` is 0 with gradient 0, not NaN; NaN in an ignored example does not reach the
    gradient; infinite logits give the limit; a label out of range is a ValueError that names
    it, or NaN in compiled code and on an accelerator, not an abort; float16 and bfloat16 give a
    float32 loss; integers of any width are labels. It is no instance of torch's class, and takes
    ``torch.compile`` and ``torch.export``, not ``torch.jit``.

    Gradients flow to the input, a distribution and the weights.

    Examples
    --------
    >>> import torch
    >>> criterion = CrossEntropyLoss(weight=[1.0, 5.0, 5.0])
    >>> logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]])
    >>> criterion(logits, torch.tensor([0, 1]))
    tensor(1.8481)
    >>> criterion(logits, torch.tensor([0, 1]), sample_weight=torch.tensor([1.0, 0.0]))
    tensor(0.2395)
    """

    function = staticmethod(weightedce.cross_entropy)
    names: ClassVar[Mapping[str, str]] = {**Loss.names, "class_weight": "weight"}

    def __init__(
        self,
        weight: Any = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        *,
        smoothing_weight: str = "class",
        target_range: str = "any",
    ) -> None:
        super().__init__(
            weight=weight,
            ignore_index=ignore_index,
            reduction=_named(size_average, reduce, reduction),
            label_smoothing=label_smoothing,
            smoothing_weight=smoothing_weight,
            target_range=target_range,
        )

    def forward(
        self,
        input: torch.Tensor,  # noqa: A002 - torch's name
        target: Any,
        *,
        sample_weight: Any = None,
        mask: Any = None,
    ) -> Any:
        """Return the loss of a batch of logits and targets."""
        check_tensor(input)
        axis = class_axis(input)
        target = torch.as_tensor(target, device=input.device)
        labels = target.ndim == input.ndim - 1
        if target.shape == input.shape and not target.is_floating_point():
            raise TypeError(
                f"target: expected floating-point probabilities, since it has the shape of the "
                f"input, {tuple(input.shape)}, got dtype {target.dtype}: labels have no class axis"
            )
        if self.weight is not None and self.weight.shape not in ((), input.shape[axis : axis + 1]):
            raise ValueError(
                f"weight: expected one number for each of the {input.shape[axis]} classes, got "
                f"shape {tuple(self.weight.shape)}"
            )
        smoothing, ignored, reduction = self.label_smoothing, self.ignore_index, self.reduction
        if labels and reduction == "mean":
            reduction = "weighted_mean"
        if not labels and ignored < 0:
            ignored = None
        if not labels and smoothing and self.smoothing_weight == "class":
            # torch adds e / K whatever a row sums to
            target = (1.0 - smoothing) * target + smoothing / input.shape[axis]
            smoothing = 0.0
        return self._call(
            input,
            target,
            axis=axis,
            class_weight=self.weight,
            sample_weight=sample_weight,
            mask=mask,
            ignore_index=ignored,
            label_smoothing=smoothing,
            smoothing_weight=self.smoothing_weight,
            target_range=self.target_range,
            reduction=reduction,
        )


class BCEWithLogitsLoss(Loss):
    r"""``torch.nn.BCEWithLogitsLoss`` by its arguments, shapes and numbers, and what it lacks.

    Changing the import changes no finite number. For logits z and targets y of the same shape

    .. math:: l = w \, \bigl[ w_+ \, y \log(1 + e^{-z}) + w_- \, (1 - y) \log(1 + e^{z}) \bigr]

    in nats.

    Parameters
    ----------
    weight : number, list, array or tensor, optional
        w: broadcast to the shape of the input from its last axis, as in torch. A buffer.
    size_average, reduce : bool, optional
        Deprecated by torch: use ``reduction``.
    reduction : {"mean", "sum", "none", "weighted_mean", "total"}
        ``"mean"``: sum / number of elements that are not masked, whatever their weights. The
        others are those of `weightedce.binary_cross_entropy`.
    pos_weight, neg_weight : number, list, array or tensor, optional
        Weights of positives and negatives, broadcast from the last axis. Buffers.
    ignore_index : number, optional
        Elements with this target are removed.
    label_smoothing, smoothing_weight
        As in `weightedce.binary_cross_entropy`.
    target_range : {"any", "unit"}
        ``"any"`` is torch's: targets may be any numbers. ``"unit"`` refuses what is outside
        [0, 1].

    Notes
    -----
    Called as ``criterion(input, target, *, sample_weight=None, mask=None)``; the last two align
    with the leading axes of the input. Raises as `weightedce.binary_cross_entropy` does, and
    if a weight does not broadcast to the input: it never makes the loss larger.

    Differences from torch: infinite logits give the limit, not NaN; an empty batch gives 0,
    not NaN; float16 and bfloat16 give a float32 loss, and otherwise the loss has the dtype of the
    input, whatever the target's; integer and boolean targets are taken. It is no instance of
    torch's class, and takes ``torch.compile`` and ``torch.export``, not ``torch.jit``.

    Gradients flow to the input, the targets and the weights.

    Examples
    --------
    >>> import torch
    >>> criterion = BCEWithLogitsLoss(pos_weight=[2.5, 10.0], label_smoothing=0.1)
    >>> criterion(torch.zeros(2, 2), torch.tensor([[1, 0], [0, 1]]))
    tensor(2.5127)
    """

    function = staticmethod(weightedce.binary_cross_entropy)

    def __init__(
        self,
        weight: Any = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Any = None,
        *,
        neg_weight: Any = None,
        ignore_index: float | None = None,
        label_smoothing: float = 0.0,
        smoothing_weight: str = "target",
        target_range: str = "any",
    ) -> None:
        super().__init__(
            weight=weight,
            reduction=_named(size_average, reduce, reduction),
            pos_weight=pos_weight,
            neg_weight=neg_weight,
            ignore_index=ignore_index,
            label_smoothing=label_smoothing,
            smoothing_weight=smoothing_weight,
            target_range=target_range,
        )

    def forward(
        self,
        input: torch.Tensor,  # noqa: A002 - torch's name
        target: Any,
        *,
        sample_weight: Any = None,
        mask: Any = None,
    ) -> Any:
        """Return the loss of a batch of logits and targets."""
        check_tensor(input)
        target = torch.as_tensor(target, device=input.device)
        shape = input.shape
        if target.shape != shape:
            raise ValueError(
                f"target: expected the shape of the input, {tuple(shape)}, got "
                f"{tuple(target.shape)}"
            )
        pos, neg = self.pos_weight, self.neg_weight
        sample_weight = _times(_broadcast("weight", self.weight, input), sample_weight, input)
        by_element = any(weight is not None and weight.ndim > 1 for weight in (pos, neg))
        if by_element:  # one row of elements, each a label with a weight of its own
            pos, neg, sample_weight, mask = (
                None if weight is None else weight.reshape(-1)
                for weight in (
                    _broadcast("pos_weight", pos, input),
                    _broadcast("neg_weight", neg, input),
                    _leading("sample_weight", sample_weight, input),
                    _leading("mask", mask, input),
                )
            )
            input, target = input.reshape(-1), target.reshape(-1)  # noqa: A001
        loss = self._call(
            input,
            target,
            pos_weight=pos,
            neg_weight=neg,
            sample_weight=sample_weight,
            mask=mask,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            smoothing_weight=self.smoothing_weight,
            target_range=self.target_range,
            reduction=self.reduction,
        )
        return loss.reshape(shape) if by_element and self.reduction == "none" else loss


def _named(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Return the reduction that torch's deprecated flags stand for."""
    if size_average is None and reduce is None:
        return reduction
    name = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(
        f"size_average, reduce: deprecated by torch, pass reduction={name!r}",
        FutureWarning,
        stacklevel=3,
    )
    return name


def _broadcast(name: str, weight: Any, logits: torch.Tensor) -> Any:
    """Lay a weight over the shape of the logits from the last axis, as torch does."""
    if weight is None:
        return None
    try:
        return weight.broadcast_to(logits.shape)
    except RuntimeError:
        raise ValueError(
            f"{name}: expected a shape that broadcasts to the input's, {tuple(logits.shape)}, "
            f"got {tuple(weight.shape)}"
        ) from None


def _leading(name: str, weight: Any, logits: torch.Tensor) -> Any:
    """Lay a sample weight or mask over the shape of the logits from the first axis."""
    if weight is None:
        return None
    weight = torch.as_tensor(weight, device=logits.device)
    return arguments.along_leading(name, weight, logits.shape).broadcast_to(logits.shape)


def _times(weight: Any, sample_weight: Any, logits: torch.Tensor) -> Any:
    """Return the product of the weight and the sample weight, laid over the logits."""
    if weight is None or sample_weight is None:
        return sample_weight if weight is None else weight
    return weight * _leading("sample_weight", sample_weight, logits)
