"""The losses as PyTorch modules: an import and a name are all that changes in a training script.

`CrossEntropyLoss`, `BCEWithLogitsLoss` and `LinearCrossEntropyLoss` take the arguments of torch's
own classes, and more by name. Each hands its options to a function of the library: no formula is
here.
"""

from weightedce.torch.bce_with_logits import BCEWithLogitsLoss
from weightedce.torch.cross_entropy import CrossEntropyLoss
from weightedce.torch.family import (
    AsymmetricLoss,
    BalancedSoftmaxCrossEntropyLoss,
    BinaryFocalLoss,
    ConfusionCrossEntropyLoss,
    DiceLoss,
    ExpectedCostLoss,
    FBetaLoss,
    FocalLoss,
    GeneralizedCrossEntropyLoss,
    LDAMCrossEntropyLoss,
    LogitAdjustedCrossEntropyLoss,
    PolyCrossEntropyLoss,
    RecallSpecificityLoss,
    TverskyLoss,
    VectorScalingCrossEntropyLoss,
)
from weightedce.torch.linear_cross_entropy import LinearCrossEntropyLoss

__all__ = [
    "AsymmetricLoss",
    "BCEWithLogitsLoss",
    "BalancedSoftmaxCrossEntropyLoss",
    "BinaryFocalLoss",
    "ConfusionCrossEntropyLoss",
    "CrossEntropyLoss",
    "DiceLoss",
    "ExpectedCostLoss",
    "FBetaLoss",
    "FocalLoss",
    "GeneralizedCrossEntropyLoss",
    "LDAMCrossEntropyLoss",
    "LinearCrossEntropyLoss",
    "LogitAdjustedCrossEntropyLoss",
    "PolyCrossEntropyLoss",
    "RecallSpecificityLoss",
    "TverskyLoss",
    "VectorScalingCrossEntropyLoss",
]
