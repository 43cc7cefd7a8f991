"""Neurons listed, and counted by a column or pair of columns: start in ``frequency``."""
