"""What a confirmation says of lists of random words: there is no category, so it should find nothing.

    python -m benchmarks.random_lists --model SmolLM2 --lists nouns.json --wordnet DICT

A list of random words differs from other words in much besides its meaning: nouns from all words, capitalised words
from others. Each draw is a config of its own with that one category, confirmed with the default settings, as a user
would. No text is scanned: the sign of each neuron is that in the carrier sentences. For each kind of list is printed in
how many draws anything was confirmed and in how many anything reached p < .05, each with how many neurons in the median
draw, and the feature that explains most readings at p < .05, with the number of draws in which it does.
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from benchmarks.random_words import RandomWords
from mechamap.capture.hooked_pass import PassSettings
from mechamap.capture.prefix_pass import capture_sharing_prefixes
from mechamap.catalog.source import resolve
from mechamap.checks.confirmation_pass import ConfirmationPass, ConfirmSettings
from mechamap.config.scan_config import Category, ScanConfig
from mechamap.config.schema import default_config, with_overrides
from mechamap.figures.catalogue import SIGNIFICANT
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.load import load_model
from mechamap.models.loading.load_settings import LoadSettings
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run
from mechamap.text.carrier_words import CarrierWords, carrier_words
from mechamap.text.carriers import Carriers, carry
from mechamap.words.features import feature_name
from mechamap.words.matching import alike

__all__ = ["main"]

WORDS = 16
DRAWS, NINTH_DRAWS = 24, 10
NINTH = "WordNet nouns as a ninth category"
LISTED = "random"
HEAD = """\
| 16 random ... | draws with confirmed neurons | median | draws with p < .05 | median | explained by |
| --- | --- | --- | --- | --- | --- |"""


@dataclass(frozen=True)
class Draw:
    """What one list led to.

    Attributes:
        significant: neurons at p < .05.
        confirmed: neurons that are confirmed.
        explained: how many of the significant readings each feature explains.
    """

    significant: int
    confirmed: int
    explained: Counter[str]


@dataclass(frozen=True)
class _Unscanned:
    """Stands for a run without figures: no text was scanned."""

    neurons: int

    def has(self, _figure: str) -> bool:
        return False


def confirm_lists(loaded: LoadedModel, configs: Sequence[ScanConfig]) -> list[Draw]:
    """Confirm the last category of each config; the sentences of all configs are read together, each once."""
    carried = [carry(carrier_words(c, loaded.tokenizer), c, loaded.tokenizer, loaded.context) for c in configs]
    everything = _together(loaded, configs[0], carried)
    row_of = {word: row for row, word in enumerate(everything.words.words)}
    rows = [np.array([row_of[word] for word in one.words.words]) for one in carried]
    last = np.flatnonzero(everything.tokenized.scored)[everything.spans[..., 1]]  # [words, templates] positions
    wanted = np.zeros(len(everything.tokenized.scored), np.bool_)
    wanted[last] = True
    places = (np.cumsum(wanted) - 1)[last]  # among the wanted ones
    checks = [_check(loaded, config, carriers) for config, carriers in zip(configs, carried, strict=True)]
    first_rows = np.cumsum([0, *(layer.width for layer in loaded.layers)]).tolist()

    def on_layer(layer: NeuronLayer, activations: Tensor) -> None:
        first = first_rows[loaded.layers.index(layer)]
        for check, of_draw in zip(checks, rows, strict=True):
            values = activations[torch.from_numpy(places[of_draw].ravel())]
            check.read_layer(LayerRows(layer.layer, first, layer.width, layer.width), values)

    capture_sharing_prefixes(
        loaded, everything.tokenized, loaded.layers, on_layer, PassSettings(position_mask=wanted, batch_tokens=2048)
    )
    return [_draw(check) for check in checks]


def _together(loaded: LoadedModel, config: ScanConfig, carried: Sequence[Carriers]) -> Carriers:
    """The sentences of all words of several configs."""
    words = tuple(dict.fromkeys(word for one in carried for word in one.words.words))
    none = np.zeros((len(words), 1), np.bool_)
    of_no_category = CarrierWords(words, none, none, none, none[:, 0], alike(words, [[0]] * len(words)))
    return carry(of_no_category, config, loaded.tokenizer, loaded.context)


def _check(loaded: LoadedModel, config: ScanConfig, carriers: Carriers) -> ConfirmationPass:
    """A confirmation that is given the activations at each word's last token, ``[words * templates, neurons]``."""
    shape = len(carriers.words.words), carriers.templates
    places = np.repeat(np.arange(shape[0] * shape[1]), 2).reshape(*shape, 2)
    run = cast(Run, _Unscanned(sum(layer.width for layer in loaded.layers)))
    settings = ConfirmSettings(splits=1)  # what is held out says nothing of what is confirmed
    return ConfirmationPass(run, config, loaded, replace(carriers, spans=places), settings, lambda _event: None)


