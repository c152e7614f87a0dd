"""When to take which loss, and what its objects are called."""

WHEN = {
    "asymmetric_loss": (
        "Many labels a row of which few hold, some of the negatives being unmarked positives."
    ),
    "balanced_softmax_cross_entropy": (
        "Classes of very unequal number, all of which count alike when tested; nothing to tune."
    ),
    "binary_cross_entropy": (
        "Yes/no questions, the first to try; pos_weight where positives are rare."
    ),
    "binary_focal_loss": "Yes/no questions with a mass of easy negatives, as in detection.",
    "confusion_cross_entropy": (
        "Each of the four outcomes of a yes/no decision has a weight of its own."
    ),
    "cross_entropy": (
        "One of K classes, the first to try; class_weight where some are rare or mistakes in "
        "them dear."
    ),
    "constrained_binary_cross_entropy": (
        "A recall, specificity or precision of yes/no decisions must hold: its weights are found."
    ),
    "constrained_cross_entropy": (
        "A recall or precision of some of K classes must hold: its weights are found."
    ),
    "dice_loss": "Overlap is what is measured: segmentation with a small foreground, F1.",
    "distribution_balanced_loss": (
        "Many labels a row in a long tail, where rare labels come along with common ones."
    ),
    "expected_cost": (
        "A matrix of costs and rewards of outcomes is known; after training with a cross-entropy."
    ),
    "f_beta_loss": "F-beta is what is measured: recall counts beta times as much as precision.",
    "focal_loss": "One of K classes, where easy examples drown the hard ones.",
    "focal_tversky_loss": "Overlap of small things: problems that go well count less.",
    "generalized_cross_entropy": "Some labels are wrong: it is bounded, so that these do not win.",
    "ldam_cross_entropy": (
        "Long tails of classes and logits that are cosines: wide margins for the rare."
    ),
    "logit_adjusted_cross_entropy": (
        "Classes of very unequal number, when the error averaged over classes counts."
    ),
    "lovasz_loss": "Intersection over union is what is measured; after training with another.",
    "poly_cross_entropy": "Cross-entropy is nearly right: one number more to tune.",
    "recall_specificity_loss": "Recall and specificity are what is measured, or balanced accuracy.",
    "seesaw_loss": (
        "Long tails, as in instance segmentation: common classes push rare ones down less."
    ),
    "soft_confusion": (
        "A measure of your own, made of counts that have a gradient and add up over batches."
    ),
    "tversky_loss": "Overlap, where one of the two kinds of error is worse.",
    "vector_scaling_cross_entropy": (
        "Long tails or unfair groups: logits shifted and scaled by class."
    ),
}

# by loss: the class of weightedce.torch, those of weightedce.keras
OBJECTS: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "asymmetric_loss": ("AsymmetricLoss", ("AsymmetricLoss",)),
    "balanced_softmax_cross_entropy": (
        "BalancedSoftmaxCrossEntropyLoss",
        ("BalancedSoftmaxCrossentropy",),
    ),
    "binary_cross_entropy": ("BCEWithLogitsLoss", ("BinaryCrossentropy",)),
    "binary_focal_loss": ("BinaryFocalLoss", ("BinaryFocalCrossentropy",)),
    "confusion_cross_entropy": ("ConfusionCrossEntropyLoss", ("ConfusionCrossentropy",)),
    "cross_entropy": (
        "CrossEntropyLoss",
        ("CategoricalCrossentropy", "SparseCategoricalCrossentropy"),
    ),
    "constrained_binary_cross_entropy": (
        "ConstrainedBinaryCrossEntropyLoss",
        ("ConstrainedBinaryCrossentropy",),
    ),
    "constrained_cross_entropy": ("ConstrainedCrossEntropyLoss", ("ConstrainedCrossentropy",)),
    "dice_loss": ("DiceLoss", ("Dice",)),
    "distribution_balanced_loss": ("DistributionBalancedLoss", ("DistributionBalanced",)),
    "expected_cost": ("ExpectedCostLoss", ("ExpectedCost",)),
    "f_beta_loss": ("FBetaLoss", ("FBeta",)),
    "focal_loss": ("FocalLoss", ("CategoricalFocalCrossentropy",)),
    "focal_tversky_loss": ("FocalTverskyLoss", ("FocalTversky",)),
    "generalized_cross_entropy": (
        "GeneralizedCrossEntropyLoss",
        ("CategoricalGeneralizedCrossEntropy",),
    ),
    "ldam_cross_entropy": ("LDAMCrossEntropyLoss", ("LDAMCrossentropy",)),
    "logit_adjusted_cross_entropy": (
        "LogitAdjustedCrossEntropyLoss",
        ("LogitAdjustedCrossentropy",),
    ),
    "lovasz_loss": ("LovaszLoss", ("Lovasz",)),
    "poly_cross_entropy": ("PolyCrossEntropyLoss", ("PolyCrossentropy",)),
    "recall_specificity_loss": ("RecallSpecificityLoss", ("RecallSpecificity",)),
    "seesaw_loss": ("SeesawLoss", ("Seesaw",)),
    "soft_confusion": (None, ()),
    "tversky_loss": ("TverskyLoss", ("Tversky",)),
    "vector_scaling_cross_entropy": (
        "VectorScalingCrossEntropyLoss",
        ("VectorScalingCrossentropy",),
    ),
}
