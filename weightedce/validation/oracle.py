"""The textbook definitions, in mpmath, without a stable trick. Imports nothing of weightedce.

A loss is given by one function of the logits and its own parameters:

- a binary one: ``f(z, ...) -> (loss if the target is 1, loss if it is 0)``,
- a multi-class one: ``f([z_1, ..., z_K], ...) -> [loss if the label is k, for each k]``,
- one of a whole batch: ``f(tp, fn, fp, tn, ...) -> loss``, from the soft confusion counts.

Weights, smoothing and masks are the same for every loss; `truth` applies them and
differentiates.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import mpmath as mp

Number = Any  # float in, mpf out
Function = TypeVar("Function", bound=Callable[..., Any])


class Definition(NamedTuple):
    """A textbook definition, the parameters to try it with, and what it may err by.

    ``looser`` multiplies the tolerance in ulp: a power p^n multiplies the relative error of p
    by n. ``sensitivity`` adds so many ulp for each unit of the largest logit: the rounding of a
    number z moves exp(z) by |z| / 2 ulp. ``reason`` says why there is either.
    ``cancels`` holds second derivatives to an ulp of the weight, not of their own size: p enters
    as a factor, and p'' = p (1 - p) (1 - 2p) is a difference that vanishes at p = 1/2.
    """

    function: Callable[..., Any]
    variants: tuple[dict[str, Any], ...]
    looser: float
    sensitivity: float
    reason: str
    cancels: bool


BINARY: dict[str, Definition] = {}
MULTICLASS: dict[str, Definition] = {}
BATCH: dict[str, Definition] = {}


def definition(loss: str) -> Definition:
    """Return the definition of a loss of any kind; a KeyError if it has none."""
    return (BINARY | MULTICLASS | BATCH)[loss]


GAMMAS = ({"gamma": 2.0}, {"gamma": 0.5}, {"gamma": 0.0})
OF_A_POWER = "(1 - p)^gamma has gamma times the relative error of 1 - p"


def define(
    table: dict[str, Definition],
    *variants: dict[str, Any],
    looser: float = 1.0,
    sensitivity: float = 0.0,
    reason: str = "",
    cancels: bool = False,
) -> Callable[[Function], Function]:
    """Enter the definition below under its name; the tests try it with each of ``variants``.

    More than 8 ulp needs a reason, which reports show beside the numbers.
    """
    if (looser > 1.0 or sensitivity) and not reason:
        raise ValueError("reason: expected a sentence beside looser or sensitivity, got none")

    def enter(function: Function) -> Function:
        table[function.__name__] = Definition(
            function, variants or ({},), looser, sensitivity, reason, cancels
        )
        return function

    return enter


@define(BINARY)
def binary_cross_entropy(z: Number) -> tuple[Number, Number]:
    """-log p and -log(1 - p), with p = 1 / (1 + exp(-z)) and 1 - p = 1 / (1 + exp(z))."""
    return -mp.log(_sigmoid(z)), -mp.log(_sigmoid(-z))


@define(MULTICLASS)
def cross_entropy(z: Sequence[Number]) -> list[Number]:
    """-log p_k, with p_k = exp(z_k) / sum_j exp(z_j)."""
    return [-mp.log(p_k) for p_k in _softmax(z)]


@define(BINARY, *GAMMAS, looser=2.0, reason=OF_A_POWER, cancels=True)
def binary_focal_loss(z: Number, gamma: float) -> tuple[Number, Number]:
    """(1 - p)^gamma times -log p, and p^gamma times -log(1 - p)."""
    positive, negative = binary_cross_entropy(z)
    return _sigmoid(-z) ** gamma * positive, _sigmoid(z) ** gamma * negative


@define(
    BINARY,
    {"gamma_pos": 1.0, "gamma_neg": 4.0, "clip": 0.125},
    {"gamma_pos": 0.0, "gamma_neg": 0.5, "clip": 0.0},
    {"gamma_pos": 0.5, "gamma_neg": 2.0, "clip": 0.25},
    looser=4.0,
    reason="m^gamma has gamma times the relative error of m = p - clip, a difference",
    cancels=True,
)
def asymmetric_loss(
    z: Number, gamma_pos: float, gamma_neg: float, clip: float
) -> tuple[Number, Number]:
    """(1 - p)^gamma_pos times -log p; m^gamma_neg times -log(1 - m), m = max(p - clip, 0)."""
    p = _sigmoid(z)
    m, rest = (p - clip, _sigmoid(-z) + clip) if p > clip else (mp.mpf(0), mp.mpf(1))
    return _sigmoid(-z) ** gamma_pos * -mp.log(p), m**gamma_neg * -mp.log(rest)


@define(
    BINARY,
    {"tp": 1.0, "tn": 0.25, "fp": 1.0, "fn": 9.0, "threshold": 0.375},
    {"tp": 0.0, "tn": 0.25, "fp": 2.0, "fn": 9.0, "threshold": 0.375, "assignment": "soft"},
    cancels=True,
)
def confusion_cross_entropy(
    z: Number,
    tp: float,
    tn: float,
    fp: float,
    fn: float,
    threshold: float,
    assignment: str = "hard",
) -> tuple[Number, Number]:
    """(tp or fn) times -log p, (fp or tn) times -log(1 - p), by z > t or mixed by sigmoid."""
    positive, negative = binary_cross_entropy(z)
    r, rest = _sigmoid(z - threshold), _sigmoid(threshold - z)
    if assignment == "hard":
        r, rest = (1, 0) if z > threshold else (0, 1)
    return (tp * r + fn * rest) * positive, (fp * r + tn * rest) * negative


@define(MULTICLASS, *GAMMAS, looser=2.0, reason=OF_A_POWER, cancels=True)
def focal_loss(z: Sequence[Number], gamma: float) -> list[Number]:
    """(1 - p_k)^gamma times -log p_k."""
    p = _softmax(z)
    return [mp.fsum(p[:k] + p[k + 1 :]) ** gamma * -mp.log(p[k]) for k in range(len(p))]


@define(MULTICLASS, {"epsilon": 1.0}, {"epsilon": -0.5}, cancels=True)
def poly_cross_entropy(z: Sequence[Number], epsilon: float) -> list[Number]:
    """-log p_k + epsilon (1 - p_k)."""
    return [-mp.log(p_k) + epsilon * (1 - p_k) for p_k in _softmax(z)]


@define(MULTICLASS, {"q": 0.75}, {"q": 1.0}, {"q": 2.0**-10}, cancels=True)
def generalized_cross_entropy(z: Sequence[Number], q: float) -> list[Number]:
    """(1 - p_k^q) / q."""
    return [(1 - p_k**q) / q for p_k in _softmax(z)]


@define(
    MULTICLASS,
    {"prior": (0.5, 0.375, 0.125), "tau": 1.0},
    {"prior": (90, 9, 1), "tau": 1.5},
    {"prior": (0.5, 0.0, 0.5), "tau": 0.0},
)
def logit_adjusted_cross_entropy(
    z: Sequence[Number], prior: Sequence[float], tau: float
) -> list[Number]:
    """Cross-entropy of z + tau log prior."""
    if tau == 0:
        return cross_entropy(z)
    return cross_entropy([z_k + tau * mp.log(n) for z_k, n in zip(z, prior, strict=True)])


@define(MULTICLASS, {"counts": (500, 31, 2)})
def balanced_softmax_cross_entropy(z: Sequence[Number], counts: Sequence[float]) -> list[Number]:
    """-log of n_k exp(z_k) / sum_j n_j exp(z_j)."""
    terms = [n * mp.exp(z_k) for z_k, n in zip(z, counts, strict=True)]
    return [-mp.log(term / mp.fsum(terms)) for term in terms]


@define(
    MULTICLASS,
    {"counts": (81, 16, 1), "max_margin": 0.5, "scale": 2.0},
    {"counts": (81, 0, 16), "max_margin": 0.0, "scale": 1.0},
    {"counts": (500, 31, 2), "max_margin": 0.5, "scale": 1.0},
    cancels=True,
)
def ldam_cross_entropy(
    z: Sequence[Number], counts: Sequence[float], max_margin: float, scale: float
) -> list[Number]:
    """Cross-entropy of scale (z - margin_k at k), margin_k = max_margin (n_min / n_k)^(1/4)."""
    least = min(n for n in counts if n)
    losses = []
    for k, n in enumerate(counts):
        margin = max_margin * (mp.mpf(least) / n) ** 0.25 if n else max_margin
        moved = [scale * (z_j - (margin if j == k else 0)) for j, z_j in enumerate(z)]
        losses.append(cross_entropy(moved)[k])
    return losses


@define(
    MULTICLASS,
    {"scale": (1.0, 0.5, 2.0), "shift": (0.0, -1.5, 2.25)},
    {"scale": (1.0, 0.5, 2.0), "scale_by": "label"},
    {"counts": (81, 16, 1), "gamma": 0.25, "tau": 1.0},
    sensitivity=1.0,
    reason="a scale is a rounded number, given or from counts: an ulp of it moves exp by |z| ulp",
)
def vector_scaling_cross_entropy(
    z: Sequence[Number],
    scale: Sequence[float] = (),
    shift: Sequence[float] = (),
    counts: Sequence[float] = (),
    gamma: float = 0.0,
    tau: float = 0.0,
    scale_by: str = "class",
) -> list[Number]:
    """Cross-entropy of scale_k z_k + shift_k, or of all z times the scale of the label."""
    if counts:
        scale = [(mp.mpf(n) / max(counts)) ** gamma for n in counts]
        shift = [tau * mp.log(mp.mpf(n) / sum(counts)) for n in counts]
    if scale_by == "label":
        return [cross_entropy([s * z_j for z_j in z])[k] for k, s in enumerate(scale)]
    return cross_entropy([s * x + b for x, s, b in zip(z, scale, shift, strict=True)])


@define(
    MULTICLASS,
    {"cost_matrix": ((0.0, 1.0, 2.5), (5.0, 0.25, 1.0), (9.0, 1.0, 0.0))},
    looser=2.0,
    sensitivity=2.0,
    reason="p_k is made of its logarithm, whose rounding moves it by |log p_k| / 2 ulp",
    cancels=True,
)
def expected_cost(z: Sequence[Number], cost_matrix: Sequence[Sequence[float]]) -> list[Number]:
    """Sum over k of C_yk p_k, for each label y."""
    p = _softmax(z)
    return [mp.fsum(c * p_k for c, p_k in zip(row, p, strict=True)) for row in cost_matrix]


@define(
    BATCH,
    {"recall_weight": 3.0, "specificity_weight": 1.0},
    {"recall_weight": 1.0, "specificity_weight": 0.0, "smooth": 0.5},
)
def recall_specificity_loss(
    *counts: Number, recall_weight: float, specificity_weight: float, smooth: float = 0.0
) -> Number:
    """1 - (a recall + b specificity), a + b = 1, without the term of a side that has no mass."""
    tp, fn, fp, tn = counts
    total = mp.mpf(recall_weight) + specificity_weight
    missed, alarms = _share(fn, tp + smooth), _share(fp, tn + smooth)
    return recall_weight / total * missed + specificity_weight / total * alarms


@define(
    BATCH,
    {"fp_weight": 0.25, "fn_weight": 0.75},
    {"fp_weight": 1.0, "fn_weight": 1.0, "smooth": 0.5},
)
def tversky_loss(
    *counts: Number, fp_weight: float, fn_weight: float, smooth: float = 0.0
) -> Number:
    """1 - (TP + s) / (TP + a FP + b FN + s), and 0 where nothing is left."""
    tp, fn, fp, _ = counts
    return _share(fp_weight * fp + fn_weight * fn, tp + smooth)


@define(BATCH, {"beta": 2.0}, {"beta": 0.5, "smooth": 0.5})
def f_beta_loss(*counts: Number, beta: float, smooth: float = 0.0) -> Number:
    """1 - ((1 + b^2) TP + s) / ((1 + b^2) TP + b^2 FN + FP + s)."""
    tp, fn, fp, _ = counts
    return _share(beta**2 * fn + fp, (1 + beta**2) * tp + smooth)


@define(BATCH, {}, {"smooth": 1.0})
def dice_loss(*counts: Number, smooth: float = 0.0) -> Number:
    """1 - (2 TP + s) / (2 TP + FP + FN + s)."""
    tp, fn, fp, _ = counts
    return _share(fp + fn, 2 * tp + smooth)


@define(BATCH, {"count": "tp"}, {"count": "fn"}, {"count": "fp"}, {"count": "tn"})
def soft_confusion(tp: Number, fn: Number, fp: Number, tn: Number, count: str) -> Number:
    """One of the four counts, by its name."""
    return {"tp": tp, "fn": fn, "fp": fp, "tn": tn}[count]


def _share(part: Number, rest: Number) -> Number:
    """Return part / (part + rest), which is 1 - rest / (part + rest), and 0 for 0 / 0."""
    return part / (part + rest) if part + rest else mp.mpf(0)


def _sigmoid(z: Number) -> Number:
    return 1 / (1 + mp.exp(-z))


def _softmax(z: Sequence[Number]) -> list[Number]:
    exponentials = [mp.exp(z_j) for z_j in z]
    total = mp.fsum(exponentials)
    return [e / total for e in exponentials]
