"""The features of words that a neuron may read in place of their meaning, as findings name them."""

from __future__ import annotations

__all__ = ["FEATURES", "feature_name"]


FEATURES = ("capital letter", "length", "tokens", "frequency", "part of speech", "first token", "first letter")


def feature_name(number: float) -> str:
    """The name of a feature by its number, as the figure ``explained`` holds it; empty for NaN."""
    return FEATURES[int(number)] if 0 <= number < len(FEATURES) else ""  # NaN is in no range
