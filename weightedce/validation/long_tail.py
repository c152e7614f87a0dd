"""More textbook definitions, of losses for long tails and detection: see `oracle`.

One that holds a part of itself constant, through which no derivative goes, takes the logits twice:
``at`` are those at which it is differentiated, which do not move along.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import mpmath as mp

from weightedce.validation.oracle import MULTICLASS, define

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
