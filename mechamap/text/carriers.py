"""Every word in the same carrier sentences, tokenized, so that neurons can be asked about words and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.config.scan_config import ScanConfig
from mechamap.errors import TextError
from mechamap.text.carrier_words import CarrierWords
from mechamap.text.special_tokens import specials_around
from mechamap.text.tokenize import TokenizedText, Window

__all__ = ["Carriers", "carry"]


@dataclass(frozen=True, slots=True)
class Carriers:
    """The sentences, and where their words stand in them.

    Attributes:
        words: those that every sentence could take.
        templates: how many sentences each word stands in.
        tokenized: the sentences as windows, short ones first, so that batches need little padding; ``scored`` are the
            positions of the words.
        spans: ``[words, templates, 2]`` first and last of a word's positions, in the numbering of the scored ones.
        skipped: words of the config that were left out, and why; of those that were drawn it does not matter.
    """

    words: CarrierWords
    templates: int
    tokenized: TokenizedText
    spans: NDArray[np.intp]
    skipped: dict[str, str]


def carry(
    words: CarrierWords, config: ScanConfig, tokenizer: Any, context: int | None, kind: str = "decoder"
) -> Carriers:
    """Put every word into every carrier sentence, with what stands around a text for this ``kind`` of model.

    Raises:
        TextError: a template that no window holds, or that puts its word where nothing is scored.
    """
    sentences, places = _sentences(words.words, config.templates)
    encoded = tokenizer(
        sentences, add_special_tokens=False, return_offsets_mapping=True, padding=False, truncation=False, verbose=False
    )
    around = specials_around(tokenizer, kind, config.add_bos)
    front = len(around.front)
    ids = [around.around(sentence_ids) for sentence_ids in encoded["input_ids"]]
    positions = [
        _positions(sentence_ids, offsets, *place, tokenizer.unk_token_id)
        for sentence_ids, offsets, place in zip(encoded["input_ids"], encoded["offset_mapping"], places, strict=True)
    ]
    skipped = _skipped(words.words, config, positions, front)
    named = _named(config)
    _check_lengths(ids, sentences, config, context)
    kept = [n for n, word in enumerate(words.words) if word not in skipped]
    n_templates = len(config.templates)
    sentence_numbers = [word * n_templates + template for word in kept for template in range(n_templates)]
    spans: list[tuple[int, int]] = [positions[number] or (0, 0) for number in sentence_numbers]
    tokenized, ends = _windows([ids[number] for number in sentence_numbers], spans, front)
    return Carriers(
        words.take(kept),
        n_templates,
        tokenized,
        ends.reshape(len(kept), n_templates, 2),
        {word: reason for word, reason in skipped.items() if word in named},
    )


def _named(config: ScanConfig) -> set[str]:
    lists = [words for category in config.categories for words in (category.words, category.near)]
    return {word for words in (*lists, config.contrast or ()) for word in words}


def _sentences(words: Sequence[str], templates: Sequence[str]) -> tuple[list[str], list[tuple[int, int]]]:
    """Word by word every template with it, and the characters the word takes there."""
    sentences, places = [], []
    for word in words:
        for template in templates:
            before, after = template.split("{}")
            sentences.append(f"{before}{word}{after}")
            places.append((len(before), len(before) + len(word)))
    return sentences, places


def _positions(
    ids: Sequence[int], offsets: Sequence[tuple[int, int]], start: int, end: int, unknown: int | None
) -> tuple[int, int] | None:
    """First and last token of characters ``start`` to ``end``; None where none cover them all, or an unknown does."""
    inside = [n for n, (first, last) in enumerate(offsets) if first < end and last > start]
    if not inside or offsets[inside[0]][0] > start or offsets[inside[-1]][1] < end:
        return None
    if any(ids[n] == unknown for n in inside):  # one token for all such words: nothing could tell them apart
        return None
    return inside[0], inside[-1]


def _skipped(
    words: Sequence[str], config: ScanConfig, positions: Sequence[tuple[int, int] | None], front: int
) -> dict[str, str]:
    n_templates = len(config.templates)
    skipped: dict[str, str] = {}
    for number, word in enumerate(words):
        in_sentences = positions[number * n_templates : (number + 1) * n_templates]
        if any(place is None for place in in_sentences):
            skipped[word] = "not in the tokenizer's vocabulary"
    for number, template in enumerate(config.templates):
        at_start = [place for place in positions[number::n_templates] if place is not None and place[1] + front == 0]
        if at_start and config.exclude_first_position:
            raise TextError(
                f'The template "{template}" puts its word at the first position, which is not scored.',
                "Begin it with another word.",
            )
    return skipped


def _check_lengths(
    ids: Sequence[Sequence[int]], sentences: Sequence[str], config: ScanConfig, context: int | None
) -> None:
    limit = config.window if context is None else min(config.window, context)
    longest = max(range(len(ids)), key=lambda number: len(ids[number]), default=None)
    if longest is not None and len(ids[longest]) > limit:
        raise TextError(
            f'The carrier sentence "{sentences[longest][:80]}" has {len(ids[longest])} tokens; a window holds {limit}.',
            "Shorten the template.",
        )


def _windows(
    ids: Sequence[Sequence[int]], spans: Sequence[tuple[int, int]], front: int
) -> tuple[TokenizedText, NDArray[np.intp]]:
    """The sentences as windows, short ones first, and ``[sentences, 2]`` spans among the scored positions."""
    order = sorted(range(len(ids)), key=lambda number: len(ids[number]))
    total = sum(map(len, ids))
    scored = np.zeros(total, np.bool_)
    ends = np.zeros((len(ids), 2), np.intp)
    windows = []
    start = 0
    for number in order:
        first, last = (start + front + position for position in spans[number])
        scored[first : last + 1] = True
        ends[number] = first, last
        windows.append(Window(number, start, len(ids[number])))
        start += len(ids[number])
    scored_index = np.cumsum(scored) - 1
    all_ids = np.array([token for number in order for token in ids[number]], np.int32)
    offsets = np.full((total, 2), -1, np.int32)  # words are not looked for here a second time
    tokenized = TokenizedText(all_ids, (), offsets, np.zeros(total, np.bool_), scored, tuple(windows))
    return tokenized, scored_index[ends]
