"""The truth that every library is held to: an oracle, hard inputs, and a comparison in ulp.

`check_agreement` holds a loss of one's own to its definition; `strategies` draws batches;
`hard_batches` gives fixed ones; `ulp.distances` compares. ``weightedce validate`` does it for all
losses of this library.
"""

from weightedce.backends.missing import needed_by

with needed_by("weightedce.validation"):
    from weightedce.validation import long_tail  # noqa: F401 - enters its definitions
    from weightedce.validation.agreement import DisagreementError, check_agreement
    from weightedce.validation.hard_points import hard_batches

__all__ = ["DisagreementError", "check_agreement", "hard_batches"]
