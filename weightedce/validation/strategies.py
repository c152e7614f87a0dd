"""hypothesis strategies: batches that hit the hard points."""

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from weightedce.backends.missing import needed_by
from weightedce.validation import oracle
from weightedce.validation.cases import HARD_POINTS, Case

with needed_by("weightedce.validation.strategies"):
    import hypothesis.extra.numpy as hnp
    import hypothesis.strategies as st
    from hypothesis import HealthCheck, Phase, given, seed, settings

Drawn = TypeVar("Drawn")

logits = st.one_of(
    st.sampled_from(HARD_POINTS),
    st.floats(-30, 30, width=32),
    st.floats(-2000, 2000, width=32),
    st.floats(-(2.0**-20), 2.0**-20, width=32),
)
weights = st.one_of(st.sampled_from([0.0, 1.0, 1e6]), st.floats(2.0**-10, 2.0**10, width=32))
probabilities = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(0, 1, width=32))
smoothings = st.one_of(st.sampled_from([0.0, 0.1, 1.0 - 2.0**-20, 1.0]), st.floats(2.0**-60, 1))
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


@st.composite
def batch_cases(draw: st.DrawFn, loss: str, shape: tuple[int, int] | None = None) -> Case:
    """Draw a case of a loss that is one number a batch: as for a binary one, other options."""
    case = draw(binary_cases("binary_cross_entropy", shape))
    own = draw(st.sampled_from(oracle.BATCH[loss].variants))
    return replace(case, loss=loss, options=own | case.options)


def cases(loss: str, shape: tuple[int, int] | None = None) -> st.SearchStrategy[Case]:
    """Draw a case of any loss that the oracle defines.

    Parameters
    ----------
    loss : str
        Its name.
    shape : (int, int), optional
        Of the logits, (N, L) or (N, K). Default: small ones, empty ones included.
    """
    if loss in oracle.BATCH:
        return batch_cases(loss, shape)
    return (binary_cases if loss in oracle.BINARY else class_cases)(loss, shape)


@st.composite
def like(draw: st.DrawFn, case: Case, rows: int) -> Case:
    """Draw a case that differs from the given one in its arrays alone, so it needs no compiler.

    Parameters
    ----------
    case : Case
        Gives loss, options, and the kind of the targets.
    rows : int
        N, how many examples to draw.
    """
    size = case.logits.shape[-1]
    options = dict(case.options)
    for name in sorted(set(options) & {"pos_weight", "neg_weight", "class_weight"}):
        options[name] = draw(_array((size,), weights)).tolist()
    if case.targets.dtype.kind == "i":
        targets = draw(_array((rows,), st.integers(0, size - 1), np.int64))
    else:
        hard = set(np.unique(case.targets)) <= {0.0, 1.0}
        elements = st.sampled_from([0.0, 1.0]) if hard else probabilities
        targets = draw(_array((rows, size), elements))
    sample = mask = None
    if case.sample_weight is not None:
        sample = draw(_array((rows,), weights))
    if case.mask is not None:
        mask = draw(_array((rows, *case.mask.shape[1:]), st.booleans(), np.bool_))
    return replace(
        case,
        logits=draw(_array((rows, size), logits)),
        targets=targets,
        options=options,
        sample_weight=sample,
        mask=mask,
    )


def drawn(strategy: st.SearchStrategy[Drawn], examples: int, start: int = 0) -> list[Drawn]:
    """Draw examples now, the same ones for the same seed and versions.

    Parameters
    ----------
    strategy : hypothesis.strategies.SearchStrategy
        What to draw.
    examples : int
        How many.
    start : int
        The seed.

    Returns
    -------
    list
        The examples, in the order in which they were drawn.

    Examples
    --------
    >>> drawn(st.integers(0, 9), 3, start=1) == drawn(st.integers(0, 9), 3, start=1)
    True
    """
    found: list[Drawn] = []
    if not examples:
        return found

    @seed(start)
    @settings(
        max_examples=examples,
        database=None,
        derandomize=False,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: Drawn) -> None:
        found.append(example)

    collect()
    return found[:examples]
