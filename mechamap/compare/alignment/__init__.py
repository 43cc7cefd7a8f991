"""How two runs relate: the same neurons, the same text, or other models, and what to call them."""
