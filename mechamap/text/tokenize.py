"""Texts as the model reads them: tokens, the pieces of text they stand for, and which positions count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.config.scan_config import ScanConfig
from mechamap.errors import TextError
from mechamap.runs.scanned import Exclusions
from mechamap.text.special_tokens import Specials, specials_around
from mechamap.text.windows import cuts

__all__ = ["TokenizedText", "Window", "tokenize"]


@dataclass(frozen=True, slots=True)
class Window:
    """One sequence the model sees: positions ``start`` to ``start + length - 1``, of text number ``text``."""

    text: int
    start: int
    length: int


@dataclass(frozen=True)
class TokenizedText:
    """All windows one after another; a position counts their tokens, specials around them included."""

    ids: NDArray[np.int32]  # [positions]
    pieces: tuple[str, ...]  # [positions] joined, without the specials around them, they give the text back
    offsets: NDArray[np.int32]  # [positions, 2] character span in its text, (-1, -1) for specials around the window
    special: NDArray[np.bool_]  # [positions]
    scored: NDArray[np.bool_]  # [positions] positions that count
    windows: tuple[Window, ...]
    exclusions: Exclusions = field(default_factory=Exclusions)


def tokenize(
    texts: Sequence[str],
    tokenizer: Any,
    config: ScanConfig,
    context: int | None,
    kind: str = "decoder",
    *,
    partial: bool = False,
) -> TokenizedText:
    """Tokens of ``texts`` in windows of at most ``config.window`` (and ``context``) tokens, specials included.

    Windows of one text are about equally long and are cut between sentences where that is possible. What stands around
    each of them depends on the ``kind`` of model (see :func:`mechamap.text.special_tokens.specials_around`).

    Args:
        partial: the texts are a part of what is scanned, so that some, or all, may have no tokens or none that count.

    Raises:
        TextError: nothing to scan, a tokenizer that cannot say where its tokens stand, nothing left to score.
    """
    if not texts and not partial:
        raise TextError("No text to scan was given.", "Give at least one text.")
    if not getattr(tokenizer, "is_fast", False):
        raise TextError(
            f"The tokenizer {type(tokenizer).__name__} gives no character offsets for its tokens.",
            "Words are found through those offsets. Use a model folder with a tokenizer.json.",
        )
    around = specials_around(tokenizer, kind, config.add_bos)
    limit = config.window if context is None else min(config.window, context)
    room = limit - around.count
    if room < 1:
        raise TextError(f"Windows of {limit} tokens leave no room for text.", "Use a longer window.")

    sequences = _Sequences(around, around.named(tokenizer))
    for number, text in enumerate(texts):
        name = "" if partial else f"Text {number + 1} of {len(texts)}"
        ids, spans = _encoded(text, tokenizer, name)  # [tokens], [tokens, 2]
        if len(ids):
            sequences.add(number, text, ids, spans, room)
    all_ids = np.concatenate([np.zeros(0, np.int32), *sequences.ids])  # [positions]
    offsets = np.concatenate([np.zeros((0, 2), np.int32), *sequences.offsets])  # [positions, 2]
    special = np.isin(all_ids, _special_ids(tokenizer)) | (offsets[:, 0] < 0)  # [positions]
    first_of_window = np.zeros(len(all_ids), np.bool_)  # [positions]
    first_of_window[[window.start for window in sequences.windows]] = True
    excluded = special & config.exclude_special_tokens | first_of_window & config.exclude_first_position
    scored = ~excluded  # [positions]
    front, behind = tuple(sequences.names["front"]), tuple(sequences.names["behind"])
    exclusions = Exclusions(
        bos=front[0] if kind == "decoder" and front else None,
        front=front,
        behind=behind,
        exclude_first_position=config.exclude_first_position,
        exclude_special_tokens=config.exclude_special_tokens,
        window=limit,
        windows=len(sequences.windows),
        positions=len(all_ids),
        scored=int(scored.sum()),
        first_positions=int(first_of_window.sum()),
        special_positions=int(special.sum()),
        excluded=int(excluded.sum()),
    )
    exclusions = replace(exclusions, summary=_summary(exclusions, around.in_words(tokenizer, kind)))
    if not scored.any() and not partial:
        raise TextError(
            f"No position is left to score: {exclusions.summary}.",
            "Give a longer text, or exclude less (exclude_first_position, exclude_special_tokens).",
        )
    pieces, windows = tuple(sequences.pieces), tuple(sequences.windows)
    return TokenizedText(all_ids, pieces, offsets, special, scored, windows, exclusions)


@dataclass(slots=True)
class _Sequences:
    """Windows as they are cut from one text after another, each with the special tokens around it.

    Attributes:
        around: the special tokens.
        names: their pieces of text, of those in ``front`` and those ``behind``.
    """

    around: Specials
    names: Mapping[str, Sequence[str]]
    ids: list[NDArray[np.int32]] = field(default_factory=list)
    offsets: list[NDArray[np.int32]] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    position: int = 0

    def add(self, number: int, text: str, ids: NDArray[np.int32], spans: NDArray[np.int32], room: int) -> None:
        """Cut a text's tokens, ``[tokens]`` with their spans ``[tokens, 2]``, into windows of at most ``room``."""
        pieces, front, behind = _pieces(text, spans[:, 1]), self.around.front, self.around.behind
        for first, end in _pairs(cuts(text, spans[:, 1], room), len(ids)):
            self.ids += [np.array(front, np.int32), ids[first:end], np.array(behind, np.int32)]
            self.offsets += [_nowhere(front), spans[first:end], _nowhere(behind)]
            self.pieces += [*self.names["front"], *pieces[first:end], *self.names["behind"]]
            length = end - first + self.around.count
            self.windows.append(Window(number, self.position, length))
            self.position += length


