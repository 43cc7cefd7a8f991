"""``make literature``: published neurons in their own models, measured again, as docs/literature.md has them."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.literature.compound_words import compound_results
from benchmarks.literature.languages import language_results
from benchmarks.literature.published_neurons import published_neurons

PYTHIA_70M, PYTHIA_160M = "EleutherAI/pythia-70m-v0", "EleutherAI/pythia-160m-v0"
GPT2_SMALL = (
    "stanford-crfm/alias-gpt2-small-x21",
    "stanford-crfm/battlestar-gpt2-small-x49",
    "stanford-crfm/caprica-gpt2-small-x81",
    "stanford-crfm/darkmatter-gpt2-small-x343",
    "stanford-crfm/expanse-gpt2-small-x777",
)
_WINDOW, _TOKENS = 256, 8_192


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.literature", description=__doc__)
    parser.add_argument("--only", choices=tuple(_PARTS), action="append", help="one part; repeatable")
    args = parser.parse_args()
    for name in args.only or _PARTS:
        for line in _PARTS[name]():
            print(line, flush=True)


def compound_words() -> Iterator[str]:
    """Table rows: published F1, F1 and AUROC here, as good in its layer, by ap."""
    yield "| compound | neuron | published F1 | F1 here | AUROC here | as good in its layer, by ap |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    with tempfile.TemporaryDirectory() as folder:
        for result in compound_results(PYTHIA_160M, published_neurons("compound_words"), Path(folder) / "run"):
            yield _row(result.neuron.feature, result)


def languages() -> Iterator[str]:
    """Table rows: published F1, F1 and AUROC here, as good in its layer, by AUROC."""
    yield "| language | neuron | published F1 | F1 here | AUROC here | as good in its layer, by AUROC |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    with tempfile.TemporaryDirectory() as folder:
        for result in language_results(PYTHIA_70M, published_neurons("languages"), Path(folder) / "run"):
            yield _row(result.neuron.feature, result)


def _row(feature: str, result: object) -> str:
    from benchmarks.literature.compound_words import CompoundResult
    from benchmarks.literature.languages import LanguageResult

    assert isinstance(result, CompoundResult | LanguageResult)
    judged, neuron = result.separation, result.neuron
    return (
        f"| {feature} | {neuron.name} | {neuron.figures['f1']:.3f} | {judged.f1:.3f} | {judged.auroc:.3f} | "
        f"{result.as_good:,} of {result.of:,} |"
    )


def universal() -> Iterator[str]:
    """Table rows: rank correlation and largest difference of each figure, over the published neurons."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from benchmarks.literature.universal import (
        agreements,
        excess_correlations,
        moments,
        pre_activations,
        weight_figures,
    )
    from mechamap.text.natural_text import natural_passages

    published = published_neurons("universal")
    model = AutoModelForCausalLM.from_pretrained(GPT2_SMALL[0], dtype=torch.float32).eval()
    ids = AutoTokenizer.from_pretrained(GPT2_SMALL[0])(" ".join(natural_passages())).input_ids
    count = min(len(ids), _TOKENS) // _WINDOW
    windows = torch.tensor(ids[: count * _WINDOW]).view(count, _WINDOW)
    layers = sorted({neuron.layer for neuron in published})
    own = pre_activations(model, windows, layers)
    by_neuron = [moments(own[neuron.layer][neuron.index]) for neuron in published]
    measured = weight_figures(model, published)
    measured |= {name: np.array([each[name] for each in by_neuron]) for name in by_neuron[0]}
    rows = np.stack([own[neuron.layer][neuron.index] for neuron in published])  # [neurons, tokens]
    excess = []
    for name in GPT2_SMALL[1:]:
        other = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32).eval()
        seen = pre_activations(other, windows, range(len(other.transformer.h)))
        stacked = np.concatenate([seen[layer] for layer in sorted(seen)])  # [neurons of all layers, tokens]
        excess.append(excess_correlations(rows, stacked, own[layers[0]].shape[0]))
    measured["excess_corr"] = np.mean(excess, axis=0, dtype=np.float64)
    yield "| figure | rank correlation with the published | largest difference | neurons |"
    yield "| --- | ---: | ---: | ---: |"
    for each in agreements(published, measured):
        yield f"| {each.figure} | {each.rank_correlation:.3f} | {each.largest_difference:.4g} | {each.neurons} |"


_PARTS: Mapping[str, Callable[[], Iterator[str]]] = {
    "compound-words": compound_words,
    "languages": languages,
    "universal": universal,
}


if __name__ == "__main__":
    main()
