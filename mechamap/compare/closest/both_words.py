"""Two models' activations over the words of one text: what their runs kept of them, or the models run again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mechamap.compare.closest.settings import has_kept
from mechamap.compare.words.activations import ModelWords, kept_words
from mechamap.events import Listener
from mechamap.runs.run import Run

if TYPE_CHECKING:
    from mechamap.models.loaded import LoadedModel

__all__ = ["Source", "words_of_both"]


class Source:
    """Where the words of a run come from; a caller says how it loads a model, and is notified of each.

    Args:
        load: gives the model of a run, called only where it is needed.
        kept: called with a run before its kept activations are read.
        listener: gives the listener of a run's pass.
    """

    def __init__(
        self,
        load: Callable[[Run], LoadedModel],
        kept: Callable[[Run], None] = lambda run: None,
        listener: Callable[[Run], Listener] = lambda run: lambda event: None,
    ) -> None:
        self.load, self.kept, self.listener = load, kept, listener


def words_of_both(
    a: Run,
    b: Run,
    source: Source,
    *,
    texts: Sequence[str] | None = None,
    cancel: threading.Event | None = None,
) -> tuple[ModelWords, ModelWords]:
    """The activations of two runs over the same words, with the placements of their categories' words.

    One model is held at a time.

    Args:
        a, b: runs on disk.
        source: where the activations come from.
        texts: what both read; None: their own where it is the same, else that of ``a``, or of ``b`` where ``a`` keeps
            none.
        cancel: set it to stop.

    Raises:
        MechaMapError: a model cannot be loaded, or its activations are not to be had.
    """
    if texts is None and a.texts != b.texts:
        texts = list(a.texts or b.texts)
    return _words(a, source, texts, cancel), _words(b, source, texts, cancel)


def _words(run: Run, source: Source, texts: Sequence[str] | None, cancel: threading.Event | None) -> ModelWords:
    if (texts is None or tuple(texts) == run.texts) and has_kept(run):
        source.kept(run)
        return kept_words(run, placements=True)
    from mechamap.compare.words.word_pass import read_words

    loaded = source.load(run)
    try:
        return read_words(run, loaded, texts, placements=True, on_event=source.listener(run), cancel=cancel)
    finally:
        del loaded  # an error being raised keeps this function's variables alive
