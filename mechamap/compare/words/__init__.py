"""Activations of two models over the words of a text that both have read."""
