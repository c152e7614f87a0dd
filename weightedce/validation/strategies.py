"""hypothesis strategies: batches that hit the hard points."""

from typing import Any

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np

from weightedce.validation import oracle
from weightedce.validation.cases import HARD_POINTS, Case

logits = st.one_of(
    st.sampled_from(HARD_POINTS),
    st.floats(-30, 30, width=32),
    st.floats(-2000, 2000, width=32),
    st.floats(-(2.0**-20), 2.0**-20, width=32),
)
weights = st.one_of(st.sampled_from([0.0, 1.0, 1e6]), st.floats(2.0**-10, 2.0**10, width=32))
probabilities = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(0, 1, width=32))
smoothings = st.one_of(st.sampled_from([0.0, 0.1, 1.0 - 2.0**-20, 1.0]), st.floats(0, 1))
policies = st.sampled_from(["target", "class"])


def _array(shape: tuple[int, ...], elements: Any, dtype: Any = np.float64) -> Any:
    return hnp.arrays(dtype, shape, elements=elements, fill=st.nothing())


@st.composite
def binary_cases(draw: st.DrawFn, loss: str, shape: tuple[int, int] | None = None) -> Case:
    """Draw a case of a binary loss, of any shape (N, L) or of the one given."""
    n, size = shape or (draw(st.integers(0, 3)), draw(st.integers(1, 3)))
    hard = draw(st.booleans())
    options = draw(st.sampled_from(oracle.BINARY[loss].variants)) | {
        "label_smoothing": draw(smoothings),
        "smoothing_weight": draw(policies),
    }
    for name in ("pos_weight", "neg_weight"):
        options[name] = draw(_array((size,), weights)).tolist()
    return Case(
        loss,
        draw(_array((n, size), logits)),
        draw(_array((n, size), st.sampled_from([0.0, 1.0]) if hard else probabilities)),
        options=options,
        sample_weight=draw(_array((n,), weights)),
        mask=draw(_array((n, size), st.booleans(), np.bool_)),
    )


@st.composite
def class_cases(draw: st.DrawFn, loss: str, shape: tuple[int, int] | None = None) -> Case:
    """Draw a case of a multi-class loss, of any shape (N, K) or of the one given."""
    options = dict(draw(st.sampled_from(oracle.MULTICLASS[loss].variants)))
    per_class = [len(value) for value in options.values() if isinstance(value, tuple)]
    sizes = st.just(per_class[0]) if per_class else st.integers(1, 4)
    n, size = shape or (draw(st.integers(0, 3)), draw(sizes))
    if options.get("scale_by") == "label" or draw(st.booleans()):
        targets = draw(_array((n,), st.integers(0, size - 1), np.int64))
    else:
        targets = draw(_array((n, size), probabilities))
    if options.get("scale_by") != "label":  # there the smoothed classes keep the label's scale
        options |= {"smoothing_weight": draw(policies), "label_smoothing": draw(smoothings)}
    options["class_weight"] = draw(_array((size,), weights)).tolist()
    return Case(
        loss,
        draw(_array((n, size), logits)),
        targets,
        options=options,
        sample_weight=draw(_array((n,), weights)),
        mask=draw(_array((n,), st.booleans(), np.bool_)),
    )


def cases(loss: str, shape: tuple[int, int] | None = None) -> st.SearchStrategy[Case]:
    """Draw a case of any loss that the oracle defines."""
    return (binary_cases if loss in oracle.BINARY else class_cases)(loss, shape)
