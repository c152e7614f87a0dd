"""What `linear_cross_entropy` is made of: its arguments in rows, and a block of its logits."""
