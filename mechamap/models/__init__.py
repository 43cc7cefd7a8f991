"""Models: loading them, where they keep their neurons, and the proof that the capture sees those."""

from __future__ import annotations

from mechamap.models.layers import NeuronLayer, weight_in_out
from mechamap.models.load import LoadedModel, load_configured, load_model
from mechamap.models.proof import LayerProof, prove

__all__ = ["LayerProof", "LoadedModel", "NeuronLayer", "load_configured", "load_model", "prove", "weight_in_out"]
