"""The losses as PyTorch modules: an import and a name are all that changes in a training script.

`CrossEntropyLoss`, `BCEWithLogitsLoss` and `LinearCrossEntropyLoss` take the arguments of torch's
own classes, and more by name. Each hands its options to a function of the library: no formula is
here. Losses that say nothing of their own have a class all the same, named after the function.
"""

from typing import Any

import torch.nn.modules.loss

from weightedce.call.options import (
    Absent,
    Assignment,
    Background,
    Devices,
    Errors,
    IgnoreIndex,
    LabelReduction,
    LabelSmoothing,
    Link,
    ProblemReduction,
    ReductionName,
    ScaleBy,
    SmoothingWeight,
    TargetRange,
)
from weightedce.torch.constrained import Constrained
from weightedce.torch.families import ClassLoss, CountsLoss, LogitsLoss
from weightedce.torch.loss import Loss

__all__ = [
    "AsymmetricLoss",
    "BCEWithLogitsLoss",
    "BalancedSoftmaxCrossEntropyLoss",
    "BinaryFocalLoss",
    "ConfusionCrossEntropyLoss",
    "ConstrainedBinaryCrossEntropyLoss",
    "ConstrainedCrossEntropyLoss",
    "CrossEntropyLoss",
    "DiceLoss",
    "DistributionBalancedLoss",
    "ExpectedCostLoss",
    "FBetaLoss",
    "FocalLoss",
    "FocalTverskyLoss",
    "GeneralizedCrossEntropyLoss",
    "LDAMCrossEntropyLoss",
    "LinearCrossEntropyLoss",
    "LogitAdjustedCrossEntropyLoss",
    "LovaszLoss",
    "PolyCrossEntropyLoss",
    "RecallSpecificityLoss",
    "SeesawLoss",
    "TverskyLoss",
    "VectorScalingCrossEntropyLoss",
]

class AsymmetricLoss(LogitsLoss):
    """Asymmetric loss: focuses positives and negatives apart, and drops easy negatives."""

    def __init__(
        self,
        *,
        gamma_pos: float = 1.0,
        gamma_neg: float = 4.0,
        clip: float = 0.05,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        axis: int = -1,
        reduction: ReductionName = "mean",
    ) -> None: ...

class BCEWithLogitsLoss(LogitsLoss, torch.nn.modules.loss.BCEWithLogitsLoss):
    """``torch.nn.BCEWithLogitsLoss`` by its arguments, shapes and numbers, and what it lacks."""

    def __init__(
        self,
        weight: Any = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: ReductionName = "mean",
        pos_weight: Any = None,
        *,
        neg_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        target_range: TargetRange = "any",
    ) -> None: ...

class BalancedSoftmaxCrossEntropyLoss(ClassLoss):
    """Cross-entropy of a softmax whose terms are multiplied by the class counts."""

    def __init__(
        self,
        *,
        counts: Any,
        axis: int | None = None,
        class_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        shards: Devices = None,
        reduction: ReductionName = "mean",
    ) -> None: ...

class BinaryFocalLoss(LogitsLoss):
    """Focal loss of independent yes/no targets: easy elements count less."""

    def __init__(
        self,
        *,
        gamma: float = 2.0,
        alpha: float | None = None,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        axis: int = -1,
        reduction: ReductionName = "mean",
    ) -> None: ...

class ConfusionCrossEntropyLoss(LogitsLoss):
    """Cross-entropy with a weight for each of the four outcomes of a yes/no decision."""

    def __init__(
        self,
        *,
        tp: Any = 1.0,
        tn: Any = 1.0,
        fp: Any = 1.0,
        fn: Any = 1.0,
        threshold: float = 0.0,
        assignment: Assignment = "hard",
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        axis: int = -1,
        reduction: ReductionName = "mean",
    ) -> None: ...

