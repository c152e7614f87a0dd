"""Weighted cross-entropy and its family, under any array library."""

from weightedce.backends import namespace_of
from weightedce.calibration import (
    cost_threshold,
    shift_prior,
    undo_class_weight,
    undo_pos_weight,
)
from weightedce.confusion import SoftConfusion, soft_confusion
from weightedce.counting import ClassCounter, class_counts
from weightedce.label_weights import pos_weights, sample_weights
from weightedce.link import logit
from weightedce.losses import (
    asymmetric_loss,
    balanced_softmax_cross_entropy,
    binary_cross_entropy,
    binary_focal_loss,
    confusion_cross_entropy,
    cross_entropy,
    dice_loss,
    expected_cost,
    f_beta_loss,
    focal_loss,
    generalized_cross_entropy,
    ldam_cross_entropy,
    linear_cross_entropy,
    logit_adjusted_cross_entropy,
    poly_cross_entropy,
    recall_specificity_loss,
    tversky_loss,
    vector_scaling_cross_entropy,
)
from weightedce.reductions import LossTotal
from weightedce.weights import balanced, effective_number, inverse_frequency, log_damped

__all__ = [
    "ClassCounter",
    "LossTotal",
    "SoftConfusion",
    "asymmetric_loss",
    "balanced",
    "balanced_softmax_cross_entropy",
    "binary_cross_entropy",
    "binary_focal_loss",
    "class_counts",
    "confusion_cross_entropy",
    "cost_threshold",
    "cross_entropy",
    "dice_loss",
    "effective_number",
    "expected_cost",
    "f_beta_loss",
    "focal_loss",
    "generalized_cross_entropy",
    "inverse_frequency",
    "ldam_cross_entropy",
    "linear_cross_entropy",
    "log_damped",
    "logit",
    "logit_adjusted_cross_entropy",
    "namespace_of",
    "poly_cross_entropy",
    "pos_weights",
    "recall_specificity_loss",
    "sample_weights",
    "shift_prior",
    "soft_confusion",
    "tversky_loss",
    "undo_class_weight",
    "undo_pos_weight",
    "vector_scaling_cross_entropy",
]
__version__ = "0.1.0"
