"""A small batch for every operator, with weights and a mask."""

import numpy as np

RNG = np.random.default_rng(0)
ROWS, CLASSES = 70, 5  # more rows than a program has
Z = RNG.normal(scale=3.0, size=(ROWS, CLASSES)).astype("float32")
Y = RNG.integers(0, CLASSES, ROWS)
SOFT = RNG.dirichlet(np.ones(CLASSES), ROWS).astype("float32")
SAMPLE = RNG.choice([0.0, 0.5, 1.0, 7.25], ROWS).astype("float32")
WEIGHT = RNG.choice([0.5, 1.0, 2.0], CLASSES).astype("float32")
MASK = RNG.random(ROWS) < 0.7
BINARY = RNG.integers(0, 2, (ROWS, CLASSES)) * 1.0
REDUCTIONS = ("mean", "sum", "none", "weighted_mean")
NAN, INF = float("nan"), float("inf")

CALLS = {
    "labels": ("cross_entropy", Y, {}),
    "focal": ("focal_loss", Y, {"gamma": 2.0}),
    "smoothed": ("cross_entropy", Y, {"label_smoothing": 0.125}),
    "by class": ("cross_entropy", Y, {"label_smoothing": 0.125, "smoothing_weight": "class"}),
    "soft": ("cross_entropy", SOFT, {}),
    "soft smoothed": ("cross_entropy", SOFT, {"label_smoothing": 0.125}),
    "binary": ("binary_cross_entropy", BINARY, {}),
    "binary focal": ("binary_focal_loss", BINARY, {"gamma": 1.5, "alpha": 0.25}),
    "asymmetric": ("asymmetric_loss", BINARY, {"clip": 0.125}),
}
SMALL = 2e-6  # what sums of both signs and of many rows differ by


def alike(found, truth, scale=1.0):
    for got, right in zip(found, truth, strict=True):
        assert got.shape == np.shape(right)
        np.testing.assert_allclose(got, right, rtol=SMALL, atol=SMALL * scale)