class ConstrainedBinaryCrossEntropyLoss(Constrained):
    """Binary cross-entropy with weights found for a recall, a specificity or a precision."""

    def __init__(
        self,
        *,
        recall: Any = None,
        specificity: Any = None,
        precision: Any = None,
        threshold: float = 0.0,
        learning_rate: float = 0.01,
        max_multiplier: float = 10000.0,
        across: object = False,
        ignore_index: IgnoreIndex = None,
        label_smoothing: float = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        axis: int | None = None,
        reduction: ReductionName = "mean",
    ) -> None: ...

class ConstrainedCrossEntropyLoss(Constrained, ClassLoss):
    """Cross-entropy with class weights found for recalls, specificities or precisions."""

    def __init__(
        self,
        *,
        recall: Any = None,
        specificity: Any = None,
        precision: Any = None,
        axis: int | None = None,
        learning_rate: float = 0.01,
        max_multiplier: float = 10000.0,
        across: object = False,
        ignore_index: IgnoreIndex = None,
        label_smoothing: float = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        reduction: ReductionName = "mean",
    ) -> None: ...

class CrossEntropyLoss(LogitsLoss, torch.nn.modules.loss.CrossEntropyLoss):
    """``torch.nn.CrossEntropyLoss`` by its arguments, shapes and numbers, and what it lacks."""

    def __init__(
        self,
        weight: Any = None,
        size_average: bool | None = None,
        ignore_index: IgnoreIndex = -100,
        reduce: bool | None = None,
        reduction: ReductionName = "mean",
        label_smoothing: LabelSmoothing = 0.0,
        *,
        smoothing_weight: SmoothingWeight = "class",
        target_range: TargetRange = "any",
        shards: Devices = None,
    ) -> None: ...

class DiceLoss(CountsLoss):
    """Dice loss: 1 minus the soft F1 score."""

    def __init__(
        self,
        *,
        link: Link | None = None,
        axis: int | None = None,
        class_weight: Any = None,
        background: Background = None,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        smooth: float = 0.0,
        absent: Absent | None = None,
        reduction: ProblemReduction = "mean",
    ) -> None: ...

class DistributionBalancedLoss(LogitsLoss):
    """Distribution-balanced loss of many labels: rare ones weigh more, easy negatives push less."""

    def __init__(
        self,
        *,
        counts: Any,
        total: float,
        alpha: float = 0.1,
        beta: float = 10.0,
        mu: float = 0.3,
        kappa: float = 0.05,
        scale: float = 2.0,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: float = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        axis: int = -1,
        reduction: ReductionName = "mean",
    ) -> None: ...

class ExpectedCostLoss(ClassLoss):
    """Expected cost of the decision, by a cost matrix."""

    def __init__(
        self,
        cost_matrix: Any,
        *,
        axis: int | None = None,
        class_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        reduction: ReductionName = "mean",
    ) -> None: ...

class FBetaLoss(CountsLoss):
    """1 minus the soft F-beta score: recall counts beta times as much as precision."""

    def __init__(
        self,
        *,
        beta: float = 1.0,
        link: Link | None = None,
        axis: int | None = None,
        class_weight: Any = None,
        background: Background = None,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        smooth: float = 0.0,
        absent: Absent | None = None,
        reduction: ProblemReduction = "mean",
    ) -> None: ...

class FocalLoss(ClassLoss):
    """Focal loss over K classes: easy examples count less."""

    def __init__(
        self,
        *,
        gamma: float = 2.0,
        axis: int | None = None,
        class_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        shards: Devices = None,
        reduction: ReductionName = "mean",
    ) -> None: ...

class FocalTverskyLoss(CountsLoss):
    """Tversky loss to a power: labels that overlap well already still have a gradient, or none."""

    def __init__(
        self,
        *,
        fp_weight: float = 0.3,
        fn_weight: float = 0.7,
        gamma: float = 1.3333333333333333,
        link: Link | None = None,
        axis: int | None = None,
        class_weight: Any = None,
        background: Background = None,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        smooth: float = 0.0,
        absent: Absent | None = None,
        reduction: ProblemReduction = "mean",
    ) -> None: ...

