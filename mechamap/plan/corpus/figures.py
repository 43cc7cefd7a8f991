"""Bytes of what a scan over a corpus leaves of each neuron, and how many tokens it keeps."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.scan_config import Category, ScanConfig
from mechamap.plan.corpus.amount import Amount
from mechamap.scan.corpus.figures import layer_figures
from mechamap.scan.corpus.kept_text import Surroundings
from mechamap.scan.corpus.state import CorpusState, LayerSpan
from mechamap.statistics.draws import DRAWN

__all__ = ["figure_bytes", "figure_rows", "kept_tokens"]


OCTAVES_IN_USE = 12  # of the activations of a neuron, about; contexts are drawn from each


def figure_rows(config: ScanConfig) -> dict[str, int]:
    """Bytes of a neuron in each file of figures: those of a neuron that has seen nothing."""
    assert config.corpus is not None
    return dict(_figure_rows(config.corpus.contexts, len(config.categories), config.top_k_tokens))


@lru_cache(maxsize=8)
def _figure_rows(contexts: int, categories: int, top_k: int) -> tuple[tuple[str, int], ...]:
    settings = CorpusSettings((), contexts=contexts)
    span = LayerSpan(0, 0, 1, torch.device("cpu"))
    state = CorpusState.empty([span], settings, [Category(str(number), ()) for number in range(categories)])
    figures = layer_figures(state, 0, Path(), np.zeros(0, np.int64), top_k)
    return (*((name, figure.nbytes) for name, figure in figures.items()), ("write", 4 * categories))


def figure_bytes(config: ScanConfig) -> int:
    """Bytes of all figures of a neuron."""
    return sum(figure_rows(config).values())


def kept_tokens(neurons: int, settings: CorpusSettings, read: Amount) -> int:
    """How many tokens a run keeps: those around every context, if contexts stand anywhere in what was read.

    Neurons that have contexts in common keep fewer.
    """
    if not read.tokens:
        return 0
    around = Surroundings.for_settings(neurons, settings)
    each = read.tokens / read.windows
    if around.before is not None and around.behind is not None:
        each = min(each, around.before + 1 + around.behind)
    contexts = neurons * (2 * settings.contexts + OCTAVES_IN_USE * DRAWN)
    return round(read.tokens * -math.expm1(-contexts * each / read.tokens))
