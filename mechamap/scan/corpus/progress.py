"""How far a corpus scan is, told now and then, and how many tokens there are to come."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from mechamap.events import CorpusProgress, Listener
from mechamap.scan.corpus.part import Part
from mechamap.scan.corpus.shards import CHARACTERS_A_TOKEN, Shards
from mechamap.scan.corpus.state import CorpusState

__all__ = ["CorpusProgressTeller", "expected_tokens"]


@dataclass(slots=True)
class CorpusProgressTeller:
    """Tells how many tokens were read, four times a second at most.

    Attributes:
        shards: of the corpus.
        part: the part of it that is asked for; None: all.
        most: how many tokens end it, if any do.
    """

    on_event: Listener
    shards: Shards
    part: Part | None
    most: int | None
    _tokens: int = 0
    _expected: int | None = None
    _done: int = 0
    _told: float = 0.0
    _started: float = field(default_factory=time.perf_counter)
    _read: int = 0  # since the beginning of this scan, which may go on with another

    def take(self, state: CorpusState) -> None:
        """Begin, or take over what is merged now."""
        self._tokens, self._done = state.tallies["tokens"], len(state.shards)
        self._expected = expected_tokens(state, self.shards, self.part, self.most)
        self._tell()

    def add(self, tokens: int) -> None:
        """So many more were read."""
        self._tokens += tokens
        self._read += tokens
        if time.perf_counter() - self._told >= 0.25:
            self._tell()

    def _tell(self) -> None:
        self._told = time.perf_counter()
        rate = self._read / max(self._told - self._started, 1e-6)
        expected = None if self._expected is None else max(self._expected, self._tokens)
        of = self.shards.count if self.part is None else self.part.count(self.shards.count)
        self.on_event(CorpusProgress(self._tokens, rate, expected, self._done, of))


def expected_tokens(state: CorpusState, shards: Shards, part: Part | None, most: int | None) -> int | None:
    """How many tokens will have been read at the end, by the characters of the shards that are left.

    Args:
        state: of the shards that are merged.
        part: the part of the corpus that is asked for; None: all.
        most: how many tokens end the corpus, if any do.

    Returns:
        None where nobody knows how long the corpus is.
    """
    if part is None and most is not None and shards.stop is not None:
        return most
    left = [each.characters for number, each in enumerate(shards.ranges)
            if number not in state.shards and (part is None or part.has(number))]  # fmt: skip
    known = [characters for characters in left if characters is not None]
    if shards.count is None or len(known) < len(left):
        return None
    read = sum(shards.ranges[number].characters or 0 for number in state.shards)
    tokens = state.tallies["tokens"]
    per_character = tokens / read if tokens and read else 1 / CHARACTERS_A_TOKEN
    return tokens + round(sum(known) * per_character)
