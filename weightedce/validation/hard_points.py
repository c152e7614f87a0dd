"""The fixed cases: every loss with every kind of option, at the points where formulas break."""

import itertools
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from weightedce.validation import oracle
from weightedce.validation.cases import HARD_POINTS, Case

MORE_POINTS = (*HARD_POINTS, 0.3, -2.7, 20.0, -36.7, 1e-9, 700.1)
CORE = ("binary_cross_entropy", "cross_entropy")
ROWS = 51  # of batches of two labels, so that they share shapes and hence compiled operations
FULL = "full"  # cases with every option at once: what is compiled
FINITE = "finite"
SOFTMAX = "softmax"  # soft counts of classes
LABEL_WEIGHTS = {"pos_weight": [2.5, 10.0], "neg_weight": [0.3, 1.0]}
CLASS_WEIGHTS = {"class_weight": [1.0, 2.5, 0.0]}


@cache
def cases(loss: str) -> dict[str, Case]:
    """Return the fixed cases of a loss that the oracle defines, by name.

    ``full-1``, ``full-2``, ... go through the parameters of the loss, each with weights, a mask
    and smoothing; odd ones have labels, even ones distributions, and the policies alternate. The
    two plain losses, whose factors all others share, come with every option alone, too. ``finite``
    is what trains most often, and takes paths of its own in eager code: hard targets, no
    smoothing, no mask, no infinite logit.
    """
    variants = oracle.definition(loss).variants
    make = _maker(loss)
    weights = CLASS_WEIGHTS if loss in oracle.MULTICLASS else LABEL_WEIGHTS
    found = {}
    for i in range(max(2, len(variants))):
        own = variants[i % len(variants)]
        soft = i % 2 == 1
        more: dict[str, Any] = {}
        if own.get("scale_by") == "label":  # smoothed classes would keep the label's scale
            soft = False
        else:
            more["label_smoothing"] = 0.1
            more["smoothing_weight"] = "class" if soft else "target"
        found[f"{FULL}-{i + 1}"] = make(loss, own | weights | more, soft=soft, masked=True)
    found[FINITE] = _finite(make(loss, variants[0] | weights))
    if loss in oracle.BATCH and loss != "lovasz_loss":  # which has no form for classes
        for i, own in enumerate(variants if len(variants) > 1 else (variants[0],) * 2):
            found[f"{SOFTMAX}-{i + 1}"] = _of_classes(loss, own, soft=i % 2 == 1)
    if loss in CORE:
        smooth = {"label_smoothing": 0.1}
        found["plain"] = make(loss, {})
        found["weighted"] = make(loss, weights)
        found["soft"] = make(loss, weights, soft=True)
        found["smooth"] = make(loss, weights | smooth)
        found["masked"] = make(loss, weights, masked=True)
        each = {"label_smoothing": (0.1, 0.0, 0.25)[: 2 if loss in oracle.BINARY else 3]}
        found["smooth each"] = make(loss, weights | each)
        found["soft, each"] = make(loss, weights | each | {"smoothing_weight": "class"}, soft=True)
    return found


def reach(name: str, dtype: str) -> str:
    """Return which modes take a case: ``"slow"`` compilers, the quick ``"compiled"``, or eager.

    Compilers take nearly all of the time. All cases are compiled in float64; float32 traces the
    same operations, so two will do, and bfloat16 is float32 behind a cast.
    """
    if name == f"{FULL}-1":
        return "slow"
    compiled = dtype == "float64" or (dtype == "float32" and name == f"{FULL}-2")
    return "compiled" if compiled and name.startswith(FULL) else "eager"


def _maker(loss: str) -> Any:
    if loss in oracle.BATCH:
        return whole_batch
    return binary_batch if loss in oracle.BINARY else class_batch


def binary_batch(
    loss: str, options: dict[str, Any], *, soft: bool = False, masked: bool = False
) -> Case:
    """Return every point with every target, two labels."""
    targets = (0.0, 1.0, 0.3) if soft else (0.0, 1.0)
    rows = list(itertools.product((*MORE_POINTS, 21.0), targets))  # torch's softplus ends at 20
    z = np.array([[z, -z] for z, _ in rows])
    y = np.array([[y, 1 - y] for _, y in rows])
    return Case(loss, z, y, options=options, **(_sample_and_mask(len(z), 2) if masked else {}))


