"""Bad input: an error that names the argument, what came and what was expected."""

import numpy as np
import pytest

import weightedce as w
from test_semantics import LABELS, Y, Z

BAD = {
    "logits-list": (TypeError, "logits.*list", lambda a: w.cross_entropy([0.0, 1.0], 1)),
    "logits-float": (TypeError, "logits.*float", lambda a: w.binary_cross_entropy(0.5, 1)),
    "logits-int": (
        TypeError,
        "logits.*float32.*got int64",
        lambda a: w.cross_entropy(a(LABELS[:, None]), a(LABELS)),
    ),
    "float-labels": (
        TypeError,
        "targets.*integer.*float64",
        lambda a: w.cross_entropy(a(Z), a(LABELS.astype(float))),
    ),
    "bool-labels": (
        TypeError,
        "targets.*integer.*bool",
        lambda a: w.cross_entropy(a(Z), a(LABELS > 1)),
    ),
    "words": (TypeError, "targets.*str", lambda a: w.cross_entropy(a(Z), ["a", "b", "c", "d"])),
    "frame": (
        TypeError,
        "class_weight.*dict",
        lambda a: w.cross_entropy(a(Z), a(LABELS), class_weight={0: 1}),
    ),
    "no-axis": (ValueError, "axis.*got 2", lambda a: w.cross_entropy(a(Z), a(LABELS), axis=2)),
    "no-axis-binary": (
        ValueError,
        "axis.*got 5",
        lambda a: w.binary_cross_entropy(a(Z), a(Y), pos_weight=[1, 2, 3], axis=5),
    ),
    "axis-type": (TypeError, "axis.*'1'", lambda a: w.cross_entropy(a(Z), a(LABELS), axis="1")),
    "no-classes": (
        ValueError,
        "logits.*at least 1",
        lambda a: w.cross_entropy(a(np.zeros((2, 0))), a(LABELS[:2])),
    ),
    "reduction": (
        ValueError,
        "reduction.*weighted_mean.*'avg'",
        lambda a: w.cross_entropy(a(Z), a(LABELS), reduction="avg"),
    ),
    "smoothing": (
        ValueError,
        "label_smoothing.*1.5",
        lambda a: w.cross_entropy(a(Z), a(LABELS), label_smoothing=1.5),
    ),
    "smoothing-type": (
        TypeError,
        "label_smoothing.*str",
        lambda a: w.binary_cross_entropy(a(Z), a(Y), label_smoothing="a lot"),
    ),
    "policy": (
        ValueError,
        "smoothing_weight.*'both'",
        lambda a: w.cross_entropy(a(Z), a(LABELS), smoothing_weight="both"),
    ),
    "negative-weight": (
        ValueError,
        "pos_weight.*-1",
        lambda a: w.binary_cross_entropy(a(Z), a(Y), pos_weight=-1),
    ),
    "nan-weight": (
        ValueError,
        "class_weight.*nan",
        lambda a: w.cross_entropy(a(Z), a(LABELS), class_weight=[1.0, np.nan, 1.0]),
    ),
    "ignored-distribution": (
        ValueError,
        "ignore_index.*mask",
        lambda a: w.cross_entropy(a(Z), a(Y), ignore_index=0),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(library, name):
    kind, message, call = BAD[name]
    with pytest.raises(kind, match=message):
        call(library.array)
