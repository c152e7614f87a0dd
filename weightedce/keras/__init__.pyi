"""Keras 3: the losses as `keras.losses.Loss` objects, on its TensorFlow, JAX and PyTorch backends.

Classes that Keras has too take its arguments, in its order and meaning, and more by name. Each
hands its options to a function of the library: no formula is here. Importing this module registers
the classes under ``weightedce>NAME``, which is what loading a saved model needs. Losses that say
nothing of their own have a class all the same, named after the function.
"""

from typing import Any

from weightedce.call.options import (
    Absent,
    Assignment,
    Background,
    Errors,
    LabelSmoothing,
    Link,
    ScaleBy,
    SmoothingWeight,
    TargetRange,
)
from weightedce.keras.batches import PlacesLoss
from weightedce.keras.constrained import Constrained
from weightedce.keras.elements import BinaryLoss
from weightedce.keras.examples import SoftmaxLoss
from weightedce.keras.loss import WeightedLoss
from weightedce.keras.reductions import CountsReduction, Reduction
from weightedce.keras.soft_counts import CountsLoss

__all__ = [
    "AsymmetricLoss",
    "BalancedSoftmaxCrossentropy",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "ConfusionCrossentropy",
    "ConstrainedBinaryCrossentropy",
    "ConstrainedCrossentropy",
    "Dice",
    "DistributionBalanced",
    "ExpectedCost",
    "FBeta",
    "FocalTversky",
    "LDAMCrossentropy",
    "LogitAdjustedCrossentropy",
    "Lovasz",
    "PolyCrossentropy",
    "RecallSpecificity",
    "Seesaw",
    "SparseCategoricalCrossentropy",
    "Tversky",
    "VectorScalingCrossentropy",
]

class AsymmetricLoss(BinaryLoss):
    """Asymmetric loss: focuses positives and negatives apart, and drops easy negatives."""

    def __init__(
        self,
        gamma_pos: float = 1.0,
        gamma_neg: float = 4.0,
        clip: float = 0.05,
        *,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "asymmetric_loss",
        dtype: Any = None,
        class_weight: Any = None,
    ) -> None: ...

class BalancedSoftmaxCrossentropy(SoftmaxLoss):
    """Cross-entropy of a softmax whose terms are multiplied by the class counts."""

    def __init__(
        self,
        counts: Any,
        *,
        axis: int = -1,
        class_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        reduction: Reduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "balanced_softmax_crossentropy",
        dtype: Any = None,
    ) -> None: ...

class BinaryCrossentropy(BinaryLoss):
    """`binary_cross_entropy` as a Keras loss: weights of positives and negatives, per label."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: LabelSmoothing = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        *,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_class: Any = None,
        smoothing_weight: SmoothingWeight = "target",
        target_range: TargetRange = "unit",
        class_weight: Any = None,
    ) -> None: ...

class BinaryFocalCrossentropy(BinaryLoss):
    """`binary_focal_loss` as a Keras loss."""

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: LabelSmoothing = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
        *,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_class: Any = None,
        smoothing_weight: SmoothingWeight = "target",
        class_weight: Any = None,
    ) -> None: ...

class CategoricalCrossentropy(SoftmaxLoss):
    """`cross_entropy` of one-hot targets or distributions as a Keras loss, with class weights."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: LabelSmoothing = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        *,
        class_weight: Any = None,
        ignore_class: Any = None,
        smoothing_weight: SmoothingWeight = "target",
        target_range: TargetRange = "unit",
    ) -> None: ...

class CategoricalFocalCrossentropy(SoftmaxLoss):
    """`focal_loss` as a Keras loss, of one-hot targets or distributions."""

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: LabelSmoothing = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
        *,
        class_weight: Any = None,
        ignore_class: Any = None,
        smoothing_weight: SmoothingWeight | None = None,
    ) -> None: ...

