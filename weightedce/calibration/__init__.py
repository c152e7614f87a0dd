"""From weighted logits to probabilities and decisions again."""