def class_batch(
    loss: str, options: dict[str, Any], *, soft: bool = False, masked: bool = False
) -> Case:
    """Return rows that mix the points, each with every label of three."""
    random = np.random.default_rng(1)
    rows = [[20.0, 0, 0], [0, 0, 0], [1000, -1000, 16.6], [np.inf, 0, 1], [-np.inf, 0, 0]]
    rows += random.choice(MORE_POINTS, (40, 3)).tolist()
    z = np.repeat(np.array(rows), 3, axis=0)
    labels = np.arange(len(z)) % 3
    targets = random.dirichlet([0.5] * 3, len(z)) if soft else labels
    return Case(loss, z, targets, options=options, **(_sample_and_mask(len(z)) if masked else {}))


def whole_batch(
    loss: str, options: dict[str, Any], *, soft: bool = False, masked: bool = False
) -> Case:
    """Return a batch of two labels: one of every point, one that is nearly all right."""
    rows = list(itertools.product((*MORE_POINTS, 2.0, -1.0), (0.0, 1.0)))
    z, y = np.array(rows).T
    right = np.where(y == 1, np.abs(z), -np.abs(z))
    target = np.where(np.arange(len(y)) % 3 == 0, 0.3, y) if soft else y
    more = _sample_and_mask(len(z), 2) if masked else {}
    logits, targets = np.stack([z, right], axis=1), np.stack([target, y], axis=1)
    return Case(loss, logits, targets, options=options, **more)


def _of_classes(loss: str, own: dict[str, Any], *, soft: bool) -> Case:
    """Return rows that mix the points, for the counts of each of three classes."""
    options: dict[str, Any] = {"link": "softmax", **own}
    options |= {"pos_weight": [2.5, 10.0, 1.0], "neg_weight": [0.3, 1.0, 0.5]}
    if soft:
        options |= {"label_smoothing": 0.1, "smoothing_weight": "class"}
    case = class_batch(loss, options, soft=soft, masked=True)
    highest = (case.logits == np.inf).sum(axis=1)
    defined = (highest < 2) & ~(case.logits == -np.inf).all(axis=1)
    rows = np.flatnonzero(defined)[:ROWS]
    return replace(
        case,
        logits=case.logits[rows],
        targets=case.targets[rows],
        sample_weight=None if case.sample_weight is None else case.sample_weight[rows],
        mask=None if case.mask is None else case.mask[rows],
    )


def _finite(case: Case) -> Case:
    """Return the case with ordinary numbers in place of infinite logits."""
    z = case.logits
    return replace(case, logits=np.where(np.isfinite(z), z, np.where(z > 0, 5.0, -7.5)))


def hard_batches(kind: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (logits, targets) at the points where formulas break, for a loss of one's own.

    Parameters
    ----------
    kind : {"binary", "labels", "distributions"}
        Targets 0, 1 and between for each of two labels, (N, 2); labels of three classes, (N,);
        or distributions over them, (N, 3).

    Returns
    -------
    list of (ndarray, ndarray)
        One batch, with zeros of both signs, ties, huge, tiny and infinite logits.

    Examples
    --------
    >>> [(logits, targets)] = hard_batches("labels")
    >>> logits.shape[0] == targets.shape[0], bool(np.isinf(logits).any())
    (True, True)
    """
    if kind == "binary":
        case = binary_batch("binary_cross_entropy", {}, soft=True)
    elif kind in ("labels", "distributions"):
        case = class_batch("cross_entropy", {}, soft=kind == "distributions")
    else:
        raise ValueError(f"kind: expected binary, labels or distributions, got {kind!r}")
    return [(case.logits, case.targets)]


def _sample_and_mask(n: int, *rest: int) -> dict[str, Any]:
    sample = np.random.default_rng(2).choice([0.0, 0.5, 1.0, 7.3, 1e6], n)
    mask = np.arange(n * max(rest, default=1)).reshape(n, *rest) % 5 > 0
    return {"sample_weight": sample, "mask": mask}
