"""How two runs relate: the same neurons, the same text, or different models, and what to call them."""
