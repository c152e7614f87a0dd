"""The whole matrix of second derivatives of one example, for what steps through all classes."""

from collections.abc import Callable
from typing import Any

from weightedce.backends import Array, host, jets
from weightedce.backends.handed import RowsError


def hessian(
    loss: Callable[..., Any], logits: Array, label: Any, **given: Any
) -> tuple[Array, Array]:
    """Return gradient (K,) and Hessian (K, K) of a loss over classes for one row of K logits.

    All at once, as rows that are differentiated along e_j, and along e_j + e_k: the second
    derivative along the latter is ``H_jj + 2 H_jk + H_kk``.
    """
    xp, classes = host().namespace, logits.shape[0]
    one = xp.eye(classes)
    j, k = xp.triu_indices(classes, 1)
    directions = xp.concatenate([one, one[j] + one[k]]).astype(logits.dtype)
    rows = xp.broadcast_to(logits, directions.shape)
    given = {name: value for name, value in given.items() if value is not None}
    with xp.errstate(all="ignore"):
        found = loss(
            jets().towards(rows, directions, 1),
            xp.full(len(rows), label),
            reduction="none",
            **given,
        )
    if found.shape != (len(rows),):
        raise RowsError
    first, second = jets().beside(found, found.shape)
    whole = xp.diag(second[:classes])
    whole[j, k] = whole[k, j] = 0.5 * (second[classes:] - second[j] - second[k])
    return first[:classes], whole
