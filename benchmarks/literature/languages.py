"""Neurons of a language (Gurnee et al. 2023, section 6.1): the mean activation over a stretch tells its language.

The paper took stretches of 512 tokens from EuroParl; here they are windows of 16 tokens of short texts, every second of
which chooses the threshold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mechamap as mm
from benchmarks.literature.published_neurons import PublishedNeuron
from benchmarks.literature.separation import Separation, separation
from benchmarks.literature.texts_by_language import TEXTS

__all__ = ["LanguageResult", "language_results"]


_WINDOW = 16  # tokens
_FUNCTION_WORDS = {"article": ["the", "le", "la", "der", "die", "das", "el", "los", "il", "o", "os", "de", "het", "en"]}


@dataclass(frozen=True, slots=True)
class LanguageResult:
    """A published neuron, how it separates windows of its language, and how many of its layer do as well."""

    neuron: PublishedNeuron
    separation: Separation
    as_good: int
    of: int


def language_results(
    model: str | Path, neurons: tuple[PublishedNeuron, ...], out: Path, **settings: Any
) -> Iterator[LanguageResult]:
    """Scan the layers of published neurons over the texts, and judge the mean of each neuron over each window.

    Args:
        model: a hub id or a folder.
        neurons: whose features are keys of :data:`TEXTS`.
        out: folder of the run.
        settings: of the scan, as ``revision``.
    """
    layers = sorted({neuron.layer for neuron in neurons})
    run = mm.scan(
        str(model),
        categories=_FUNCTION_WORDS,  # a scan has a category; what is judged here are the kept activations
        text=[*TEXTS.values()],
        layers=",".join(map(str, layers)),
        window=_WINDOW,
        keep_activations="always",
        second_text="never",
        out=out,
        progress=False,
        **settings,
    )
    codes = [*TEXTS]
    windows = [(codes[text], start, length) for text, start, length in run.data.record.tokens.windows]
    languages = np.array([code for code, _, _ in windows])
    half = _second_halves(languages)
    means = {layer: _window_means(run, layer, windows) for layer in layers}
    for neuron in neurons:
        positive = languages == neuron.feature
        all_of_layer = means[neuron.layer]  # [neurons of the layer, windows]
        own = separation(all_of_layer[neuron.index], positive, half)
        as_good = sum(separation(values, positive, half).auroc >= own.auroc for values in all_of_layer)
        yield LanguageResult(neuron, own, as_good, len(all_of_layer))


def _second_halves(languages: NDArray[np.str_]) -> NDArray[np.bool_]:
    """``[windows]``, every second window of each language."""
    half = np.zeros(len(languages), np.bool_)
    for code in np.unique(languages):
        half[np.flatnonzero(languages == code)[1::2]] = True
    return half


def _window_means(run: mm.ScannedRun, layer: int, windows: list[tuple[str, int, int]]) -> NDArray[np.float32]:
    """The mean activation of each neuron over the scored positions of each window, ``[neurons, windows]``."""
    kept = run.data.activations(layer)
    assert kept is not None  # as the scan was told to
    values = np.asarray(kept, np.float32)  # [neurons, positions]
    scored = np.ones(values.shape[1], np.bool_)
    scored[list(run.data.excluded)] = False
    places = [np.arange(start, start + length)[scored[start : start + length]] for _, start, length in windows]
    return np.stack([values[:, place].mean(axis=1) if len(place) else values[:, 0] * 0 for place in places], axis=1)
