"""`ExpectedCostLoss`: one logit per element or one per class, which the shapes tell."""

from typing import Any

import torch

from weightedce import losses
from weightedce.torch.families import ClassLoss, class_axis


class ExpectedCostLoss(ClassLoss, function=losses.expected_cost):
    """Expected cost of the decision, by a cost matrix.

    Parameters
    ----------
    axis : int, optional
        The class axis. Default: a target of the shape of the input and a 2 x 2 matrix mean one
        logit per element; anything else classes on axis 1, or 0 for logits of one axis.
    """

    def _class_axis(self, logits: torch.Tensor, target: Any) -> int | None:
        binary = self.cost_matrix.shape == (2, 2) and logits.ndim == torch.as_tensor(target).ndim
        return None if binary else class_axis(logits)