class CategoricalGeneralizedCrossEntropy(SoftmaxLoss):
    """`generalized_cross_entropy` as a Keras loss, for labels that may be wrong."""

    def __init__(
        self,
        q: float = 0.5,
        reduction: Reduction = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
        *,
        axis: int = -1,
        class_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        from_logits: bool = False,
    ) -> None: ...

class ConfusionCrossentropy(BinaryLoss):
    """`confusion_cross_entropy` as a Keras loss: a weight for each of the four outcomes."""

    def __init__(
        self,
        tp: Any = 1.0,
        tn: Any = 1.0,
        fp: Any = 1.0,
        fn: Any = 1.0,
        threshold: float = 0.0,
        assignment: Assignment = "hard",
        *,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "confusion_crossentropy",
        dtype: Any = None,
        class_weight: Any = None,
    ) -> None: ...

class ConstrainedBinaryCrossentropy(Constrained, BinaryLoss):
    """`constrained_binary_cross_entropy` as a Keras loss."""

    def __init__(
        self,
        *,
        recall: Any = None,
        specificity: Any = None,
        precision: Any = None,
        threshold: float = 0.0,
        learning_rate: float = 0.01,
        max_multiplier: float = 10000.0,
        ignore_class: Any = None,
        label_smoothing: float = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        axis: int | None = None,
        reduction: Reduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "constrained_binary_crossentropy",
        dtype: Any = None,
        start: Any = None,
    ) -> None: ...

class ConstrainedCrossentropy(Constrained, SoftmaxLoss):
    """`constrained_cross_entropy` as a Keras loss, of class labels or distributions."""

    def __init__(
        self,
        *,
        recall: Any = None,
        specificity: Any = None,
        precision: Any = None,
        axis: int = -1,
        learning_rate: float = 0.01,
        max_multiplier: float = 10000.0,
        ignore_class: Any = None,
        label_smoothing: float = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        reduction: Reduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "constrained_crossentropy",
        dtype: Any = None,
        start: Any = None,
    ) -> None: ...

class Dice(CountsLoss):
    """`dice_loss` as a Keras loss."""

    def __init__(
        self,
        reduction: CountsReduction = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Any = None,
        dtype: Any = None,
        *,
        link: Link | None = None,
        class_weight: Any = None,
        background: Background = None,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        smooth: float = 0.0,
        absent: Absent | None = None,
        from_logits: bool = False,
    ) -> None: ...

class DistributionBalanced(BinaryLoss):
    """Distribution-balanced loss of many labels: rare ones weigh more, easy negatives push less."""

    def __init__(
        self,
        counts: Any,
        total: float,
        alpha: float = 0.1,
        beta: float = 10.0,
        mu: float = 0.3,
        kappa: float = 0.05,
        scale: float = 2.0,
        *,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: float = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "distribution_balanced",
        dtype: Any = None,
        class_weight: Any = None,
    ) -> None: ...

class ExpectedCost(WeightedLoss):
    """`expected_cost` as a Keras loss."""

    def __init__(
        self,
        cost_matrix: Any,
        *,
        axis: int | None = None,
        class_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        reduction: Reduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "expected_cost",
        dtype: Any = None,
    ) -> None: ...

class FBeta(CountsLoss):
    """1 minus the soft F-beta score: recall counts beta times as much as precision."""

    def __init__(
        self,
        beta: float = 1.0,
        *,
        link: Link | None = None,
        axis: Any = None,
        class_weight: Any = None,
        background: Background = None,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        smooth: float = 0.0,
        absent: Absent | None = None,
        reduction: CountsReduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "f_beta",
        dtype: Any = None,
    ) -> None: ...

class FocalTversky(CountsLoss):
    """Tversky loss to a power: labels that overlap well already still have a gradient, or none."""

    def __init__(
        self,
        fp_weight: float = 0.3,
        fn_weight: float = 0.7,
        gamma: float = 1.3333333333333333,
        *,
        link: Link | None = None,
        axis: Any = None,
        class_weight: Any = None,
        background: Background = None,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        smooth: float = 0.0,
        absent: Absent | None = None,
        reduction: CountsReduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "focal_tversky",
        dtype: Any = None,
    ) -> None: ...

