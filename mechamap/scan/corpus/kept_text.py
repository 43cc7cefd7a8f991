"""The tokens of a corpus that a run keeps: those around its contexts, chunk by chunk in files while the scan runs.

What a context needs is known only when it has survived, so each chunk's tokens are written whole and cut down when the
shard ends, and again before the run is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.scan.corpus.gate.arrays import read_kept
from mechamap.statistics.draws import DRAWN
from mechamap.statistics.ranges import RANGES
from mechamap.system.array_files import save_arrays
from mechamap.system.atomic import replacing
from mechamap.text.chunk import Chunk

__all__ = ["KeptTokens", "Surroundings", "joined", "kept_paths", "needed_tokens", "tokens_of_chunk"]


_LARGEST_TEXT = 80_000_000  # tokens that a run keeps, where each context of each neuron stood in a place of its own


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How many tokens in front of a context and behind it are kept, within its window; None: the whole window."""

    before: int | None
    behind: int | None

    @classmethod
    def for_settings(cls, neurons: int, settings: CorpusSettings) -> Surroundings:
        """As much as keeps a run's text within bounds, where it has so many neurons."""
        contexts = 2 * settings.contexts + RANGES * DRAWN  # of each neuron
        each = _LARGEST_TEXT // max(neurons * contexts, 1)
        if each >= settings.seq_len:
            return cls(None, None)
        return cls(max(each * 3 // 4, 8), max(each // 4, 4))


@dataclass(frozen=True, slots=True, eq=False)
class KeptTokens:
    """Tokens of a corpus in its order.

    Attributes:
        keys: ``[tokens]``, the place of each in the corpus, rising.
        ids: ``[tokens]``, in the vocabulary.
        sizes: ``[tokens]``, bytes of each token's piece of text.
        begins: ``[tokens]``, whether a window of the model began there.
        text: ``[bytes]``, the pieces in UTF-8, one after another.
        documents: ``[documents]``, the numbers of documents, rising.
        names: what they are called.
    """

    keys: NDArray[np.int64]
    ids: NDArray[np.int32]
    sizes: NDArray[np.uint32]
    begins: NDArray[np.bool_]
    text: NDArray[np.uint8]
    documents: NDArray[np.int64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.keys)

    def select(self, needed: NDArray[np.bool_]) -> KeptTokens:
        """The tokens where ``needed`` ``[tokens]`` is true, and the documents that they are in."""
        if needed.all():
            return self
        keys = self.keys[needed]
        still = np.isin(self.documents, np.unique(keys >> 32))
        return KeptTokens(
            keys,
            self.ids[needed],
            self.sizes[needed],
            self.begins[needed],
            self.text[np.repeat(needed, self.sizes)],
            self.documents[still],
            tuple(name for name, stays in zip(self.names, still.tolist(), strict=True) if stays),
        )

    def save(self, path: Path) -> None:
        """Write it; a reader finds the old or the new.

        Raises:
            OSError: the disk is full or gone.
        """
        names = "\n".join(name.replace("\n", " ") for name in self.names).encode("utf-8", "replace")
        arrays: dict[str, NDArray[Any]] = {
            "keys": self.keys,
            "ids": self.ids,
            "sizes": self.sizes,
            "begins": np.packbits(self.begins),
            "text": self.text,
            "documents": self.documents,
            "names": np.frombuffer(names, np.uint8),
        }
        with replacing(path) as stream:
            save_arrays(stream, arrays)

    @classmethod
    def load(cls, path: Path) -> KeptTokens:
        """Read what :meth:`save` wrote.

        Raises:
            OSError: it cannot be read.
            ValueError: it holds something else.
        """
        arrays = read_kept(path)
        keys, documents = arrays["keys"], arrays["documents"]
        names = tuple(arrays["names"].tobytes().decode().split("\n")) if len(documents) else ()
        if len(names) != len(documents):
            raise ValueError(f"{path.name}: it names {len(names):,} documents of {len(documents):,}")
        return cls(
            keys,
            arrays["ids"],
            arrays["sizes"],
            np.unpackbits(arrays["begins"], count=len(keys)).astype(np.bool_),
            arrays["text"],
            documents,
            names,
        )


def tokens_of_chunk(chunk: Chunk) -> KeptTokens:
    """All tokens of a chunk."""
    own = np.flatnonzero(chunk.keys >= 0)  # [tokens]
    tokenized = chunk.tokenized
    pieces = [tokenized.pieces[position].encode("utf-8", "replace") for position in own.tolist()]
    window = np.repeat(np.arange(len(tokenized.windows)), [each.length for each in tokenized.windows])[own]  # [tokens]
    return KeptTokens(
        chunk.keys[own],
        tokenized.ids[own],
        np.array([len(piece) for piece in pieces], np.uint32),
        np.diff(window, prepend=-1) != 0,
        np.frombuffer(b"".join(pieces), np.uint8),
        np.array([document.number for document in chunk.documents], np.int64),
        tuple(document.name for document in chunk.documents),
    )


def needed_tokens(tokens: KeptTokens, contexts: NDArray[np.int64], around: Surroundings) -> NDArray[np.bool_]:
    """Which tokens stand around some contexts, ``[tokens]``.

    Args:
        contexts: ``[contexts]``, their keys, rising; also of places that are not among the tokens.
        around: how many tokens around each are needed.
    """
    count = len(tokens)
    first, last = np.searchsorted(contexts, [tokens.keys[0], tokens.keys[-1] + 1]) if count else (0, 0)
    wanted = contexts[first:last]
    place = np.searchsorted(tokens.keys, wanted)  # [contexts here]
    there = place < count
    place = place[there][tokens.keys[place[there]] == wanted[there]]
    if not len(place):
        return np.zeros(count, np.bool_)
    # A stretch is what a window has left after earlier cuts: neither a window's begin nor a gap lies inside.
    cut = tokens.begins | (np.diff(tokens.keys, prepend=-2) != 1)  # [tokens]
    starts = np.flatnonzero(cut)  # [stretches]
    ends = np.append(starts[1:], count)  # [stretches]
    stretch = np.cumsum(cut)[place] - 1  # [contexts here]
    low, high = starts[stretch], ends[stretch]
    if around.before is not None and around.behind is not None:
        low = np.maximum(low, place - around.before)
        high = np.minimum(high, place + around.behind + 1)
    steps = np.bincount(low, minlength=count + 1) - np.bincount(high, minlength=count + 1)
    needed: NDArray[np.bool_] = np.cumsum(steps[:count]) > 0
    return needed


def joined(parts: Sequence[KeptTokens]) -> KeptTokens:
    """Tokens of several chunks, which follow each other."""
    empty = KeptTokens(
        np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint32), np.zeros(0, np.bool_),
        np.zeros(0, np.uint8), np.zeros(0, np.int64), (),
    )  # fmt: skip
    parts = [empty, *parts]
    return KeptTokens(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.sizes for part in parts]),
        np.concatenate([part.begins for part in parts]),
        np.concatenate([part.text for part in parts]),
        np.concatenate([part.documents for part in parts]),
        tuple(name for part in parts for name in part.names),
    )


def kept_paths(folder: Path, shards: Iterable[int]) -> list[Path]:
    """The files of some shards' tokens in the order of the corpus."""
    wanted = {f"{shard:06d}" for shard in shards}
    return [path for path in sorted(folder.glob("*-*.npz")) if path.stem.partition("-")[0] in wanted]
