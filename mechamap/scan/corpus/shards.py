"""The shards of a corpus scan: which documents each has, and which of them are asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.corpus.corpus import Corpus
from mechamap.corpus.documents import Document, DocumentRange
from mechamap.corpus.inventory import Inventory
from mechamap.corpus.shards import cut_into_shards, ranges_of_stream
from mechamap.events import Listener, Stage, StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.scan.corpus.state import LayerSpan
from mechamap.scan.prepare import check_cancelled

__all__ = [
    "ShardTokens",
    "Shards",
    "counted_stop",
    "layer_spans",
    "shard_ranges",
    "shard_tokens",
    "stop_of_tokens",
    "tokens_of_shard",
]


CHARACTERS_A_TOKEN = 4  # of English, by tokenizers of today; only how evenly shards are cut depends on it
DOCUMENTS_OF_STREAM = 1_000  # of a shard of a data set whose documents nobody has counted
_MINUTE_OF_WORK = {"cpu": 3e12, "cuda": 6e15, "mps": 6e13}  # operations
_SMALLEST, _LARGEST = 4_096, 16_000_000  # tokens
_PARTS_OF_FIRST = (8, 2)  # of a minute's work in the first shards, so that there is something to look at after seconds


@dataclass(frozen=True, slots=True)
class ShardTokens:
    """About how many tokens a shard has, and the first ones have."""

    each: int
    first: tuple[int, ...] = ()


def shard_tokens(settings: CorpusSettings, loaded: LoadedModel) -> ShardTokens:
    """About how many tokens shards have: those of a minute's work on a device of that type where nothing else is said.

    It depends on nothing that differs between machines of one kind, so that they cut a corpus alike.
    """
    return tokens_of_shard(settings, loaded.device.type, loaded.parameters)


def tokens_of_shard(settings: CorpusSettings, device: str, parameters: int) -> ShardTokens:
    """The same of a model that is not loaded, by the type of its device and its number of weights."""
    if settings.shard_tokens is not None:
        return ShardTokens(settings.shard_tokens)
    work = _MINUTE_OF_WORK.get(device, _MINUTE_OF_WORK["cpu"])
    each = int(min(max(work / (2 * max(parameters, 1)), _SMALLEST), _LARGEST))
    return ShardTokens(each, tuple(each // part for part in _PARTS_OF_FIRST))


@dataclass(frozen=True, slots=True)
class Shards:
    """All shards of a corpus, in its order.

    Attributes:
        ranges: the documents of each; of a data set that is read as it comes, those of the files in front of it.
        stop: the first document that is not read any more; None: all are.
        corpus: they are of.
    """

    ranges: tuple[DocumentRange, ...]
    stop: int | None
    corpus: Corpus

    @classmethod
    def of(cls, corpus: Corpus, tokens: ShardTokens, stop: int | None) -> Shards:
        """A corpus in shards of about so many tokens."""
        return cls(shard_ranges(corpus.inventory, tokens, stop), stop, corpus)

    @property
    def count(self) -> int | None:
        """How many there are; None where a data set is read to its end, which nobody knows."""
        return None if self.corpus.documents is None and self.stop is None else len(self.ranges)

    def numbered(self) -> Iterator[tuple[int, DocumentRange]]:
        """Each with its number; without end where the count is not known."""
        yield from enumerate(self.ranges)
        if self.count is None:
            rest = ranges_of_stream(self.corpus.inventory, DOCUMENTS_OF_STREAM)
            yield from enumerate(rest, len(self.ranges))

    def plain(self) -> list[list[int]]:
        """First document and the one behind the last of each, for comparison."""
        return [[each.first, each.stop] for each in self.ranges]


def shard_ranges(inventory: Inventory, tokens: ShardTokens, stop: int | None) -> tuple[DocumentRange, ...]:
    """The documents of each shard of about so many tokens, as far as they are known.

    Args:
        inventory: of the corpus.
        stop: the first document that is not read any more; None: all are. Of a data set that is read as it comes, only
            shards in front of it are given.
    """
    ranges: list[DocumentRange] = []
    if inventory.documents:
        first = [each * CHARACTERS_A_TOKEN for each in tokens.first]
        ranges = cut_into_shards(inventory, tokens.each * CHARACTERS_A_TOKEN, first)
    if stop is None:
        return tuple(ranges)
    if inventory.stream is not None:
        ranges += takewhile(lambda part: part.first < stop, ranges_of_stream(inventory, DOCUMENTS_OF_STREAM))
    return tuple(
        DocumentRange(each.first, min(each.stop, stop), each.characters) for each in ranges if each.first < stop
    )


def stop_of_tokens(documents: Iterator[Document], count: Callable[[Sequence[str]], int], most: int) -> int | None:
    """The number behind the document with which ``most`` tokens are reached; None where all have fewer.

    Args:
        documents: in order.
        count: how many tokens some texts have.
    """
    total = 0
    for document in documents:
        total += count([document.text])
        if total >= most:
            return document.number + 1
    return None


def counted_stop(
    corpus: Corpus, loaded: LoadedModel, most: int, on_event: Listener, cancel: threading.Event | None
) -> int | None:
    """:func:`stop_of_tokens` with a model's tokenizer, telling how far it is.

    Raises:
        Cancelled: ``cancel`` was set.
    """
    counted, told = 0, ""

    def count(texts: Sequence[str]) -> int:
        nonlocal counted, told
        check_cancelled(cancel)
        share = f"{min(counted / most, 1):.0%}"
        if share != told:
            told = share
            on_event(StageEntered(Stage.TOKENIZE, f"looking where {most:,} tokens are reached, {share}"))
        tokenizer: Any = loaded.tokenizer
        encoded = tokenizer(list(texts), add_special_tokens=False, padding=False, truncation=False, verbose=False)
        tokens = sum(map(len, encoded["input_ids"]))
        counted += tokens
        return tokens

    return stop_of_tokens(corpus.read(), count, most)


def layer_spans(
    layers: Sequence[NeuronLayer], limit_neurons: int | None, default: torch.device
) -> tuple[LayerSpan, ...]:
    """The places of layers among the neurons of all of them.

    Args:
        limit_neurons: how many neurons of each are scanned at most.
        default: the device of a layer whose weights are not in memory.
    """
    spans: list[LayerSpan] = []
    first = 0
    for layer in layers:
        width = layer.limited(limit_neurons)
        spans.append(LayerSpan(layer.layer, first, width, _device(layer.module, default)))
        first += width
    return tuple(spans)


def _device(module: torch.nn.Module, default: torch.device) -> torch.device:
    """Where a module's weights are, and so its activations."""
    parameter = next(module.parameters(), None)
    if parameter is None or parameter.device.type == "meta":  # brought from disk when its turn comes
        return default
    return parameter.device
