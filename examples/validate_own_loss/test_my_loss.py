"""The loss means the same in every library that is installed, and what its definition says."""

from mpmath import exp, log
from my_loss import TEMPERATURE, tempered_bce

from weightedce.validation import check_agreement, hard_batches


def definition(z, y):
    """Return the terms of the formula as a textbook has it: no trick, no library."""
    right = -log(1 / (1 + exp(-z / TEMPERATURE)))
    wrong = -log(1 / (1 + exp(z / TEMPERATURE)))
    return [TEMPERATURE**2 * y * right, TEMPERATURE**2 * (1 - y) * wrong]


def test_tempered_bce_is_its_definition():
    check_agreement(tempered_bce, definition, hard_batches("binary"), orders=(0, 1, 2))
