"""`ExpectedCostLoss`: one logit per element or one per class, which the shapes tell."""

from collections.abc import Mapping
from typing import Any

import torch

from weightedce import losses
from weightedce.torch.families import ClassLoss, class_axis
from weightedce.torch.tensors import target_of


class ExpectedCostLoss(ClassLoss, function=losses.expected_cost):
    """Expected cost of the decision, by a cost matrix.

    Parameters
    ----------
    axis : int, optional
        The class axis. Default: a target of the shape of the input and a 2 x 2 matrix mean one
        logit per element; anything else classes on axis 1, or 0 for logits of one axis.
    """

    def _class_axis(self, logits: torch.Tensor, target: Any) -> int | None:
        alike = logits.shape == target_of(target, logits).shape
        return None if alike and self.cost_matrix.shape == (2, 2) else class_axis(logits)

    def _classes(self, _: tuple[Any, ...], __: Mapping[str, Any]) -> Any:
        return self.cost_matrix.shape[0]
