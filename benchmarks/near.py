"""Whether confirmed neurons tell their category from near relatives that had no part in confirming them.

``other_near.yaml`` lists words about the same things that are no members, other ones than the config's ``near:``. They
are put into the carrier sentences beside the categories' words, and each confirmed neuron is scored on the two lists
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.figures import Figure
from mechamap.capture.hooked_pass import PassSettings
from mechamap.capture.prefix_pass import capture_sharing_prefixes
from mechamap.figures.findings import passing
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.run import Run
from mechamap.scores.carriers.controls import contrasted
from mechamap.text.carrier_words import carrier_words
from mechamap.text.carriers import carry

__all__ = ["near_figures", "other_near"]

KEEPS = 0.8  # AUROC
ASKED = 0.85  # of the confirmed neurons


def other_near() -> Mapping[str, tuple[str, ...]]:
    """Near relatives of the default categories that no config lists."""
    listed = yaml.safe_load((Path(__file__).parent / "other_near.yaml").read_text(encoding="utf-8"))
    return {name: tuple(map(str, words)) for name, words in listed.items()}


def near_figures(run: Run, loaded: LoadedModel) -> list[Figure]:
    """For each category of a confirmed run the share of its confirmed neurons that keep an AUROC of 0.8."""
    others = other_near()
    categories = [replace(category, near=others.get(category.name, ())) for category in run.config.categories]
    config = replace(run.config, categories=tuple(categories), contrast=())
    carriers = carry(carrier_words(config, loaded.tokenizer), config, loaded.tokenizer, loaded.context)
    last = torch.from_numpy(carriers.spans[..., 1].ravel())
    layers: list[NDArray[np.float32]] = []

    def on_layer(_layer: NeuronLayer, activations: Tensor) -> None:
        layers.append(activations.float()[last.to(activations.device)].T.contiguous().cpu().numpy())

    settings = PassSettings(position_mask=carriers.tokenized.scored)
    capture_sharing_prefixes(loaded, carriers.tokenized, loaded.layers, on_layer, settings)
    values, words = np.concatenate(layers), carriers.words
    figures = []
    for number, category in enumerate(run.config.categories):
        rows = np.flatnonzero(passing(run, category.name))
        members, near = words.members[:, number], words.near[:, number] & ~words.members[:, number]
        if not (len(rows) and members.any() and near.any()):
            continue
        falls = np.asarray(run.column("selectivity", category.name))[rows] < 0
        scored = contrasted(values[rows], carriers.templates, np.flatnonzero(members), np.flatnonzero(near), falls)
        share = float((scored.auroc >= KEEPS).mean())
        figures.append(
            Figure(
                f"confirmed for {category.name} that tell it from other near relatives",
                f"{share:.2f}",
                f">= {ASKED}",
                share >= ASKED,
                f"{len(rows):,} confirmed; AUROC of {KEEPS} against {int(near.sum())} words, median "
                f"{np.median(scored.auroc):.2f}",
            )
        )
    return figures
