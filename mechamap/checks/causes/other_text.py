"""Causes over a text that is not the run's own: a run over a corpus keeps none that its model could read again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mechamap.models.loaded import LoadedModel
from mechamap.runs.checked import Causes
from mechamap.runs.record import FORMAT, TokenRecord
from mechamap.runs.run import Run
from mechamap.text.occurrences import find_occurrences
from mechamap.text.token_record import token_record
from mechamap.text.tokenize import tokenize

__all__ = ["EFFECTS", "OtherText", "outdated"]


EFFECTS = ("cause", "cause_measured")


@dataclass(frozen=True, slots=True)
class OtherText:
    """A text as a run's model reads it.

    Attributes:
        name: what to call it.
        content: the text.
        tokens: its tokens.
        occurrences: of the words of the run's categories, as a run's record has them.
    """

    name: str
    content: str
    tokens: TokenRecord
    occurrences: tuple[tuple[int, int, int, int], ...]

    @classmethod
    def read(cls, run: Run, loaded: LoadedModel, name: str, content: str) -> OtherText:
        """Tokenize a text with a run's settings.

        Raises:
            TextError: it has no token, or none that counts.
        """
        config = run.config
        tokenized = tokenize([content], loaded.tokenizer, config, loaded.context, loaded.kind)
        found = find_occurrences(tokenized, [content], config.categories)
        occurrences = tuple((each.category, each.word, each.first, each.last) for each in found)
        return cls(name, content, token_record(tokenized), occurrences)

    def in_place(self, run: Run) -> Run:
        """A run as though it had been made over this text; its figures stay those of what it was made over.

        Causes that were worked out over something else are left out.
        """
        record = run.record
        same = record.causes.text == self.name
        figures = record.figures if same else tuple(name for name in record.figures if name not in EFFECTS)
        other = replace(
            record,
            config=replace(run.config, texts=(self.content,), corpus=None),
            tokens=self.tokens,
            occurrences=self.occurrences,
            corpus=None,
            format=FORMAT,
            figures=figures,
            causes=record.causes if same else Causes(text=self.name),
        )
        return Run(other, path=run.path, names=(run.layer_of, run.expert_of, run.index_of))


def outdated(current: Run, run: Run) -> dict[str, NDArray[np.float32]]:
    """Empty figures, ``[neurons, categories]``, in place of effects that a run on disk has over another text.

    Args:
        current: as it is on disk now.
        run: the same with the text that causes are worked out over.
    """
    if current.record.causes.text == run.record.causes.text:
        return {}
    shape = (current.neurons, len(current.categories))
    return {name: np.full(shape, np.nan, np.float32) for name in EFFECTS if current.has(name)}
