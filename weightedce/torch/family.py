"""The losses as PyTorch modules. torch's own two have files of their own."""

from typing import Any

import torch

from weightedce import losses
from weightedce.torch.loss import FunctionLoss, class_axis


class ConfusionCrossEntropyLoss(FunctionLoss, function=losses.confusion_cross_entropy):
    """Cross-entropy with a weight for each of the four outcomes of a yes/no decision."""


class BinaryFocalLoss(FunctionLoss, function=losses.binary_focal_loss):
    """Focal loss of independent yes/no targets."""


class AsymmetricLoss(FunctionLoss, function=losses.asymmetric_loss):
    """Asymmetric loss for multi-label targets."""


class FocalLoss(FunctionLoss, function=losses.focal_loss):
    """Focal loss over classes."""


class PolyCrossEntropyLoss(FunctionLoss, function=losses.poly_cross_entropy):
    """Poly-1 cross-entropy."""


class GeneralizedCrossEntropyLoss(FunctionLoss, function=losses.generalized_cross_entropy):
    """Generalized cross-entropy, for labels that are partly wrong."""


class LogitAdjustedCrossEntropyLoss(FunctionLoss, function=losses.logit_adjusted_cross_entropy):
    """Cross-entropy of logits adjusted by the class prior."""


class BalancedSoftmaxCrossEntropyLoss(FunctionLoss, function=losses.balanced_softmax_cross_entropy):
    """Cross-entropy of the softmax balanced by class counts."""


class LDAMCrossEntropyLoss(FunctionLoss, function=losses.ldam_cross_entropy):
    """Cross-entropy with label-distribution-aware margins."""


class VectorScalingCrossEntropyLoss(FunctionLoss, function=losses.vector_scaling_cross_entropy):
    """Cross-entropy of logits scaled and shifted by class."""


class ExpectedCostLoss(FunctionLoss, function=losses.expected_cost):
    """Expected cost of the decision, by a cost matrix."""

    def _class_axis(self, logits: torch.Tensor, target: Any) -> int | None:
        binary = self.cost_matrix.shape == (2, 2) and logits.ndim == torch.as_tensor(target).ndim
        return None if binary else class_axis(logits)


class RecallSpecificityLoss(FunctionLoss, function=losses.recall_specificity_loss):
    """One minus the weighted mean of soft recall and soft specificity."""


class TverskyLoss(FunctionLoss, function=losses.tversky_loss):
    """Tversky loss: overlap with weights for false positives and false negatives."""


class FBetaLoss(FunctionLoss, function=losses.f_beta_loss):
    """One minus the soft F-beta score."""


class DiceLoss(FunctionLoss, function=losses.dice_loss):
    """Dice loss: one minus the soft F1 score."""
