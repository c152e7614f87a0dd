"""
Validation in CI: your loss against its definition
==================================================

`check_agreement` holds a loss to its definition, computed to hundreds of digits, in every library
that is installed. In a test it is one line, and a disagreement is an `AssertionError` that names
the simplest input.
"""

import matplotlib.pyplot as plt
import mpmath
import numpy as np

from weightedce import binary_cross_entropy
from weightedce.validation import check_agreement, hard_batches


def definition(z, y):
    """Return the terms of the formula as a textbook has it."""
    terms = (y, -z), (1 - y, z)
    return [share * mpmath.log(1 + mpmath.exp(logit)) for share, logit in terms if share]


def unreduced(logits, targets):
    """Return one number for each element."""
    return binary_cross_entropy(logits, targets, reduction="none")


check_agreement(unreduced, definition, hard_batches("binary"), libraries=["numpy"])
print("binary_cross_entropy agrees with its definition")

# %%
# The formula as it is often written does not:


def naive(logits, targets):
    """Return -y log p - (1 - y) log(1 - p), by the book."""
    p = 1 / (1 + np.exp(-logits))
    return -np.log(np.where(targets == 1, p, 1 - p))


z = np.linspace(0, 36, 200)
exact = np.array([float(mpmath.log1p(mpmath.exp(-mpmath.mpf(float(x))))) for x in z])
off = {
    "by the book": abs(naive(z, np.ones_like(z)) - exact) / np.spacing(exact),
    "weightedce": abs(unreduced(z, np.ones_like(z)) - exact) / np.spacing(exact),
}
for name, ulp in off.items():
    print(f"{name:12} is off by at most {ulp.max():.1e} ulp")

# %%

figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
for (name, ulp), colour in zip(off.items(), ("#D55E00", "#0072B2"), strict=True):
    axis.semilogy(z, np.maximum(ulp, 0.3), color=colour, label=name)
axis.axhline(8, color="#999999", linestyle="--", label="8 ulp, the limit")
axis.set(xlabel="logit of a positive", ylabel="units in the last place")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
