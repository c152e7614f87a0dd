"""From labels to class counts, and from counts to weights."""
