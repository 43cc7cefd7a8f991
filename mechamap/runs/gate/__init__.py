"""What a run of others must hold to: its record, its files; what is saved of a damaged one. Start in ``records``."""
