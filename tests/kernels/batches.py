"""A small batch for every operator, with weights and a mask."""

import numpy as np
from interpreted import LONG

RNG = np.random.default_rng(0)
ROWS, CLASSES = 70, 5
Z = RNG.normal(scale=3.0, size=(ROWS, CLASSES)).astype("float32")
Y = RNG.integers(0, CLASSES, ROWS)
SOFT = RNG.dirichlet(np.ones(CLASSES), ROWS).astype("float32")
SAMPLE = RNG.choice([0.0, 0.5, 1.0, 7.25], ROWS).astype("float32")
WEIGHT = RNG.choice([0.5, 1.0, 2.0], CLASSES).astype("float32")
MASK = RNG.random(ROWS) < 0.7
BINARY = RNG.integers(0, 2, (ROWS, CLASSES)) * 1.0
REDUCTIONS = ("mean", "sum", "none", "weighted_mean")
COUNTS = [50.0, 3.0, 1.0, 700.0, 12.0]
SHIFT = np.array([0.5, -1.25, 0.0, -7.0, 3.0], "float32")
NAN, INF = float("nan"), float("inf")

CALLS = {
    "labels": ("cross_entropy", Y, {}),
    "focal": ("focal_loss", Y, {"gamma": 2.0}),
    "poly": ("poly_cross_entropy", Y, {"epsilon": -0.5}),
    "generalized": ("generalized_cross_entropy", Y, {"q": 0.7}),
    "prior": ("logit_adjusted_cross_entropy", Y, {"prior": COUNTS, "tau": 1.5}),
    "margins": ("ldam_cross_entropy", Y, {"counts": COUNTS, "scale": 4.0}),
    "scaled": ("vector_scaling_cross_entropy", Y, {"counts": COUNTS, "gamma": 0.25}),
    "by label": ("vector_scaling_cross_entropy", Y, {"scale": WEIGHT, "scale_by": "label"}),
    "prior smoothed": (
        "balanced_softmax_cross_entropy", Y, {"counts": COUNTS, "label_smoothing": 0.125},
    ),
    "scaled soft": (
        "vector_scaling_cross_entropy", SOFT, {"scale": WEIGHT, "shift": SHIFT, "axis": -1},
    ),
    "smoothed": ("cross_entropy", Y, {"label_smoothing": 0.125}),
    "by class": ("cross_entropy", Y, {"label_smoothing": 0.125, "smoothing_weight": "class"}),
    "soft": ("cross_entropy", SOFT, {}),
    "soft smoothed": ("cross_entropy", SOFT, {"label_smoothing": 0.125}),
    "binary": ("binary_cross_entropy", BINARY, {}),
    "binary focal": ("binary_focal_loss", BINARY, {"gamma": 1.5, "alpha": 0.25}),
    "asymmetric": ("asymmetric_loss", BINARY, {"clip": 0.125}),
}  # fmt: skip
OVER_CLASSES = tuple(name for name in CALLS if "binary" not in name and name != "asymmetric")
# those of more than one way through a kernel, where another test has the others
SOME = tuple(
    x
    for x in CALLS
    if x not in ("poly", "generalized", "prior", "margins", "scaled", "scaled soft")
)
# one of each kernel: what is reduced, left out and laid beside logits is the same for its forms
KERNELS = SOME if LONG else ("labels", "smoothed", "soft", "binary")
SMALL = 2e-6  # what sums of both signs and of many rows differ by


def alike(found, truth, scale=1.0):
    for got, right in zip(found, truth, strict=True):
        assert got.shape == np.shape(right)
        np.testing.assert_allclose(got, right, rtol=SMALL, atol=SMALL * scale)
