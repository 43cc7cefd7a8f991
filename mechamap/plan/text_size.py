"""How much text a scan reads: its tokens where a tokenizer is available, else an estimate of their number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.scan_config import ScanConfig

if TYPE_CHECKING:
    from mechamap.scores.positions import ScorePlan
    from mechamap.text.occurrences import FoundWords, Occurrence
    from mechamap.text.tokenize import TokenizedText

__all__ = ["TextSize", "counted", "estimated", "one_batch"]


CHARACTERS_A_TOKEN = 4.0  # of English, by tokenizers of today


@dataclass(frozen=True, slots=True)
class TextSize:
    """The text in numbers.

    Attributes:
        positions: tokens, with those put in front of each window.
        scored: how many of them count.
        windows: how many sequences they are in.
        longest: tokens of the longest.
        tokenized: the text itself, None where it was not tokenized and the numbers are estimates.
        words: where the words of the categories stand in it, None where it was not tokenized.
    """

    positions: int
    scored: int
    windows: int
    longest: int
    tokenized: TokenizedText | None = None
    words: FoundWords | None = None

    @property
    def occurrences(self) -> tuple[Occurrence, ...]:
        """Those of category words that count."""
        return self.words.occurrences if self.words is not None else ()

    @property
    def is_counted(self) -> bool:
        return self.tokenized is not None

    def batches(self, most: int) -> list[int]:
        """Tokens of each forward, padding included, where a forward takes at most ``most``."""
        from mechamap.capture.batches import window_batches

        if self.tokenized is None:
            together = max(1, most // self.longest)  # windows
            full, rest = divmod(self.windows, together)
            return [together * self.longest] * full + ([rest * self.longest] if rest else [])
        import torch

        nothing = np.zeros(self.positions, bool)
        return [batch.ids.numel() for batch in window_batches(self.tokenized, nothing, most, torch.device("cpu"))]

    def score_plan(self, config: ScanConfig) -> ScorePlan:
        """Which positions count for which category; made-up occurrences where the text was not tokenized."""
        from mechamap.scores.positions import CategoryPositions, ScorePlan, score_plan

        if self.tokenized is not None:
            count = len(config.categories)
            return score_plan(self.tokenized, self.occurrences, count, config.pooling, config.top_k_tokens)
        last = np.arange(0, self.scored, max(self.scored // 20, 1))
        ends = CategoryPositions(last, tuple(last[:, None]), last[:0], self.scored)
        positions = np.arange(self.scored, dtype=np.int32)
        return ScorePlan(positions, (ends,) * len(config.categories), config.pooling, config.top_k_tokens)


def counted(config: ScanConfig, tokenizer: Any, context: int | None, kind: str = "decoder") -> TextSize:
    """The config's text as a model of this kind will read it.

    Raises:
        TextError: it cannot be scanned.
    """
    from mechamap.text.occurrences import find_words
    from mechamap.text.tokenize import tokenize

    tokenized = tokenize(config.texts, tokenizer, config, context, kind)
    return TextSize(
        positions=len(tokenized.ids),
        scored=int(tokenized.scored.sum()),
        windows=len(tokenized.windows),
        longest=max(window.length for window in tokenized.windows),
        tokenized=tokenized,
        words=find_words(tokenized, config.texts, [category.words for category in config.categories]),
    )


def estimated(config: ScanConfig, context: int | None) -> TextSize:
    """An estimate of the size of the text, from its characters."""
    limit = config.window if context is None else min(config.window, context)
    lengths = [max(1, round(len(text) / CHARACTERS_A_TOKEN)) for text in config.texts]
    windows = sum(-(-length // max(limit - 1, 1)) for length in lengths)
    tokens = sum(lengths)
    return TextSize(tokens + windows, tokens, windows, min(limit, max(lengths, default=1) + 1))


def one_batch(settings: CorpusSettings, device: str, context: int | None) -> TextSize:
    """What is held of a corpus at once: a batch, full of sequences of the greatest length."""
    from mechamap.capture.batches import batch_tokens

    longest = settings.seq_len if context is None else min(settings.seq_len, context)
    windows = max((settings.batch_tokens or batch_tokens(device)) // longest, 1)
    return TextSize(windows * longest, windows * longest, windows, longest)
