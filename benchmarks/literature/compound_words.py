"""Neurons of compound words (Gurnee et al. 2023, section 5): high at *factors* behind *prime*, and at neither alone.

As in the paper, a neuron is judged at the second word of the compound, beside the same word behind another first one,
and beside what follows the first word otherwise. The paper took its samples from the Pile; here they stand in plain
sentences, half of which choose the threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import mechamap as mm
from benchmarks.literature.published_neurons import PublishedNeuron
from benchmarks.literature.separation import Separation, separation

__all__ = ["COMPOUNDS", "CompoundResult", "compound_results"]


# Each with what else follows its first word, and what else stands in front of its second.
COMPOUNDS: Mapping[str, tuple[str, ...]] = {
    "prime factors": ("prime minister", "prime time", "risk factors", "key factors"),
    "social security": ("social class", "social events", "airport security", "national security"),
    "blood pressure": ("blood cells", "blood sample", "air pressure", "water pressure"),
    "social media": ("social worker", "social event", "foreign media", "print media"),
    "North America": ("north wind", "north side", "South America", "Central America"),
    "high school": ("high walls", "high prices", "old school", "village school"),
    "side effects": ("side door", "side street", "sound effects", "special effects"),
    "living room": ("living things", "living memory", "dark room", "waiting room"),
    "human rights": ("human beings", "human nature", "mineral rights", "film rights"),
    "mental health": ("mental arithmetic", "mental image", "animal health", "poor health"),
    "cell lines": ("cell walls", "cell phone", "straight lines", "bus lines"),
    "trial court": ("trial version", "trial period", "tennis court", "royal court"),
    "public health": ("public park", "public library", "good health", "plant health"),
    "gene expression": ("gene therapy", "gene pool", "facial expression", "blank expression"),
    "third party": ("third floor", "third chapter", "birthday party", "dinner party"),
    "magnetic field": ("magnetic tape", "magnetic strip", "corn field", "open field"),
    "credit card": ("credit union", "credit rating", "birthday card", "library card"),
    "control group": ("control panel", "control tower", "small group", "study group"),
    "clinical trials": ("clinical psychology", "clinical work", "field trials", "criminal trials"),
    "federal government": ("federal court", "federal law", "local government", "new government"),
    "second derivative": ("second chance", "second floor", "first derivative", "partial derivative"),
}

_SENTENCES = (
    "They talked about the {} for a long time.",
    "The report mentions the {} twice.",
    "Nothing was said of the {} until the end.",
    "The chapter on the {} was the longest.",
    "He had read about the {} before.",
    "A note on the {} was added later.",
    "It was a question of the {}, she said.",
    "Most of them knew the {} well.",
)


@dataclass(frozen=True, slots=True)
class CompoundResult:
    """A published neuron, how it separates its compound, and how many of its layer have at least its ``ap``."""

    neuron: PublishedNeuron
    separation: Separation
    as_good: int
    of: int


def compound_results(
    model: str | Path,
    neurons: tuple[PublishedNeuron, ...],
    out: Path,
    *,
    compounds: Mapping[str, tuple[str, ...]] = COMPOUNDS,
    **settings: Any,
) -> Iterator[CompoundResult]:
    """Scan the layers of published neurons over the sentences, and judge each neuron at its compound.

    Args:
        model: a hub id or a folder.
        neurons: whose features are compounds with a hyphen, as ``prime-factors``.
        out: folder of the run.
        compounds: what the sentences are about.
        settings: of the scan, as ``revision``.
    """
    layers = sorted({neuron.layer for neuron in neurons})
    run = mm.scan(
        str(model),
        categories=_categories(compounds),
        text=[_text(half, compounds) for half in (_SENTENCES[::2], _SENTENCES[1::2])],
        layers=",".join(map(str, layers)),
        keep_activations="always",
        second_text="never",
        out=out,
        progress=False,
        **settings,
    )
    for neuron in neurons:
        yield _result(run, neuron)


def _categories(compounds: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Each compound, and what stands beside it; in lower case, which matches any."""
    categories: dict[str, list[str]] = {}
    for compound, others in compounds.items():
        categories[compound.lower()] = [compound.lower()]
        categories[_beside(compound.lower())] = [other.lower() for other in others]
    return categories


def _beside(compound: str) -> str:
    return f"not {compound}"


def _text(sentences: tuple[str, ...], compounds: Mapping[str, tuple[str, ...]]) -> str:
    phrases = sorted({phrase for compound, others in compounds.items() for phrase in (compound, *others)})
    return " ".join(sentence.format(phrase) for sentence in sentences for phrase in phrases)


def _result(run: mm.ScannedRun, neuron: PublishedNeuron) -> CompoundResult:
    compound = neuron.feature.replace("-", " ")
    of_run = run[neuron.name]
    layer = run.data.layer_rows(neuron.layer)
    kept = run.data.activations(neuron.layer)
    assert kept is not None  # as the scan was told to
    values = np.asarray(kept[of_run.row - layer.first_row], np.float32)  # [positions]
    names = {run.categories.index(compound): True, run.categories.index(_beside(compound)): False}
    samples = [(last, names[category]) for category, _, _, last in run.data.record.occurrences if category in names]
    at = np.array([last for last, _ in samples])
    second = min(start for text, start, _ in run.data.record.tokens.windows if text == 1)
    found = separation(values[at], np.array([positive for _, positive in samples]), at >= second)
    ap = run.data.column("ap", compound)[layer.rows]
    return CompoundResult(neuron, found, int((ap >= of_run.value("ap", compound)).sum()), layer.width)
