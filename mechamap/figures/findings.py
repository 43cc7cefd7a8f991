"""What a run knows of a neuron and a category: what it reads, writes and causes, and how well that was checked.

Reads a run and nothing else, so that every command, export and screen says the same in the same words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.catalogue import SIGNIFICANT, judged_figures
from mechamap.figures.second_text import natural_look
from mechamap.figures.values import known_value, known_values
from mechamap.runs.checked import Confirmation
from mechamap.runs.run import Run
from mechamap.words.features import feature_name

__all__ = ["Finding", "causes", "confirmed", "confirmed_means", "dropped", "dropped_on", "finding", "meets", "passing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One neuron and one category. A number is NaN where it was not computed or has no meaning.

    Attributes:
        reads: selectivity, -1 to 1; negative: it goes down on the category.
        writes: direct logit attribution, in standard deviations over the vocabulary.
        causes: change of the mean log probability of the category's words without the neuron, in nats.
        measured: whether ``causes`` was measured by ablation; else it is the gradient's estimate.
        p: of the reading, corrected for the search over all neurons and categories.
        p_matched: likewise, of labels shuffled among words that are alike in all but meaning.
        hard_auroc: against matched words and near relatives, less its standard error.
        explained: the feature of words that explains the reading; empty where none does.
        passes: whether what a confirmation asks for is there: a p below 0.05 and, in runs that were compared with hard
            controls, their AUROC.
        write_p: of the writing, likewise.
        held_out_auroc: on words not used to choose its sign.
        second_auroc: on a second text.
        dropped_on: the second text on which the reading did not hold; empty where none.
    """

    reads: float
    writes: float
    causes: float
    measured: bool
    p: float
    p_matched: float
    hard_auroc: float
    explained: str
    passes: bool
    write_p: float
    held_out_auroc: float
    second_auroc: float
    dropped_on: str

    @property
    def confirmed(self) -> bool:
        """Whether the reading is confirmed, and there is no second text on which it drops."""
        return self.passes and not self.dropped_on

    @property
    def badge(self) -> str:
        """The state of the check in a word or two: ``confirmed``, ``dropped``, ``not confirmed``; empty: unchecked."""
        if self.dropped_on:
            return "dropped"
        if math.isnan(self.p):
            return ""
        return "confirmed" if self.passes else "not confirmed"

    @property
    def verdict(self) -> str:
        """The state of the check, and the feature of words that explains a reading that is not confirmed."""
        return f"{self.badge}: {self.explained}" if self.explained and not self.confirmed else self.badge


def finding(run: Run, row: int, category: str) -> Finding:
    """All that a run says about the neuron in ``row`` and a category."""
    cause, measured = known_value(run, judged_figures()["cause"], row, category)
    return Finding(
        reads=_value(run, "selectivity", row, category),
        writes=_value(run, "write", row, category),
        causes=cause,
        measured=measured,
        p=_value(run, "p", row, category),
        p_matched=_value(run, "p_matched", row, category),
        hard_auroc=_value(run, "hard_auroc", row, category),
        explained=feature_name(_value(run, "explained", row, category)),
        passes=bool(passing(run, category, slice(row, row + 1)).any()),
        write_p=_value(run, "write_p", row, category),
        held_out_auroc=_value(run, "held_out_auroc", row, category),
        second_auroc=_value(run, "second_auroc", row, category),
        dropped_on=dropped_on(run, str(run.neuron_name(row)), category),
    )


def causes(run: Run, category: str) -> NDArray[np.float32]:
    """Each neuron's effect on a category, ``[neurons]``: measured where it was, else the estimate, else NaN."""
    return known_values(run, judged_figures()["cause"], category)


def confirmed(run: Run, category: str) -> NDArray[np.bool_]:
    """Which neurons' reading of a category is confirmed, ``[neurons]``; none where nothing was checked."""
    return passing(run, category) & ~dropped(run, category)


def dropped(run: Run, category: str) -> NDArray[np.bool_]:
    """Which neurons' reading of a category does not hold in a second text, ``[neurons]``."""
    if run.has("second_held"):
        mask: NDArray[np.bool_] = np.asarray(run.column("second_held", category)) == 0
    else:
        mask = np.zeros(run.neurons, np.bool_)
    for look in run.record.second_looks:
        for entry in look.neurons:
            if entry.dropped and entry.category == category:
                mask[run.row_of(entry.neuron)] = True
    return mask


def passing(run: Run, category: str, rows: slice = slice(None)) -> NDArray[np.bool_]:
    """Which of some neurons have what a confirmation asks for, ``[rows]``; without hard controls, p alone."""
    if not run.has("p"):
        return np.zeros(run.neurons, np.bool_)[rows]
    confirmation = run.record.confirmation
    if confirmation is None or confirmation.hard_auroc is None or not run.has("hard_auroc"):
        return np.asarray(run.column("p", category)[rows]) < SIGNIFICANT
    p, alike, hard = (np.asarray(run.column(name, category)[rows]) for name in ("p", "p_matched", "hard_auroc"))
    about = confirmation.categories.get(category)
    controlled = about is None or bool(about.matched or about.near)
    return meets(p, alike, hard, confirmation.hard_auroc if controlled else None)


def meets(
    p: NDArray[np.float32], p_matched: NDArray[np.float32], hard_auroc: NDArray[np.float32], asked: float | None
) -> NDArray[np.bool_]:
    """Which neurons have what *confirmed* asks for, ``[neurons]`` as all arguments.

    Args:
        p_matched: NaN where no other word is like the category's: then ``p`` has to do.
        asked: of ``hard_auroc``; None: the category has no hard controls.
    """
    significant: NDArray[np.bool_] = np.where(np.isnan(p_matched), p, p_matched) < SIGNIFICANT
    return significant if asked is None else significant & (hard_auroc >= asked)


def confirmed_means(confirmation: Confirmation | None) -> str:
    """What *confirmed* asks of a neuron, as tables say it."""
    if confirmation is None or confirmation.hard_auroc is None:
        return f"p < {SIGNIFICANT:g}"
    return (
        f"p < {SIGNIFICANT:g} among words alike in all but meaning, and an AUROC of {confirmation.hard_auroc:g} "
        "against matched words and near relatives"
    )


def dropped_on(run: Run, neuron: str, category: str) -> str:
    """The name of a second text on which a neuron's reading of a category did not hold; empty where none."""
    for look in run.record.second_looks:
        if any(entry.dropped and (entry.neuron, entry.category) == (neuron, category) for entry in look.neurons):
            return look.text
    look_after_scan = natural_look(run)
    if look_after_scan is not None and run.has("second_held"):
        return look_after_scan.text if run.column("second_held", category)[run.row_of(neuron)] == 0 else ""
    return ""


def _value(run: Run, figure: str, row: int, category: str) -> float:
    return float(run.column(figure, category)[row]) if run.has(figure) else math.nan
