"""What a model's name means, and which models are on this machine: start in ``source``. Loads no torch."""