def _draw(check: ConfirmationPass) -> Draw:
    figures = {name: values[:, -1] for name, values in check.figures().items()}
    significant = figures["p"] < SIGNIFICANT
    passing = (figures["p_matched"] < SIGNIFICANT) & (figures["hard_auroc"] >= check.config.hard_auroc)
    explained = Counter(filter(None, map(feature_name, figures["explained"][significant].tolist())))
    return Draw(int(significant.sum()), int(passing.sum()), explained)


def row(kind: str, draws: Sequence[Draw]) -> str:
    """One row of the table."""
    of = len(draws)
    confirmed, significant = (sum(getattr(draw, name) > 0 for draw in draws) for name in ("confirmed", "significant"))
    named = Counter(draw.explained.most_common(1)[0][0] for draw in draws if draw.explained)
    features = ", ".join(f"{name} ({times})" for name, times in named.most_common(2))
    median = f"{statistics.median(draw.confirmed for draw in draws):g}"
    reached = f"{statistics.median(draw.significant for draw in draws):g}"
    return f"| {kind} | {confirmed} of {of} | {median} | {significant} of {of} | {reached} | {features} |"


def _rows(loaded: LoadedModel, words: RandomWords, kinds: Sequence[str], draws: int, seed: int) -> Iterator[str]:
    config = default_config()
    for kind in kinds:
        seeds = range(seed, seed + (min(draws, NINTH_DRAWS) if kind == NINTH else draws))
        listed = [Category(LISTED, words.draw("WordNet nouns" if kind == NINTH else kind, WORDS, n)) for n in seeds]
        beside = config.categories if kind == NINTH else ()
        configs = [with_overrides(config, categories=(*beside, category)) for category in listed]
        yield row(kind, confirm_lists(loaded, configs))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="demo", help="a decoder: a name or a folder (default: the bundled model)")
    parser.add_argument(
        "--lists", type=Path, action="append", default=[], help="JSON: names to lists of nouns; repeatable"
    )
    parser.add_argument(
        "--wordnet",
        type=Path,
        help="folder with WordNet's index files, as nltk_data has one: more nouns, verbs and so on",
    )
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"lists of each kind (default: {DRAWS})")
    parser.add_argument("--seed", type=int, default=0, help="of the first draw (default: 0)")
    parser.add_argument("--kind", action="append", default=[], help="a kind of list, repeatable (default: all)")
    arguments = parser.parse_args()
    if not (arguments.lists or arguments.wordnet):
        parser.error("WordNet nouns are needed: give --lists or --wordnet.")
    loaded = load_model(resolve(arguments.model), LoadSettings(dtype="float32"))
    words = RandomWords(arguments.lists, arguments.wordnet, loaded.tokenizer)
    kinds = (*words.kinds, NINTH)
    if unknown := set(arguments.kind) - set(kinds):
        parser.error(f"no kind of list is called {', '.join(unknown)}; there are: {'; '.join(kinds)}")
    print(HEAD, flush=True)
    for line in _rows(loaded, words, arguments.kind or kinds, arguments.draws, arguments.seed):
        print(line, flush=True)


if __name__ == "__main__":
    main()
