"""All that a corpus scan has gathered so far, in memory and on disk.

On disk it is a folder that is written beside its place and moved there, so that it is whole or not there. It names the
shards that are in it: that is the ledger. Files of activations and of tokens lie beside it, those of each shard under
its number; such a file counts only where the state names its shard.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.scan_config import Category
from mechamap.errors import RunError
from mechamap.scan.corpus.gate.arrays import read_layer, read_samples, read_tallies
from mechamap.scan.corpus.gate.ledger import STATE, VERSION, damage_in_words, newest_state, read_ledger, states_in
from mechamap.scan.corpus.samples import Sample
from mechamap.scan.corpus.tallies import Tallies
from mechamap.statistics.neuron_statistics import LayerStatistics
from mechamap.statistics.places import NONE
from mechamap.system.array_files import write_arrays

__all__ = ["CorpusState", "LayerSpan"]


@dataclass(frozen=True, slots=True)
class LayerSpan:
    """A layer's place among the neurons of all layers, and the device that its statistics are on."""

    layer: int
    first: int
    width: int
    device: torch.device


@dataclass(slots=True, eq=False)
class CorpusState:
    """Statistics, samples and counts of some shards.

    Attributes:
        spans: the layers, in order.
        layers: the statistics of each.
        rest: the sample of all scored positions.
        categories: the sample of each category's occurrences.
        tallies: what was counted.
        shards: which shards are in it.
    """

    spans: tuple[LayerSpan, ...]
    layers: tuple[LayerStatistics, ...]
    rest: Sample
    categories: tuple[Sample, ...]
    tallies: Tallies
    shards: frozenset[int] = frozenset()

    @classmethod
    def empty(cls, spans: Sequence[LayerSpan], corpus: CorpusSettings, categories: Sequence[Category]) -> CorpusState:
        """Before the first shard."""
        return cls(
            tuple(spans),
            tuple(
                LayerStatistics(span.width, corpus.seed, corpus.contexts, len(categories), span.device)
                for span in spans
            ),
            Sample(corpus.sample, len(categories)),
            tuple(Sample(corpus.occurrences) for _ in categories),
            Tallies.empty(categories),
        )

    @property
    def neurons(self) -> int:
        """Of all layers together."""
        return sum(span.width for span in self.spans)

    def merge(self, other: CorpusState) -> None:
        """Add what was gathered of other shards.

        Raises:
            RunError: a shard is in both.
        """
        twice = sorted(self.shards & other.shards)
        if twice:
            raise RunError(
                f"Shard {twice[0] + 1} is in two of the parts.", "Merge parts of different shards of one corpus."
            )
        for mine, theirs in zip(self.layers, other.layers, strict=True):
            mine.merge(theirs)
        self.rest.merge(other.rest)
        for sample, drawn in zip(self.categories, other.categories, strict=True):
            sample.merge(drawn)
        self.tallies.merge(other.tallies)
        self.shards |= other.shards

    def contexts(self) -> NDArray[np.int64]:
        """The places of all contexts and draws that are held, ``[contexts]`` keys, rising, each once."""
        held = [np.zeros(0, np.int64)]
        for layer in self.layers:
            keys = torch.cat([layer.contexts.keys.flatten(), layer.draws.keys.flatten()]).cpu().numpy()
            held.append(np.unique(keys))
        places = np.unique(np.concatenate(held))
        return np.asarray(places[places != NONE], np.int64)

    # --- on disk ----------------------------------------------------------------------------------------

    def save(self, folder: Path, about: Mapping[str, Any]) -> None:
        """Write it in place of the state that is there.

        Args:
            folder: of all states and their files.
            about: plain values that say which scan it belongs to.

        Raises:
            OSError: the disk is full or gone; the state that is there stays.
        """
        number = max([n for n, _ in states_in(folder)], default=0) + 1
        place, temporary = folder / f"{STATE}{number:06d}", folder / f".{STATE}{number:06d}.new"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        for span, layer in zip(self.spans, self.layers, strict=True):
            write_arrays(temporary / f"L{span.layer}.npz", layer.arrays())
        samples = {f"rest.{name}": array for name, array in self.rest.arrays().items()}
        for index, sample in enumerate(self.categories):
            samples |= {f"{index}.{name}": array for name, array in sample.arrays().items()}
        write_arrays(temporary / "samples.npz", samples)
        write_arrays(temporary / "tallies.npz", self.tallies.arrays())
        content = {"version": VERSION, "shards": sorted(self.shards), **about}
        with (temporary / "ledger.json").open("w", encoding="utf-8") as stream:
            json.dump(content, stream, ensure_ascii=False, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(place)
        for other, path in states_in(folder):
            if other < number:
                shutil.rmtree(path, ignore_errors=True)

    @classmethod
    def load(
        cls, folder: Path, spans: Sequence[LayerSpan], corpus: CorpusSettings, categories: Sequence[Category]
    ) -> CorpusState:
        """Read the newest state.

        Raises:
            RunError: it is damaged.
        """
        path = newest_state(folder)
        assert path is not None
        try:
            ledger = read_ledger(folder)
            rest, *of_categories = read_samples(path / "samples.npz", corpus, len(categories), ledger["shards"])
            state = cls(
                tuple(spans),
                tuple(
                    LayerStatistics.from_arrays(
                        read_layer(path / f"L{span.layer}.npz", span.width, corpus, len(categories)), span.device
                    )
                    for span in spans
                ),
                Sample.from_arrays(corpus.sample, len(categories), rest),
                tuple(Sample.from_arrays(corpus.occurrences, 0, arrays) for arrays in of_categories),
                Tallies.from_arrays(read_tallies(path / "tallies.npz", categories)),
                frozenset(ledger["shards"]),
            )
        except (OSError, ValueError, LookupError, TypeError, EOFError) as error:
            raise RunError(
                f"{path} is damaged: {damage_in_words(error)}.",
                "Remove the run's folder and scan again, or restore it from a copy.",
            ) from None
        return state
