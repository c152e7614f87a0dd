"""Losses of yes/no targets with their slopes, for small batches in NumPy's arrays.

Targets that are 0 or 1 have one side each. With u = z for y = 0 and -z for y = 1, q = sigmoid(u),
and w the one factor that is not 0, `stable.focal` is ``w q^gamma softplus(u)``, and its slope
``+-w q^gamma (q + gamma (1 - q) softplus(u))``.
"""

from weightedce.backends import Array
from weightedce.backends.handed import Factors, Passes


def one_side(
    passes: Passes, gamma: float, batch: Factors, slope: bool
) -> tuple[Array, Array | None]:
    """Return the loss and its slope of logits of which no exponential is next to out of range.

    So that softplus(u) is log1p(exp(u)), and one exponential is enough.
    """
    u = batch.targets * -2.0
    u += 1.0
    u *= batch.logits
    rising = passes.exp(u)
    value, weight = passes.log1p(rising), batch.positive + batch.negative
    if not gamma and not slope:
        value *= weight
        return value, None
    rest = rising + 1.0
    rising /= rest  # q
    signed = batch.negative - batch.positive
    if gamma:
        power = passes.power(rising, gamma)
        weight *= power  # before what follows: a power may be next to underflow
        signed *= power
        if slope:
            rising += gamma * value / rest
    value *= weight
    if not slope:
        return value, None
    rising *= signed
    return value, rising
