"""What became of the candidates in the bundled natural text: as figures, and as the run's record says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.checks.second_text import drops, standard_error
from mechamap.figures.second_text import FEWEST, HOLDS_AUROC, least_precision
from mechamap.runs.checked import ReadingInText, SecondText, SecondTextCategory, SecondTextNeuron
from mechamap.runs.run import Run
from mechamap.text.natural_text import NATURAL_TEXT

__all__ = ["FIGURES", "CategoryLook", "WordScores", "look_record"]


FIGURES = ("second_auroc", "second_ap", "others_auroc", "others_ap", "second_held")
_RECORDED = 20  # candidates of each category that the record lists with their errors


@dataclass(frozen=True, slots=True)
class WordScores:
    """How candidates read some words of a category, in the direction that the scan gave each.

    Attributes:
        auroc, ap: ``[candidates]``; NaN where the text has none of the words.
        counts: how often each word comes.
        rest: positions that they are compared with.
    """

    auroc: NDArray[np.float64]
    ap: NDArray[np.float64]
    counts: Mapping[str, int]
    rest: int

    @property
    def occurrences(self) -> int:
        return sum(self.counts.values())

    def reading(self, place: int) -> ReadingInText | None:
        """That of one candidate, with its errors."""
        auroc, ap, occurrences = float(self.auroc[place]), float(self.ap[place]), self.occurrences
        if np.isnan(ap):
            return None
        error = standard_error(auroc, occurrences, self.rest)
        return ReadingInText(*(round(value, 6) for value in (auroc, error, ap, precision_error(ap, occurrences))))


@dataclass(frozen=True, slots=True)
class CategoryLook:
    """The candidates of a category, the first one first, and how they read its words and its second list."""

    category: str
    rows: NDArray[np.intp]
    falls: NDArray[np.bool_]
    words: WordScores
    others: WordScores
    first: NDArray[np.float64]  # AUROC in the scan's text, in the direction of the sign

    @property
    def second_auroc(self) -> NDArray[np.float64]:
        return np.where(self.falls, 1 - self.words.auroc, self.words.auroc)

    @property
    def second_ap(self) -> NDArray[np.float64]:
        return self.words.ap

    @property
    def others_auroc(self) -> NDArray[np.float64]:
        return np.where(self.falls, 1 - self.others.auroc, self.others.auroc)

    @property
    def others_ap(self) -> NDArray[np.float64]:
        return self.others.ap

    @property
    def second_held(self) -> NDArray[np.float64]:
        """1 where the reading holds, 0 where it does not; NaN where the words are too few to say."""
        if self.words.occurrences < FEWEST:
            return np.full(len(self.rows), np.nan)
        base = self.words.occurrences / (self.words.occurrences + self.words.rest)
        weak = (self.words.auroc < HOLDS_AUROC) | (self.words.ap < least_precision(base))
        lower = [
            drops(first, second, standard_error(second, self.words.occurrences, self.words.rest), FEWEST)
            for first, second in zip(self.first.tolist(), self.words.auroc.tolist(), strict=True)
        ]
        return np.where(np.isnan(self.words.ap), np.nan, np.where(weak | np.array(lower, np.bool_), 0.0, 1.0))


def precision_error(ap: float, occurrences: int) -> float:
    """The standard error of an average precision, as a proportion's (Boyd, Eng & Page, 2013, binomial interval)."""
    return float((max(ap * (1 - ap), 0.0) / occurrences) ** 0.5)


def look_record(run: Run, looks: Sequence[CategoryLook], tokens: int, seconds: float) -> SecondText:
    """How the look went, for ``run.json``."""
    return SecondText(
        text=NATURAL_TEXT,
        tokens=tokens,
        neurons=tuple(entry for look in looks for entry in _entries(run, look)),
        categories={
            look.category: SecondTextCategory(
                words=look.words.counts,
                others=look.others.counts,
                rest=look.words.rest,
                candidates=int(np.isfinite(look.words.ap).sum()),
                failed=int((look.second_held == 0).sum()),
            )
            for look in looks
        },
        seconds=round(seconds, 3),
    )


def _entries(run: Run, look: CategoryLook) -> list[SecondTextNeuron]:
    held, auroc = look.second_held, look.second_auroc
    entries = []
    for place, row in enumerate(look.rows[:_RECORDED].tolist()):
        words = look.words.reading(place)
        if words is None:
            continue
        first = float(look.first[place])
        entries.append(
            SecondTextNeuron(
                neuron=str(run.neuron_name(row)),
                category=look.category,
                first=round(1 - first if look.falls[place] else first, 6),
                second=round(float(auroc[place]), 6),
                error=words.auroc_error,
                occurrences=look.words.occurrences,
                dropped=bool(held[place] == 0),
                words=words,
                others=look.others.reading(place),
            )
        )
    return entries