class GeneralizedCrossEntropyLoss(ClassLoss):
    """Generalized cross-entropy: bounded, for labels that may be wrong."""

    def __init__(
        self,
        *,
        q: float = 0.7,
        axis: int | None = None,
        class_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        shards: Devices = None,
        reduction: ReductionName = "mean",
    ) -> None: ...

class LDAMCrossEntropyLoss(ClassLoss):
    """Cross-entropy with a margin for every class, largest for the rarest."""

    def __init__(
        self,
        *,
        counts: Any,
        max_margin: float = 0.5,
        scale: float = 30.0,
        axis: int | None = None,
        class_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        shards: Devices = None,
        reduction: ReductionName = "mean",
    ) -> None: ...

class LinearCrossEntropyLoss(Loss):
    """Cross-entropy of a linear layer's logits, which are never held all at once."""

    def __init__(
        self,
        weight: Any = None,
        *,
        axis: int = -1,
        ignore_index: IgnoreIndex = None,
        label_smoothing: float = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        target_range: TargetRange = "unit",
        z_loss: float = 0.0,
        softcap: float | None = None,
        block_size: int | None = None,
        shards: Devices = None,
        reduction: ReductionName = "mean",
    ) -> None: ...

class LogitAdjustedCrossEntropyLoss(ClassLoss):
    """Cross-entropy of logits moved by the log prior: for balanced error, not accuracy."""

    def __init__(
        self,
        *,
        prior: Any,
        tau: float = 1.0,
        axis: int | None = None,
        class_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        shards: Devices = None,
        reduction: ReductionName = "mean",
    ) -> None: ...

class LovaszLoss(LogitsLoss):
    """Lovász loss: what the Jaccard index lacks, made convex in the errors of the elements."""

    def __init__(
        self,
        *,
        errors: Errors = "hinge",
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: float = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        axis: int | None = None,
        reduction: LabelReduction = "mean",
    ) -> None: ...

class PolyCrossEntropyLoss(ClassLoss):
    """Poly-1 cross-entropy: one more term of the expansion in 1 - p weighs otherwise."""

    def __init__(
        self,
        *,
        epsilon: float = 1.0,
        axis: int | None = None,
        class_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        shards: Devices = None,
        reduction: ReductionName = "mean",
    ) -> None: ...

class RecallSpecificityLoss(CountsLoss):
    """Weighted sum of what recall and specificity lack, with a gradient."""

    def __init__(
        self,
        *,
        recall_weight: float = 0.5,
        specificity_weight: float = 0.5,
        link: Link | None = None,
        axis: int | None = None,
        class_weight: Any = None,
        background: Background = None,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        smooth: float = 0.0,
        absent: Absent | None = None,
        reduction: ProblemReduction = "mean",
    ) -> None: ...

class SeesawLoss(ClassLoss):
    """Seesaw loss: a frequent class pushes rare ones less, but for what is confused with it."""

    def __init__(
        self,
        *,
        counts: Any,
        p: float = 0.8,
        q: float = 2.0,
        axis: int | None = None,
        class_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: float = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        reduction: ReductionName = "mean",
    ) -> None: ...

class TverskyLoss(CountsLoss):
    """Tversky loss: overlap with a weight for each of the two kinds of error."""

    def __init__(
        self,
        *,
        fp_weight: float = 0.5,
        fn_weight: float = 0.5,
        link: Link | None = None,
        axis: int | None = None,
        class_weight: Any = None,
        background: Background = None,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        smooth: float = 0.0,
        absent: Absent | None = None,
        reduction: ProblemReduction = "mean",
    ) -> None: ...

class VectorScalingCrossEntropyLoss(ClassLoss):
    """Cross-entropy of logits that are scaled and shifted by class."""

    def __init__(
        self,
        *,
        scale: Any = None,
        shift: Any = None,
        counts: Any = None,
        gamma: float = 0.15,
        tau: float = 1.0,
        scale_by: ScaleBy = "class",
        axis: int | None = None,
        class_weight: Any = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        shards: Devices = None,
        reduction: ReductionName = "mean",
    ) -> None: ...
