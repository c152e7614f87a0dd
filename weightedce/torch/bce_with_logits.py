"""`BCEWithLogitsLoss`: torch's own class, argument by argument."""

from typing import Any

import torch

from weightedce import losses
from weightedce.call import arguments
from weightedce.torch.families import LogitsLoss, check_tensor
from weightedce.torch.loss import whole
from weightedce.torch.tensors import target_of


class BCEWithLogitsLoss(
    LogitsLoss,
    torch.nn.BCEWithLogitsLoss,
    function=losses.binary_cross_entropy,
    order="weight size_average reduce reduction pos_weight",
    without=["axis"],
    target_range="any",
):
    r"""``torch.nn.BCEWithLogitsLoss`` by its arguments, shapes and numbers, and what it lacks.

    Changing the import changes no finite number. For logits z and targets y of the same shape

    .. math:: l = w \, \bigl[ w_+ \, y \log(1 + e^{-z}) + w_- \, (1 - y) \log(1 + e^{z}) \bigr]

    in nats.

    Parameters
    ----------
    weight : number, list, array or tensor, optional
        w: broadcast to the shape of the input from its last axis, as in torch.
    size_average, reduce : bool, optional
        Deprecated by torch: use ``reduction``.
    reduction : {"mean", "sum", "none", "weighted_mean", "total"}
        ``"mean"``: sum / number of elements that are not masked, whatever their weights. The
        others are those of `weightedce.binary_cross_entropy`.
    pos_weight, neg_weight : number, list, array or tensor, optional
        Weights of positives and negatives, broadcast from the last axis.
    target_range : {"any", "unit"}
        ``"any"`` is torch's: targets may be any numbers. ``"unit"`` refuses what is outside
        [0, 1].

    Notes
    -----
    ``sample_weight`` and ``mask`` align with the leading axes of the input. A weight that does not
    broadcast to the input is an error: it never makes the loss larger.

    Differences from torch: infinite logits give the limit, not NaN; an empty batch gives 0,
    not NaN; float16 and bfloat16 give a float32 loss, and otherwise the loss has the dtype of the
    input, whatever the target's; integer and boolean targets are taken. It is an instance of
    torch's class, and takes ``torch.compile``, ``torch.export`` and what traces, not
    ``torch.jit.script``.

    Gradients flow to the input, the targets and the weights.

    Examples
    --------
    >>> import torch
    >>> criterion = BCEWithLogitsLoss(pos_weight=[2.5, 10.0], label_smoothing=0.1)
    >>> criterion(torch.zeros(2, 2), torch.tensor([[1, 0], [0, 1]]))
    tensor(2.5127)
    """

    weight: Any = None
    size_average: bool | None = None
    reduce: bool | None = None

    @whole
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
        target = target_of(target, input)
        shape = input.shape
        if target.shape != shape:
            raise ValueError(
                f"target: expected the shape of the input, {tuple(shape)}, got "
                f"{tuple(target.shape)}"
            )
        options = self._read()
        weight, pos, neg = options.pop("weight"), options["pos_weight"], options["neg_weight"]
        if weight is not None:
            sample_weight = _times(_broadcast("weight", weight, input), sample_weight, input)
        by_element = (pos is not None and pos.ndim > 1) or (neg is not None and neg.ndim > 1)
        if by_element:  # one row of elements, each a label with a weight of its own
            options["pos_weight"], options["neg_weight"], sample_weight, mask = (
                None if weight is None else weight.reshape(-1)
                for weight in (
                    _broadcast("pos_weight", pos, input),
                    _broadcast("neg_weight", neg, input),
                    _leading("sample_weight", sample_weight, input),
                    _leading("mask", mask, input),
                )
            )
            input, target = input.reshape(-1), target.reshape(-1)  # noqa: A001
        options["sample_weight"], options["mask"] = sample_weight, mask
        loss = self._call((input, target), options)
        return loss.reshape(shape) if by_element and self.reduction == "none" else loss


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
    if sample_weight is None:
        return weight
    return weight * _leading("sample_weight", sample_weight, logits)
