"""`linear_cross_entropy` as a PyTorch module."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from weightedce import losses
from weightedce.torch.loss import Loss


class LinearCrossEntropyLoss(Loss):
    """Cross-entropy of a linear layer's logits, which are never held all at once.

    Parameters
    ----------
    weight : number, list, array or tensor, optional
        Class weights, shape (V,), by torch's name for them; becomes a buffer. The matrix of the
        layer is given with the batch.
    axis, ignore_index, label_smoothing, smoothing_weight, target_range, z_loss, softcap, \
block_size, reduction
        As in `weightedce.linear_cross_entropy`.

    Notes
    -----
    Called as ``criterion(input, linear_weight, target, bias=None, *, sample_weight=None,
    mask=None)``, with the weight and bias of an ``nn.Linear``: names and order are those of
    ``torch.nn.functional.linear_cross_entropy``, whose bias is by name only. Formula, shapes,
    units, errors, gradient flow and source are those of `weightedce.linear_cross_entropy`. Under
    autocast the loss is computed in float32 or wider all the same.

    Examples
    --------
    >>> import torch
    >>> head = torch.nn.Linear(16, 1000)
    >>> criterion = LinearCrossEntropyLoss(z_loss=1e-4)
    >>> hidden, labels = torch.randn(8, 16), torch.randint(0, 1000, (8,))
    >>> criterion(hidden, head.weight, labels, head.bias).backward()
    """

    function = staticmethod(losses.linear_cross_entropy)
    names: ClassVar[Mapping[str, str]] = {
        "hidden": "input",
        "weight": "linear_weight",
        "targets": "target",
        "class_weight": "weight",
    }

    def __init__(
        self,
        weight: Any = None,
        *,
        axis: int = -1,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        smoothing_weight: str = "target",
        target_range: str = "unit",
        z_loss: float = 0.0,
        softcap: float | None = None,
        block_size: int | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(
            weight=weight,
            axis=axis,
            ignore_index=ignore_index,
            label_smoothing=label_smoothing,
            smoothing_weight=smoothing_weight,
            target_range=target_range,
            z_loss=z_loss,
            softcap=softcap,
            block_size=block_size,
            reduction=reduction,
        )

    def forward(
        self,
        input: torch.Tensor,  # noqa: A002 - torch's name
        linear_weight: torch.Tensor,
        target: Any,
        bias: Any = None,
        *,
        sample_weight: Any = None,
        mask: Any = None,
    ) -> Any:
        """Return the loss of a batch of hidden states and targets."""
        options = {name: getattr(self, name) for name in self._defaults if name != "weight"}
        return self._call(
            input,
            linear_weight,
            target,
            bias=bias,
            class_weight=self.weight,
            sample_weight=sample_weight,
            mask=mask,
            **options,
        )
