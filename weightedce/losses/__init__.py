"""One public loss, or one small family, a file: its docstring and its mathematics."""

from weightedce.losses.asymmetric_loss import asymmetric_loss
from weightedce.losses.balanced_softmax_cross_entropy import balanced_softmax_cross_entropy
from weightedce.losses.binary_cross_entropy import binary_cross_entropy
from weightedce.losses.binary_focal_loss import binary_focal_loss
from weightedce.losses.confusion_cross_entropy import confusion_cross_entropy
from weightedce.losses.cross_entropy import cross_entropy
from weightedce.losses.dice_loss import dice_loss
from weightedce.losses.distribution_balanced_loss import distribution_balanced_loss
from weightedce.losses.expected_cost import expected_cost
from weightedce.losses.f_beta_loss import f_beta_loss
from weightedce.losses.focal_loss import focal_loss
from weightedce.losses.focal_tversky_loss import focal_tversky_loss
from weightedce.losses.generalized_cross_entropy import generalized_cross_entropy
from weightedce.losses.ldam_cross_entropy import ldam_cross_entropy
from weightedce.losses.linear_cross_entropy import linear_cross_entropy
from weightedce.losses.logit_adjusted_cross_entropy import logit_adjusted_cross_entropy
from weightedce.losses.lovasz_loss import lovasz_loss
from weightedce.losses.poly_cross_entropy import poly_cross_entropy
from weightedce.losses.recall_specificity_loss import recall_specificity_loss
from weightedce.losses.seesaw_loss import seesaw_loss
from weightedce.losses.tversky_loss import tversky_loss
from weightedce.losses.vector_scaling_cross_entropy import vector_scaling_cross_entropy

__all__ = [
    "asymmetric_loss",
    "balanced_softmax_cross_entropy",
    "binary_cross_entropy",
    "binary_focal_loss",
    "confusion_cross_entropy",
    "cross_entropy",
    "dice_loss",
    "distribution_balanced_loss",
    "expected_cost",
    "f_beta_loss",
    "focal_loss",
    "focal_tversky_loss",
    "generalized_cross_entropy",
    "ldam_cross_entropy",
    "linear_cross_entropy",
    "logit_adjusted_cross_entropy",
    "lovasz_loss",
    "poly_cross_entropy",
    "recall_specificity_loss",
    "seesaw_loss",
    "tversky_loss",
    "vector_scaling_cross_entropy",
]
