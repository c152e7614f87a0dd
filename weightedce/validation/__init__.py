"""The truth that every library is held to: an oracle, hard inputs, and a comparison in ulp."""
