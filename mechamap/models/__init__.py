"""Models: loading them, and where they keep their neurons; :mod:`mechamap.models.proof` proves that these are seen.

What is imported here needs no torch, so that a model that is not there is missed at once.
"""

from __future__ import annotations

from mechamap.models.layers import NeuronLayer, weight_in_out
from mechamap.models.load import LoadedModel, load_configured, load_model

__all__ = ["LoadedModel", "NeuronLayer", "load_configured", "load_model", "weight_in_out"]
