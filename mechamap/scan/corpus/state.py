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
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.scan_config import Category
from mechamap.errors import RunError
from mechamap.scan.corpus.samples import Sample
from mechamap.scan.corpus.tallies import Tallies
from mechamap.statistics.neuron_statistics import LayerStatistics
from mechamap.statistics.places import NONE
from mechamap.system.array_files import read_arrays, write_arrays

__all__ = ["CorpusState", "LayerSpan"]


_STATE = "state-"
_VERSION = 1


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
        number = max([n for n, _ in _states(folder)], default=0) + 1
        place, temporary = folder / f"{_STATE}{number:06d}", folder / f".{_STATE}{number:06d}.new"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        for span, layer in zip(self.spans, self.layers, strict=True):
            write_arrays(temporary / f"L{span.layer}.npz", layer.arrays())
        samples = {f"rest.{name}": array for name, array in self.rest.arrays().items()}
        for index, sample in enumerate(self.categories):
            samples |= {f"{index}.{name}": array for name, array in sample.arrays().items()}
        write_arrays(temporary / "samples.npz", samples)
        write_arrays(temporary / "tallies.npz", self.tallies.arrays())
        content = {"version": _VERSION, "shards": sorted(self.shards), **about}
        with (temporary / "ledger.json").open("w", encoding="utf-8") as stream:
            json.dump(content, stream, ensure_ascii=False, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(place)
        for other, path in _states(folder):
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
            samples = read_arrays(path / "samples.npz")
            state = cls(
                tuple(spans),
                tuple(
                    LayerStatistics.from_arrays(read_arrays(path / f"L{span.layer}.npz"), span.device) for span in spans
                ),
                Sample.from_arrays(corpus.sample, len(categories), _named(samples, "rest")),
                tuple(
                    Sample.from_arrays(corpus.occurrences, 0, _named(samples, str(number)))
                    for number in range(len(categories))
                ),
                Tallies.from_arrays(read_arrays(path / "tallies.npz")),
                frozenset(ledger["shards"]),
            )
            widths = [layer.neurons for layer in state.layers]
            if widths != [span.width for span in spans]:
                raise ValueError("its layers have other widths")
        except (OSError, ValueError, LookupError, TypeError, EOFError) as error:
            raise RunError(
                f"{path} is damaged: {error}.", "Remove the run's folder and scan again, or restore it from a copy."
            ) from None
        return state


def _states(folder: Path) -> list[tuple[int, Path]]:
    """The states of a folder, by number."""
    found = []
    with suppress(OSError):
        for path in folder.glob(f"{_STATE}*"):
            number = path.name.removeprefix(_STATE)
            if number.isdecimal():
                found.append((int(number), path))
    return sorted(found)


def newest_state(folder: Path) -> Path | None:
    """The folder of the newest state, None where there is none."""
    states = _states(folder)
    return states[-1][1] if states else None


def read_ledger(folder: Path) -> dict[str, Any]:
    """What the newest state says of itself: its shards, and which scan it belongs to.

    Raises:
        RunError: it is damaged, or there is none.
    """
    path = newest_state(folder)
    if path is None:
        raise RunError(f"{folder} holds no part of a corpus scan.", "Give folders of runs over parts of a corpus.")
    try:
        ledger = json.loads((path / "ledger.json").read_text(encoding="utf-8"))
        if not isinstance(ledger, dict) or ledger["version"] != _VERSION:
            raise ValueError("it is of another version")
        if not all(type(shard) is int and shard >= 0 for shard in ledger["shards"]):
            raise ValueError("its shards are no numbers")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise RunError(
            f"{path / 'ledger.json'} is damaged: {error}.", "Restore the run's folder from a copy, or scan again."
        ) from None
    return ledger


def _named(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.partition(".")[2]: array for name, array in arrays.items() if name.partition(".")[0] == prefix}