class LDAMCrossentropy(SoftmaxLoss):
    """Cross-entropy with a margin for every class, largest for the rarest."""

    def __init__(
        self,
        counts: Any,
        max_margin: float = 0.5,
        scale: float = 30.0,
        *,
        axis: int = -1,
        class_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        reduction: Reduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "ldam_crossentropy",
        dtype: Any = None,
    ) -> None: ...

class LogitAdjustedCrossentropy(SoftmaxLoss):
    """Cross-entropy of logits moved by the log prior: for balanced error, not accuracy."""

    def __init__(
        self,
        prior: Any,
        tau: float = 1.0,
        *,
        axis: int = -1,
        class_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        reduction: Reduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "logit_adjusted_crossentropy",
        dtype: Any = None,
    ) -> None: ...

class Lovasz(PlacesLoss):
    """Lovász loss: what the Jaccard index lacks, made convex in the errors of the elements."""

    def __init__(
        self,
        errors: Errors = "hinge",
        *,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: float = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        axis: Any = None,
        reduction: Reduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "lovasz",
        dtype: Any = None,
        class_weight: Any = None,
    ) -> None: ...

class PolyCrossentropy(SoftmaxLoss):
    """Poly-1 cross-entropy: one more term of the expansion in 1 - p weighs otherwise."""

    def __init__(
        self,
        epsilon: float = 1.0,
        *,
        axis: int = -1,
        class_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        reduction: Reduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "poly_crossentropy",
        dtype: Any = None,
    ) -> None: ...

class RecallSpecificity(CountsLoss):
    """`recall_specificity_loss` as a Keras loss: it trains."""

    def __init__(
        self,
        recall_weight: float = 0.5,
        specificity_weight: float = 0.5,
        *,
        link: Link | None = None,
        axis: Any = None,
        class_weight: Any = None,
        background: Background = None,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        smooth: float = 0.0,
        absent: Absent | None = None,
        reduction: CountsReduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "recall_specificity",
        dtype: Any = None,
    ) -> None: ...

class Seesaw(SoftmaxLoss):
    """Seesaw loss: a frequent class pushes rare ones less, but for what is confused with it."""

    def __init__(
        self,
        counts: Any,
        p: float = 0.8,
        q: float = 2.0,
        *,
        axis: int = -1,
        class_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: float = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        reduction: Reduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "seesaw",
        dtype: Any = None,
    ) -> None: ...

class SparseCategoricalCrossentropy(SoftmaxLoss):
    """`cross_entropy` of class labels as a Keras loss, with class weights; label maps too."""

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: Any = None,
        reduction: Reduction = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        *,
        class_weight: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
    ) -> None: ...

class Tversky(CountsLoss):
    """`tversky_loss` as a Keras loss."""

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: CountsReduction = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Any = None,
        dtype: Any = None,
        *,
        fp_weight: float | None = None,
        fn_weight: float | None = None,
        link: Link | None = None,
        class_weight: Any = None,
        background: Background = None,
        pos_weight: Any = None,
        neg_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        smooth: float = 0.0,
        absent: Absent | None = None,
        from_logits: bool = False,
    ) -> None: ...

class VectorScalingCrossentropy(SoftmaxLoss):
    """`vector_scaling_cross_entropy` as a Keras loss: scales and shifts logits by class."""

    def __init__(
        self,
        scale: Any = None,
        shift: Any = None,
        counts: Any = None,
        gamma: float = 0.15,
        tau: float = 1.0,
        scale_by: ScaleBy = "class",
        *,
        axis: int = -1,
        class_weight: Any = None,
        ignore_class: Any = None,
        label_smoothing: LabelSmoothing = 0.0,
        smoothing_weight: SmoothingWeight = "target",
        reduction: Reduction = "sum_over_batch_size",
        from_logits: bool = False,
        name: str | None = "vector_scaling_crossentropy",
        dtype: Any = None,
    ) -> None: ...
