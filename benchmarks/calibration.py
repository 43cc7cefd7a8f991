"""How often a search in which there is nothing to find reports something, at p < 0.05 and at p < 0.001.

The labels of all words are shuffled before anything is looked at: for `p` among all words, for `p_matched` among words
that are alike. Each shuffle is a model that knows no category, with the neurons' real correlations.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.figures import Figure
from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.config.schema import default_config
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.scores.carriers.null import ShuffledLabels
from mechamap.scores.carriers.strata import StratifiedLabels
from mechamap.scores.carriers.word_ranks import word_ranks
from mechamap.text.carrier_words import carrier_words
from mechamap.text.carriers import carry
from mechamap.words.matching import strata

__all__ = ["calibration"]

MODELS = 300
PERMUTATIONS = 200
LEVELS = (0.05, 0.001)
Null = ShuffledLabels | StratifiedLabels


def calibration(loaded: LoadedModel, models: int = MODELS) -> list[Figure]:
    """Nominal against observed, for both kinds of p, over shuffled models."""
    config = default_config()
    carriers = carry(carrier_words(config, loaded.tokenizer), config, loaded.tokenizer, loaded.context)
    words, templates = carriers.words, carriers.templates
    last = torch.from_numpy(carriers.spans[..., 1].ravel())
    layers: list[list[NDArray[np.float32]]] = []

    def on_layer(_layer: NeuronLayer, activations: Tensor) -> None:
        values = activations.float()[last.to(activations.device)].T.contiguous().cpu().numpy()
        choices = [np.arange(words.plain), np.arange(words.comparable)]
        layers.append(word_ranks(values, templates, choices, torch.get_num_threads()))

    mask = PassSettings(position_mask=carriers.tokenized.scored)
    capture_layers(loaded, carriers.tokenized, loaded.layers, on_layer, mask)
    plain, comparable = (np.concatenate(ranks) for ranks in zip(*layers, strict=True))
    groups = strata(words.features.take(np.arange(words.comparable)))
    alone = np.zeros(words.plain, np.intp)

    def plain_null(seed: int) -> Null:
        return ShuffledLabels(_shuffled(words.members[: words.plain], alone, seed), templates, PERMUTATIONS, seed)

    def matched_null(seed: int) -> Null:
        labels = _shuffled(words.members[: words.comparable], groups, seed)
        return StratifiedLabels(labels, groups, PERMUTATIONS, seed)

    return [
        *_figures("p", plain, plain_null, models),
        *_figures("p_matched", comparable, matched_null, models),
    ]


def _shuffled(members: NDArray[np.bool_], groups: NDArray[np.intp], seed: int) -> NDArray[np.bool_]:
    rng = np.random.default_rng(1000 + seed)
    shuffled = members.copy()
    for group in np.unique(groups).tolist():
        places = np.flatnonzero(groups == group)
        shuffled[places] = members[rng.permutation(places)]
    return shuffled


def _figures(name: str, ranks: NDArray[np.float32], null_of: Callable[[int], Null], models: int) -> list[Figure]:
    smallest = []
    for seed in range(models):
        null = null_of(seed)
        smallest.append(float(np.nanmin(null.p(null.add(ranks)))))
    figures = []
    for level in LEVELS:
        wrong, expected = sum(p < level for p in smallest), level * models
        most = expected + 2 * (expected * (1 - level)) ** 0.5
        figures.append(
            Figure(
                f"shuffled models in which anything reaches {name} < {level:g}",
                f"{wrong} of {models}",
                f"<= {most:.1f}",
                wrong <= most,
                f"{expected:g} expected, and two standard errors; {PERMUTATIONS} permutations each, from seed 0 on",
            )
        )
    return figures