def _encoded(text: str, tokenizer: Any, name: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """A text's tokens, ``[tokens]``, and their characters, ``[tokens, 2]``; one without a name may have none."""
    if name and not text.strip():
        raise TextError(f"{name} is empty.", "Give a text of at least a few sentences.")
    encoding = tokenizer(
        text,
        add_special_tokens=False,
        return_offsets_mapping=True,
        padding=False,
        truncation=False,  # a tokenizer may come with truncation switched on
        verbose=False,
    )
    ids = np.asarray(encoding["input_ids"], np.int32)  # [tokens]
    if name and not len(ids):
        raise TextError(f"{name} gives no tokens.", "The model's vocabulary may not cover its script.")
    spans = np.asarray(encoding["offset_mapping"], np.int32).reshape(-1, 2)  # [tokens, 2]
    # Tokens of one character share its span and some normalizers report (0, 0): never step backwards.
    return ids, np.maximum.accumulate(spans, axis=0)


def _pieces(text: str, ends: NDArray[np.int32]) -> list[str]:
    bounds = [0, *ends.tolist()]
    bounds[-1] = len(text)
    return [text[start:end] for start, end in pairwise(bounds)]


def _pairs(starts: Sequence[int], end: int) -> Iterator[tuple[int, int]]:
    return zip(starts, [*starts[1:], end], strict=True)


def _special_ids(tokenizer: Any) -> NDArray[np.int64]:
    added = getattr(tokenizer, "added_tokens_decoder", {})
    ids = {*tokenizer.all_special_ids, *(number for number, token in added.items() if token.special)}
    return np.array(sorted(number for number in ids if number is not None), np.int64)


def _nowhere(tokens: Sequence[int]) -> NDArray[np.int32]:
    return np.full((len(tokens), 2), -1, np.int32)


def _summary(exclusions: Exclusions, around: str) -> str:
    left_out = []
    if exclusions.exclude_first_position:
        left_out.append(f"first positions ({exclusions.first_positions:,})")
    if exclusions.exclude_special_tokens:
        left_out.append(f"special tokens ({exclusions.special_positions:,})")
    return (
        f"{exclusions.scored:,} of {exclusions.positions:,} positions scored; {around}; left out: "
        f"{' and '.join(left_out) or 'nothing'}"
    )
