"""How strong a reading is, over all the texts that it was looked at in.

Average precisions in several texts are put together as their geometric mean: a reading that fails in one of them is
weak, however well it does in another. Each text counts by the words of the category in it, a word that occurs n times
as the root of n, since the occurrences of one word say less than as many different words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.second_text import natural_look
from mechamap.runs.checked import SecondText
from mechamap.runs.run import Run

__all__ = ["TextEvidence", "combined_precision", "run_evidence", "second_evidence", "strength", "word_weight"]


@dataclass(frozen=True, slots=True)
class TextEvidence:
    """Average precisions in one text.

    Attributes:
        ap: ``[neurons, categories]``, in the direction that the scan gave each neuron.
        weight: ``[categories]``, how much the text counts; 0 where it has no word of the category.
    """

    ap: NDArray[np.float32]
    weight: NDArray[np.float64]


def word_weight(counts: Iterable[int]) -> float:
    """How much a text counts in which the words of a category occur so often, each by itself."""
    return float(sum(count**0.5 for count in counts))


def combined_precision(texts: Sequence[TextEvidence]) -> NDArray[np.float32]:
    """The geometric mean of the texts by their weights, ``[neurons, categories]``.

    NaN where a text that has words of the category gives no average precision.
    """
    logs = np.zeros(texts[0].ap.shape)
    for text in texts:
        with np.errstate(divide="ignore", invalid="ignore"):
            weighted = np.log(text.ap.astype(np.float64)) * text.weight
        logs += np.where(text.weight > 0, weighted, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: NDArray[np.float32] = np.exp(logs / sum(text.weight for text in texts)).astype(np.float32)
    return mean


def run_evidence(run: Run) -> TextEvidence:
    """The scanned text, which chose the neurons; only of a run that has ``ap``."""
    found = [coverage.found if (coverage := run.record.coverage.get(name)) else {} for name in run.categories]
    weight = np.array([word_weight(word.count for word in words.values()) for words in found])
    return TextEvidence(np.asarray(run.figure("ap")), weight)


def strength(
    run: Run,
    carriers: TextEvidence | None = None,
    second: TextEvidence | None = None,
) -> NDArray[np.float32]:
    """``strength`` of every neuron and category, ``[neurons, categories]``, from all that is known of a run.

    Args:
        run: one that has ``ap``.
        carriers: what was just found in the sentences of a confirmation; None: what the run has of them.
        second: the same of the natural text that is read after a scan.
    """
    scanned = run_evidence(run)
    further = [second or _second(run), carriers or _carriers(run)]
    combined = combined_precision([scanned, *filter(None, further)])
    combined[np.isnan(scanned.ap)] = np.nan  # without occurrences in the scan a neuron has no direction either
    return combined


def second_evidence(run: Run, ap: NDArray[np.float32], look: SecondText) -> TextEvidence:
    """The natural text that is read after a scan.

    A neuron that was not looked at there counts as one that reads the category no better than chance: it was no
    candidate, and comes after those that were.
    """
    categories = [look.categories.get(name) for name in run.categories]
    base = np.array([category.base if category else 0.0 for category in categories])
    weight = np.array([word_weight(category.words.values()) if category else 0.0 for category in categories])
    return TextEvidence(np.fmax(ap, base).astype(np.float32), weight)  # of NaN and a number, the number


def _second(run: Run) -> TextEvidence | None:
    look = natural_look(run)
    if look is None or not look.categories or not run.has("second_ap"):
        return None
    return second_evidence(run, np.asarray(run.figure("second_ap")), look)


def _carriers(run: Run) -> TextEvidence | None:
    confirmation = run.record.confirmation
    if confirmation is None or not run.has("carrier_ap"):
        return None
    words = [confirmation.categories[name].words for name in run.categories]
    return TextEvidence(np.asarray(run.figure("carrier_ap")), np.array(words, np.float64))
