"""Models: loading them, where they keep their neurons, and the proof that the capture sees those."""

from __future__ import annotations

from mechamap.models.architectures import NeuronLayer, weight_in_out
from mechamap.models.load import LoadedModel, load_model

__all__ = ["LoadedModel", "NeuronLayer", "load_model", "weight_in_out"]
