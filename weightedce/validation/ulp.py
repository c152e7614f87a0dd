"""Distance from the truth in ulp: the only file that holds a tolerance."""

import mpmath as mp
import numpy as np

from weightedce.validation.truth import Exact

PER_ELEMENT = 8  # ulp, value and gradient of every loss on every library
SECOND = 16  # ulp, second derivatives: two passes of autodiff round twice


@mp.workdps(60)
def ulps(got: float, truth: Exact, dtype: str) -> float:
    """Return how many ulp of ``dtype`` ``got`` is from the truth.

    The ulp is that of the truth's scale. Processors and compilers flush numbers below the
    smallest normal one to zero, term by term and before a factor is applied: an error of some
    of these times the factor does not count. A right infinity or NaN is 0 ulp away, a wrong
    one infinitely many.
    """
    exact, scale, mass = truth
    if mp.isnan(exact) or np.isnan(got):
        return 0.0 if mp.isnan(exact) and np.isnan(got) else np.inf
    limits = np.finfo(dtype)
    if abs(exact) > limits.max or np.isinf(got):
        right = np.isinf(got) and (exact > 0) == (got > 0) and abs(exact) >= limits.max
        return 0.0 if right else np.inf
    flushed = 16 * float(limits.smallest_normal) * max(1.0, float(mass))
    size = float(min(max(scale, limits.smallest_normal), limits.max))
    error = max(abs(mp.mpf(float(got)) - exact) - flushed, 0)
    return float(error / float(np.spacing(np.asarray(size, dtype))))
