"""The way of one call: what comes in, checked; a batch and its factors; a formula; a reduction."""
