"""Weighted cross-entropy and its family, under any array library.

Every function takes arrays of NumPy, PyTorch, JAX, TensorFlow or of any library that speaks the
array API standard, and gives an array of the same library; gradients are that library's own.

    import weightedce as w

    weight = w.balanced(w.class_counts(labels, 10))      # rare classes weigh more
    loss = w.cross_entropy(logits, labels, class_weight=weight)

Losses of yes/no targets
    binary_cross_entropy, binary_focal_loss, asymmetric_loss, confusion_cross_entropy,
    distribution_balanced_loss; of costs, over classes too: expected_cost
Losses over classes
    cross_entropy, linear_cross_entropy, focal_loss, poly_cross_entropy,
    generalized_cross_entropy, logit_adjusted_cross_entropy, balanced_softmax_cross_entropy,
    ldam_cross_entropy, vector_scaling_cross_entropy, seesaw_loss
Losses of soft counts
    recall_specificity_loss, tversky_loss, focal_tversky_loss, f_beta_loss, dice_loss;
    lovasz_loss; soft_confusion
Weights; losses that find theirs for a rate that is asked for
    class_counts, ClassCounter, balanced, inverse_frequency, effective_number, log_damped,
    median_frequency, deferred, pos_weights, sample_weights; constrained_binary_cross_entropy,
    constrained_cross_entropy, ConstraintState
Probabilities again, and decisions
    logit, undo_class_weight, undo_pos_weight, undo_loss, shift_prior, cost_threshold, minimum_cost
Gradient and curvature under NumPy; sums that add up over batches and devices
    derivatives, Derivatives; LossTotal, SoftConfusion

Objects: weightedce.torch, weightedce.keras; boosters: weightedce.boosting; CI: .validation.
"""

from inspect import isclass as _isclass
from inspect import isfunction as _isfunction
from inspect import ismodule as _ismodule

from weightedce.backends import namespace_of as namespace_of
from weightedce.calibration.costs import cost_threshold as cost_threshold
from weightedce.calibration.costs import minimum_cost as minimum_cost
from weightedce.calibration.link import logit as logit
from weightedce.calibration.logits import shift_prior as shift_prior
from weightedce.calibration.logits import undo_class_weight as undo_class_weight
from weightedce.calibration.logits import undo_pos_weight as undo_pos_weight
from weightedce.calibration.undo_loss import undo_loss as undo_loss
from weightedce.call.reductions import LossTotal as LossTotal
from weightedce.call.soft_counts import SoftConfusion as SoftConfusion
from weightedce.constraints.binary import (
    constrained_binary_cross_entropy as constrained_binary_cross_entropy,
)
from weightedce.constraints.classes import constrained_cross_entropy as constrained_cross_entropy
from weightedce.constraints.state import ConstraintState as ConstraintState
from weightedce.curvature.derivatives import Derivatives as Derivatives
from weightedce.curvature.derivatives import derivatives as derivatives
from weightedce.losses import asymmetric_loss as asymmetric_loss
from weightedce.losses import balanced_softmax_cross_entropy as balanced_softmax_cross_entropy
from weightedce.losses import binary_cross_entropy as binary_cross_entropy
from weightedce.losses import binary_focal_loss as binary_focal_loss
from weightedce.losses import confusion_cross_entropy as confusion_cross_entropy
from weightedce.losses import cross_entropy as cross_entropy
from weightedce.losses import dice_loss as dice_loss
from weightedce.losses import distribution_balanced_loss as distribution_balanced_loss
from weightedce.losses import expected_cost as expected_cost
from weightedce.losses import f_beta_loss as f_beta_loss
from weightedce.losses import focal_loss as focal_loss
from weightedce.losses import focal_tversky_loss as focal_tversky_loss
from weightedce.losses import generalized_cross_entropy as generalized_cross_entropy
from weightedce.losses import ldam_cross_entropy as ldam_cross_entropy
from weightedce.losses import linear_cross_entropy as linear_cross_entropy
from weightedce.losses import logit_adjusted_cross_entropy as logit_adjusted_cross_entropy
from weightedce.losses import lovasz_loss as lovasz_loss
from weightedce.losses import poly_cross_entropy as poly_cross_entropy
from weightedce.losses import recall_specificity_loss as recall_specificity_loss
from weightedce.losses import seesaw_loss as seesaw_loss
from weightedce.losses import tversky_loss as tversky_loss
from weightedce.losses import vector_scaling_cross_entropy as vector_scaling_cross_entropy
from weightedce.losses.soft_confusion import soft_confusion as soft_confusion
from weightedce.weights.counter import ClassCounter as ClassCounter
from weightedce.weights.counting import class_counts as class_counts
from weightedce.weights.deferred import deferred as deferred
from weightedce.weights.estimators import balanced as balanced
from weightedce.weights.estimators import effective_number as effective_number
from weightedce.weights.estimators import inverse_frequency as inverse_frequency
from weightedce.weights.estimators import log_damped as log_damped
from weightedce.weights.median_frequency import median_frequency as median_frequency
from weightedce.weights.of_labels import pos_weights as pos_weights
from weightedce.weights.of_labels import sample_weights as sample_weights

__version__ = "0.1.0"


def __dir__() -> list[str]:
    """Return the public names: what is no room. Without ``__all__``, help() fits a screen."""
    return [x for x, value in globals().items() if x[0] != "_" and not _ismodule(value)]


# tf.function rewrites the code that it calls for `if` and `for` over tensors, a second a function;
# there are none here. This mark, which TensorFlow gives to what it has rewritten, spares it that.
for _public in [globals()[_name] for _name in __dir__()]:
    for _function in vars(_public).values() if _isclass(_public) else [_public]:
        if _isfunction(_function):
            _function.autograph_info__ = {}  # type: ignore[attr-defined]
