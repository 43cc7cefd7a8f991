"""The text in which a neuron's usual range is looked for: what a run was made from, as far as it is needed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mechamap.capture.rerun import kept_stretch, text_of_run
from mechamap.errors import UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.runs.corpus.tokens import Stretches
from mechamap.runs.run import Run
from mechamap.text.tokenize import TokenizedText, Window
from mechamap.wording.amounts import quantity

__all__ = ["ENOUGH", "UsualText", "complete_row", "joined", "usual_text"]


ENOUGH = 8192  # scored positions; a share of one in eight thousand is told apart


@dataclass(frozen=True, slots=True)
class UsualText:
    """Windows of a run's text.

    Attributes:
        tokenized: the windows; its scored positions count.
        whole: whether they are all that the run was made from.
        words: what it is, in words: ``198 positions of the run's text``.
    """

    tokenized: TokenizedText
    whole: bool
    words: str

    @property
    def positions(self) -> int:
        """How many count."""
        return int(self.tokenized.scored.sum())


def usual_text(run: Run, loaded: LoadedModel, enough: int = ENOUGH) -> UsualText:
    """The run's text, or windows drawn evenly from it until ``enough`` positions count.

    A run over a corpus keeps the tokens around contexts alone: windows are drawn from these.

    Raises:
        RunError: the run has no model behind it, or keeps no text.
    """
    if run.record.corpus is not None:
        run.folder_with_model()
        return _kept_tokens(run, loaded, enough)
    run.folder_to_rerun()
    text = text_of_run(run)
    scored = int(text.scored.sum())
    if scored <= enough:
        return UsualText(text, True, f"{quantity(scored, 'position')} of the run's text")
    windows = text.windows
    counts = np.array([int(text.scored[_positions(window)].sum()) for window in windows], np.int64)  # [windows]
    part = _windows_of(text, [windows[number] for number in _drawn(counts, enough)])
    count = quantity(int(part.scored.sum()), "position")
    return UsualText(part, False, f"{count} drawn evenly from the {scored:,} of the run's text")


def _kept_tokens(run: Run, loaded: LoadedModel, enough: int) -> UsualText:
    stretches = run.record.tokens.windows
    assert isinstance(stretches, Stretches)
    firsts, lengths = stretches.array[:, 1], stretches.array[:, 2]  # [stretches]
    pieces = [kept_stretch(run, int(firsts[number]), loaded)[1] for number in _drawn(lengths, enough)]
    part = joined(pieces)
    count = quantity(int(part.scored.sum()), "token")
    return UsualText(part, False, f"{count} drawn evenly from those that the run keeps around its contexts")


def _drawn(counts: NDArray[np.int64], enough: int) -> list[int]:
    """Numbers of windows with about ``enough`` positions in all, evenly spread, at least one."""
    total = int(counts.sum())
    wanted = max(round(len(counts) * min(enough / max(total, 1), 1.0)), 1)
    numbers = np.unique(np.linspace(0, len(counts) - 1, wanted).round().astype(np.int64))
    return [int(number) for number in numbers]


def _positions(window: Window) -> slice:
    return slice(window.start, window.start + window.length)


def _windows_of(text: TokenizedText, windows: list[Window]) -> TokenizedText:
    """Some windows of a text, one after another."""
    return joined(
        [
            replace(
                text,
                ids=text.ids[_positions(window)],
                pieces=text.pieces[_positions(window)],
                offsets=text.offsets[_positions(window)],
                special=text.special[_positions(window)],
                scored=text.scored[_positions(window)],
                windows=(Window(window.text, 0, window.length),),
            )
            for window in windows
        ]
    )


def joined(texts: list[TokenizedText]) -> TokenizedText:
    """Texts of one window each as one of several."""
    starts = np.cumsum([0, *(len(text.ids) for text in texts)]).tolist()
    return replace(
        texts[0],
        ids=np.concatenate([text.ids for text in texts]),
        pieces=tuple(piece for text in texts for piece in text.pieces),
        offsets=np.concatenate([text.offsets for text in texts]),
        special=np.concatenate([text.special for text in texts]),
        scored=np.concatenate([text.scored for text in texts]),
        windows=tuple(
            Window(number, start, len(text.ids))
            for number, (start, text) in enumerate(zip(starts, texts, strict=False))
        ),
    )


def complete_row(run: Run, neuron: str) -> int:
    """The row of a neuron in a layer that is complete.

    Raises:
        UsageError: the run has no such neuron, or its layer is not complete.
    """
    row = run.row_of(neuron)
    if not run.layer_rows(int(run.layer_of[row])).complete:
        raise UsageError(f"{neuron} is in a layer that is not complete.", "Wait for the scan, or resume it.")
    return row
