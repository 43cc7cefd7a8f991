"""A sentence as the model reads it: one sequence, with the special tokens that a scan puts around each window."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mechamap.capture.vocabulary import check_vocabulary
from mechamap.config.scan_config import ScanConfig
from mechamap.errors import TextError, UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.protocol.probed import ProbedText
from mechamap.text.special_tokens import specials_around
from mechamap.text.tokenize import TokenizedText, tokenize

__all__ = ["LONGEST", "Prompt", "read_prompt"]


LONGEST = 2048  # tokens, of what is typed or pasted; a longer text is one to scan
_CHARACTERS = 64  # of a token, at most, as far as a text is tokenized to find where it has to be cut


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text in tokens.

    Attributes:
        tokenized: one window.
        cut: a sentence that says how much was read; empty: all.
    """

    tokenized: TokenizedText
    cut: str = ""

    def __len__(self) -> int:
        return len(self.tokenized.ids)

    def place(self, position: int | None) -> int:
        """A position, given from the front or from the end (-1 is the last token); None: the last of the text's own.

        Raises:
            UsageError: the text has no such token.
        """
        if position is None:
            own = np.flatnonzero(self.tokenized.offsets[:, 0] >= 0)
            return int(own[-1]) if len(own) else len(self) - 1
        if not -len(self) <= position < len(self):
            raise UsageError(f"Token {position} does not exist: the text has tokens 0 to {len(self) - 1}.")
        return position % len(self)

    def message(self) -> ProbedText:
        """The same as an answer holds it."""
        text = self.tokenized
        return ProbedText(
            ids=tuple(text.ids.tolist()),
            pieces=text.pieces,
            special=tuple(np.flatnonzero(text.offsets[:, 0] < 0).tolist()),
            excluded=tuple(np.flatnonzero(~text.scored).tolist()),
            cut=self.cut,
        )


def read_prompt(text: str, loaded: LoadedModel, config: ScanConfig) -> Prompt:
    """A text as one sequence; what is longer than the model's context, or than 2,048 tokens, is cut.

    Args:
        config: says whether a BOS stands in front, and which positions count.

    Raises:
        TextError: the text is empty, has half a character, or gives no tokens or some that the model does not know.
    """
    _check(text)
    limit = min(LONGEST, loaded.context or LONGEST)
    room = limit - specials_around(loaded.tokenizer, loaded.kind, config.add_bos).count
    if room < 1:
        raise TextError(f"{loaded.label} reads {limit} tokens, which leaves no room for text.")
    whole = len(text)
    text = text[: room * _CHARACTERS]
    tokenized = _tokenized(text, loaded, config)
    cut = ""
    if len(tokenized.ids) > limit or len(text) < whole:
        own = np.flatnonzero(tokenized.offsets[:, 0] >= 0)
        keep = min(room, len(own))
        while True:  # a text that ends elsewhere may be cut into tokens in another way
            text = text[: int(tokenized.offsets[own[keep - 1], 1])]
            shorter = _tokenized(text, loaded, config)
            if len(shorter.ids) <= limit or keep == 1:
                break
            keep -= 1
        tokenized = shorter
        why = "the model's context" if limit < LONGEST else "what is read of a sentence"
        cut = f"Only the first {len(tokenized.ids):,} tokens ({len(text):,} of {whole:,} characters) were read: {why}."
    if not len(tokenized.ids):
        raise TextError("The text gives no tokens.", "The model's vocabulary may not cover its script.")
    check_vocabulary(tokenized, loaded)
    return Prompt(tokenized, cut)


def _check(text: str) -> None:
    if not text.strip():
        raise TextError("The text is empty.", "Type a sentence.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TextError(
            f"Character {error.start + 1} of the text is half a character (a lone surrogate).", "Give text in UTF-8."
        ) from None


def _tokenized(text: str, loaded: LoadedModel, config: ScanConfig) -> TokenizedText:
    """In one window, however long."""
    one = replace(config, window=max(len(text) * 4, 64) + 16)  # a character has at most four bytes, a token each
    return tokenize([text], loaded.tokenizer, one, None, loaded.kind, partial=True)
