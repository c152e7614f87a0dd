"""`linear_cross_entropy` as a PyTorch module."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from weightedce import losses
from weightedce.torch.loss import Loss, whole


class LinearCrossEntropyLoss(Loss, function=losses.linear_cross_entropy, order="weight"):
    """Cross-entropy of a linear layer's logits, which are never held all at once.

    Parameters
    ----------
    weight : number, list, array or tensor, optional
        Class weights, shape (V,), by torch's name for them. The matrix of the layer is given with
        the batch.

    Notes
    -----
    ``linear_weight`` and ``bias`` are those of an ``nn.Linear``: names and order are those of
    ``torch.nn.functional.linear_cross_entropy``, whose bias is by name only.

    Examples
    --------
    >>> import torch
    >>> head = torch.nn.Linear(16, 1000)
    >>> criterion = LinearCrossEntropyLoss(z_loss=1e-4)
    >>> hidden, labels = torch.randn(8, 16), torch.randint(0, 1000, (8,))
    >>> criterion(hidden, head.weight, labels, head.bias).backward()
    """

    names: ClassVar[Mapping[str, str]] = {
        "hidden": "input",
        "weight": "linear_weight",
        "targets": "target",
        "class_weight": "weight",
    }

    def _classes(self, batch: tuple[Any, ...], _: Mapping[str, Any]) -> Any:
        return batch[1].shape[0]

    @whole
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
        rows = {"bias": bias, "sample_weight": sample_weight, "mask": mask}
        return self._call((input, linear_weight, target), self._read() | rows)
