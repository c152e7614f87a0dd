"""More textbook definitions, of losses for long tails and detection: see `oracle`.

One that holds a part of itself constant, through which no derivative goes, takes the logits twice:
``at`` are those at which it is differentiated, which do not move along. One of a whole batch whose
elements count by their places takes all ``elements`` of it: see `elements_truth`. One that looks at
the other labels of the example takes their targets too, as ``row``.
"""

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

import mpmath as mp

from weightedce.validation.oracle import BATCH, BINARY, MULTICLASS, define

Number = Any  # float in, mpf out


@define(
    MULTICLASS,
    {"counts": (500, 31, 2), "p": 0.75, "q": 2.0},
    {"counts": (16, 0, 81), "p": 1.0, "q": 0.5},
    {"counts": (16, 81, 1), "p": 0.0, "q": 0.0},
    cancels=True,
)
def seesaw_loss(
    z: Sequence[Number], counts: Sequence[float], p: float, q: float, at: Sequence[Number]
) -> list[Number]:
    """-log of exp(z_i) / (sum over j of M_ij C_ij exp(z_j)), M_ii = C_ii = 1."""
    factors = _seesaw_factors(tuple(at), tuple(counts), p, q)
    exponentials = [mp.exp(x) for x in z]
    return [
        -mp.log(own / mp.fsum(f * e for f, e in zip(row, exponentials, strict=True)))
        for row, own in zip(factors, exponentials, strict=True)
    ]


@cache
def _seesaw_factors(
    at: Sequence[Number], counts: Sequence[float], p: float, q: float
) -> list[list[Number]]:
    """Return M_ij C_ij.

    M_ij = (n_j / n_i)^p where n_j < n_i; C_ij = (sigma_j / sigma_i)^q where sigma_j > sigma_i, for
    sigma = softmax(at), whose sum cancels; both are 1 elsewhere.
    """
    n = [max(mp.mpf(count), 1) for count in counts]
    sigma = [mp.exp(x) for x in at]
    return [
        [min(1, n_j / n_i) ** p * max(1, s_j / s_i) ** q for n_j, s_j in zip(n, sigma, strict=True)]
        for n_i, s_i in zip(n, sigma, strict=True)
    ]


@define(
    BATCH,
    {"fp_weight": 0.25, "fn_weight": 0.75, "gamma": 4 / 3},
    {"fp_weight": 1.0, "fn_weight": 0.5, "gamma": 0.5, "smooth": 0.5},
)
def focal_tversky_loss(
    *counts: Number, fp_weight: float, fn_weight: float, gamma: float, smooth: float = 0.0
) -> Number:
    """(1 - (TP + s) / (TP + a FP + b FN + s))^(1 / gamma), and 0 where nothing is left."""
    tp, fn, fp, _ = counts
    errors, hits = fp_weight * fp + fn_weight * fn, tp + smooth
    return (errors / (hits + errors)) ** (1 / mp.mpf(gamma)) if hits + errors else mp.mpf(0)


@define(BATCH, {"errors": "hinge"}, {"errors": "probability"})
def lovasz_loss(elements: Sequence[tuple[Number, ...]], errors: str) -> tuple[Number, Number]:
    """Sum over the errors, the largest first, of error times what it adds to the Jaccard loss.

    That is 1 - (P - F) / (P + B), of positives of mass P, of which F are among the errors so far,
    beside negatives of mass B; 1 where there is anything but no positive. Of errors that are
    alike the positives come first; what the negatives add is shared by their masses.
    """
    sides: list[tuple[Number, Number, int, Number]] = []  # place, error, side, mass
    for z, at, *masses in elements:
        for side, mass in enumerate(masses):
            sign = 2 * side - 1  # of the logit in the error
            if errors == "hinge":
                error = 1 + sign * z if 1 + sign * at > 0 else mp.mpf(0)
            else:
                error = 1 / (1 + mp.exp(-sign * z))
            if mass:
                sides.append((sign * at, error, side, mass))
    sides.sort(key=lambda found: (-found[0], found[2]))
    whole = mp.fsum(mass for _, _, side, mass in sides if side == 0)
    among, loss, before = [mp.mpf(0), mp.mpf(0)], [mp.mpf(0), mp.mpf(0)], mp.mpf(0)
    for (_, side), group in groupby(sides, key=lambda found: (found[0], found[2])):
        alike = list(group)
        mass = mp.fsum(found[3] for found in alike)
        among[side] += mass
        after = 1 - (whole - among[0]) / (whole + among[1])
        mean = mp.fsum(found[1] * found[3] for found in alike) / mass
        loss[side] += mean * (after - before)
        before = after
    return loss[0], loss[1]


@define(
    BINARY,
    {"counts": 30.0, "total": 1000.0},
    {"counts": 7.0, "total": 8.0, "kappa": 1.0, "scale": 4.0, "beta": 2.0, "mu": 1.5},
    {"counts": 0.0, "total": 1e6, "kappa": 0.0, "scale": 1.0, "alpha": 0.0},
)
def distribution_balanced_loss(
    z: Number,
    counts: float,
    total: float,
    row: Sequence[float],
    alpha: float = 0.1,
    beta: float = 10.0,
    mu: float = 0.3,
    kappa: float = 0.05,
    scale: float = 2.0,
) -> tuple[Number, Number]:
    """r^ log(1 + e^-(z - nu)) and r^ / lambda log(1 + e^(lambda (z - nu))).

    r^ = alpha + sigmoid(beta (r - mu)), r = (1 / n) / (sum over the row of y / n), for one count n
    of all labels; alpha + 1 without positives. nu = kappa log((N - n) / n).
    """
    n, rest = mp.mpf(max(counts, 1)), mp.mpf(max(total - counts, 1))
    nu = kappa * mp.log(rest / n)
    sigmoid = mp.mpf(1)
    if any(row):
        r = (1 / n) / mp.fsum(y / n for y in row)
        sigmoid = 1 / (1 + mp.exp(-beta * (r - mu)))
    weight = alpha + sigmoid
    positive, negative = (mp.log(1 + mp.exp(x)) for x in (-(z - nu), scale * (z - nu)))
    return weight * positive, weight * negative / scale
