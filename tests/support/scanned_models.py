"""Tiny models with runs of them, and their activations by plain hooks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mechamap.models.loaded import LoadedModel
from mechamap.probe.reference_pass import reference_of
from mechamap.probe.subject import RunSubject
from mechamap.runs.run import Run

TEXT = "The cat and the dog ate an apple. A horse went to Paris by train, and the bird sang in London all day. "
CONFIG = {
    "texts": [TEXT],
    "categories": {"animal": ["cat", "dog", "horse", "bird"], "place": ["Paris", "London"]},
    "top_k_tokens": 5,
    "device": "cpu",
    "second_text": "never",
}


@dataclass(frozen=True)
class Scanned:
    """A model and a run of it."""

    run: Run
    loaded: LoadedModel

    @property
    def subject(self) -> RunSubject:
        return RunSubject(self.loaded, self.run.config, self.run, reference_of(self.run, self.loaded))


def plain_layers(loaded: LoadedModel, ids: np.ndarray) -> dict[int, np.ndarray]:
    """Each dense layer's ``[tokens, neurons]`` by a hook of plain PyTorch on its down-projection."""
    seen: dict[int, np.ndarray] = {}

    def keep(layer: int, inputs: torch.Tensor) -> None:
        seen[layer] = inputs.reshape(-1, inputs.shape[-1]).float().numpy().copy()

    handles = [
        layer.module.register_forward_pre_hook(lambda _module, args, at=layer.layer: keep(at, args[0]))
        for layer in loaded.layers
    ]
    try:
        with torch.no_grad():
            loaded.model(input_ids=torch.from_numpy(ids.astype(np.int64))[None])
    finally:
        for handle in handles:
            handle.remove()
    return seen
