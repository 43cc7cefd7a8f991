"""A run: what a scan leaves on disk, opened without torch.

A folder with ``run.json`` (see :mod:`mechamap.runs.record`) and one ``.npy`` per figure, one row per neuron. The
arrays are memory-mapped, so opening takes milliseconds at any size and rows that a running scan writes show up.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.config.scan_config import ScanConfig
from mechamap.errors import RunError, UsageError
from mechamap.runs.corpus.places import figure_file, kept_folder
from mechamap.runs.corpus.tokens import DocumentNames, Stretches, open_names, open_tokens
from mechamap.runs.figure_names import CONTEXT_FIGURES, LATER_FIGURES, TOKEN_FIGURES
from mechamap.runs.gate.figures import check_alike, instead, open_figure, read_figure, read_whole, unreadable
from mechamap.runs.gate.records import check_size, read_record, read_record_text
from mechamap.runs.neuron_names import NeuronName, parse_neuron
from mechamap.runs.record import CORPUS_FORMAT, LayerRows, RunRecord
from mechamap.runs.rows import absent_neuron, names_of_rows
from mechamap.system.paths import user_path
from mechamap.wording.advice import Action, Advice
from mechamap.wording.suggest import unknown_name
from mechamap.words.stretch_text import StretchText
from mechamap.words.token_text import TokenText

__all__ = ["Run", "TokenHit"]


LARGEST_COPY = 16 * 2**20  # bytes of a figure that is read whole; larger ones are mapped


@dataclass(frozen=True, slots=True)
class TokenHit:
    """One of a neuron's extreme activations: where, how large, and the stretch of text it stands for."""

    piece: str
    value: float
    position: int


class Run:
    """A run opened for reading: a record, and one array per figure.

    Rows of layers that are not complete read NaN (positions: -1). Nothing here changes the files.

    Args:
        record: the content of ``run.json``.
        arrays: the figures by name; those of a folder are loaded when first asked for.
        path: the folder, or the file the run was read from.
        names: layer, expert (-1: none) and index of each row; from the record's layers where not given.
        threshold: the mean from which a neuron counts; the config's where the record has one.
    """

    def __init__(
        self,
        record: RunRecord,
        arrays: Mapping[str, NDArray[Any]] | None = None,
        path: Path | None = None,
        names: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]] | None = None,
        threshold: float = 0.2,
    ) -> None:
        self.record = record
        self.path = path
        self._threshold = threshold
        self._arrays: dict[str, NDArray[Any]] = dict(arrays or {})
        self._opened: dict[str, NDArray[Any]] = {}  # mapped when they were checked, and not read yet
        self.layer_of, self.expert_of, self.index_of = names if names is not None else names_of_rows(record.layers)
        self._stamp: tuple[int, int] | None = None

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Open a run folder.

        Raises:
            RunError: the folder does not exist or has no ``run.json``, or the run is damaged or of a newer format.
        """
        folder = user_path(path)
        while True:
            stamp = _stamp(folder)
            try:
                run = cls(_read(folder), path=folder)
                run._hold()
            except RunError:
                if _stamp(folder) == stamp:
                    raise
                continue  # a corpus scan has published its run anew, and removed what was there before
            run._stamp = stamp
            return run

    def _hold(self) -> None:
        """Open all that an unfinished corpus scan has published, as it will be removed: a file that is open stays."""
        if self.record.corpus is not None and self.record.corpus.figures_in:
            self._arrays.update({name: self._mapped(name) for name in self.record.figures})
            self.document_names  # noqa: B018 opens them

    def refresh(self) -> bool:
        """Read ``run.json`` again if it was replaced; True if anything is new. Layers only ever become complete."""
        if self.path is None or self._stamp is None:
            return False
        stamp = _stamp(self.path)
        if stamp == self._stamp:
            return False
        if self.record.format == CORPUS_FORMAT:
            self._take(Run.open(self.path))
            return True
        record = _read(self.path)
        self._opened.clear()
        for name in LATER_FIGURES:  # written anew each time, not row by row into the file that is mapped
            self._arrays.pop(name, None)
        self.record, self._stamp = record, stamp
        return True

    def _take(self, fresh: Run) -> None:
        """Become the run as it was published anew."""
        if fresh.neurons == self.neurons:  # else another scan has taken its place, as its record says
            self._arrays, self._opened = fresh._arrays, fresh._opened
            for cached in ("token_text", "document_names"):
                self.__dict__.pop(cached, None)
            if "document_names" in fresh.__dict__:
                self.__dict__["document_names"] = fresh.document_names
        self.record, self._stamp = fresh.record, fresh._stamp

    @property
    def neurons(self) -> int:
        return len(self.layer_of)

    @property
    def categories(self) -> tuple[str, ...]:
        return self.record.categories

    @property
    def label(self) -> str:
        """The model's short label."""
        return self.record.model.label

    @property
    def name(self) -> str:
        """The run's own name: its folder's."""
        return self.path.name if self.path is not None else self.label

    @property
    def layers(self) -> tuple[LayerRows, ...]:
        return self.record.layers

    @property
    def complete_layers(self) -> tuple[LayerRows, ...]:
        return tuple(layer for layer in self.record.layers if layer.complete)

    @property
    def config(self) -> ScanConfig:
        """The settings that the run was made with.

        Raises:
            RunError: the run does not say, such as a CSV.
        """
        if self.record.config is None:
            raise RunError(f"{self.name} does not say which settings it was made with.", "Scan the model itself.")
        return self.record.config

    @property
    def texts(self) -> tuple[str, ...]:
        """The scanned texts; empty where the run does not say, and of a corpus, which is not kept."""
        if self.record.config is None or self.record.corpus is not None:
            return ()
        return self.record.config.texts

    @property
    def threshold(self) -> float:
        """The mean from which a neuron counts for a category."""
        return self.record.config.threshold if self.record.config is not None else self._threshold

    @property
    def complete_rows(self) -> NDArray[np.bool_]:
        """Which neurons are in complete layers, ``[neurons]``."""
        mask = np.zeros(self.neurons, np.bool_)
        for layer in self.complete_layers:
            mask[layer.rows] = True
        return mask

    @property
    def is_csv(self) -> bool:
        """Whether it was read from a CSV file, which may not hold all of its model."""
        return self.record.source == "csv"

    def why_no_model(self) -> str:
        """Why the run's model cannot be asked anything, in a sentence; empty where it can."""
        if self.is_csv:
            return f"{self.name} is a CSV, with no model behind it."
        return "" if self.path is not None else f"{self.name} lies in no folder."

    def folder_with_model(self) -> Path:
        """The folder of a run whose model can be asked about its neurons; its text may not be kept.

        Raises:
            RunError: it cannot be, see :meth:`why_no_model`.
        """
        reason = self.why_no_model()
        if reason or self.path is None:
            raise RunError(reason, "Scan the model itself.")
        return self.path

    def why_not_rerun(self) -> str:
        """Why the model cannot be run over the run's text again, in a sentence; empty where it can."""
        if self.is_csv:
            return self.why_no_model()
        if self.record.corpus is not None:
            return f"{self.name} keeps the contexts of its neurons, not the whole corpus."
        if self.path is None or not self.has_context or not self.texts:
            return f"{self.name} keeps no text that a model could be run over."
        return ""

    def folder_to_rerun(self) -> Path:
        """The folder of a run whose model can be run over its text again.

        Raises:
            RunError: it cannot be, see :meth:`why_not_rerun`.
        """
        reason = self.why_not_rerun()
        if reason or self.path is None:
            text = " over a text" if self.record.corpus is not None else " itself"
            raise RunError(reason, f"Scan the model{text}.")
        return self.path

    @property
    def has_context(self) -> bool:
        """Whether positions have neighbours: a scan's do, those of a CSV do not."""
        return bool(self.record.tokens.windows)

    def has(self, figure: str) -> bool:
        return figure in self._arrays or figure in self.record.figures

    def figure(self, name: str) -> NDArray[Any]:
        """One figure for every neuron: ``[neurons]``, ``[neurons, categories]`` or ``[neurons, k]``.

        Raises:
            RunError: the run has no such figure, or its file is missing or of the wrong size.
        """
        if name not in self._arrays:
            self._arrays[name] = self._load(name)
        return self._arrays[name]

    def check_figures(self) -> None:
        """See that each figure has its file, of the run's size, before one is painted, and documents their names.

        Raises:
            RunError: a file is missing or damaged.
        """
        for name in self.record.figures:
            if name not in self._arrays:
                self._opened[name] = self._mapped(name)
        _ = self.document_names

    def _load(self, name: str) -> NDArray[Any]:
        array = self._mapped(name)
        if self.path is not None and array.nbytes <= LARGEST_COPY and self._is_finished:
            # A process that has a file mapped is killed when another one cuts it short, as `cp` over it does.
            array = read_whole(figure_file(self.path, self.record, name), array)
        self._opened.pop(name, None)
        return array

    def _mapped(self, name: str) -> NDArray[Any]:
        if self.path is None or name not in self.record.figures:
            have = ", ".join(self.record.figures) or "none"
            raise RunError(f"{self.name} has no figure {name!r}; it has {have}.", "Scan again with a newer version.")
        if (opened := self._opened.get(name)) is not None:
            return opened
        file = figure_file(self.path, self.record, name)
        array = read_figure(file, name, self.neurons, len(self.categories))
        side, _, what = name.partition("_")
        if name in (*TOKEN_FIGURES, *CONTEXT_FIGURES) and what == "values" and self.has(f"{side}_positions"):
            check_alike(file, array, self._mapped(f"{side}_positions"))
        return array

    @property
    def _is_finished(self) -> bool:
        """Whether no scan writes into the files of its figures any more; what comes later is in files of its own."""
        return self.record.state != "running" and all(rows.complete for rows in self.record.layers)

    def column(self, figure: str, category: str | None = None) -> NDArray[Any]:
        """A figure as one value per neuron, ``[neurons]``; ``category`` picks the column where it has several."""
        array = self.figure(figure)
        if array.ndim == 1:
            return array
        if category is None:
            raise UsageError(f"{figure} has a value per category; say which: {', '.join(self.categories)}.")
        return array[:, self.category_index(category)]

    def category_index(self, category: str) -> int:
        if category not in self.categories:
            raise UsageError(*unknown_name("category", category, self.categories))
        return self.categories.index(category)

    def layer_rows(self, layer: int) -> LayerRows:
        for rows in self.record.layers:
            if rows.layer == layer:
                return rows
        have = ", ".join(str(rows.layer) for rows in self.record.layers)
        raise UsageError(f"Layer {layer} is not in this run; it has {have}.")

    def neuron_name(self, row: int) -> NeuronName:
        return NeuronName(int(self.layer_of[row]), int(self.index_of[row]), int(self.expert_of[row]))

    def neuron_names(self, rows: NDArray[np.int64]) -> list[str]:
        """The names of many neurons as text, ``[n]``: faster than one by one."""
        places = zip(
            self.layer_of[rows].tolist(), self.expert_of[rows].tolist(), self.index_of[rows].tolist(), strict=True
        )
        return [
            f"L{layer}.N{index}" if expert < 0 else f"L{layer}.E{expert}.N{index}" for layer, expert, index in places
        ]

    def row_of(self, neuron: NeuronName | str) -> int:
        """The row of a neuron, given as a name or as text (see :func:`mechamap.runs.neuron_names.parse_neuron`).

        Raises:
            UsageError: not a neuron's name, or not in this run.
        """
        name = parse_neuron(neuron) if isinstance(neuron, str) else neuron
        rows = np.flatnonzero(
            (self.layer_of == name.layer) & (self.index_of == name.index) & (self.expert_of == name.expert)
        )
        if len(rows):
            return int(rows[0])
        layer = self.layer_rows(name.layer)
        raise absent_neuron(name, self.index_of[layer.rows], self.expert_of[layer.rows])

    def top_tokens(self, row: int, *, lowest: bool = False) -> list[TokenHit]:
        """The positions of a neuron's highest (or lowest) activations, most extreme first."""
        side = "bottom" if lowest else "top"
        values = self.figure(f"{side}_values")[row]  # [k]
        positions = self.figure(f"{side}_positions")[row]  # [k]
        pieces = self.token_text.shown
        return [
            TokenHit(pieces[position], float(value), int(position))
            for position, value in zip(positions.tolist(), values.tolist(), strict=True)
            if 0 <= position < len(pieces)
        ]

    def window_of(self, position: int) -> range:
        """The positions of the window that holds ``position``, without prepended tokens; itself if none does."""
        window = self.whole_window_of(position)
        if isinstance(self.record.tokens.windows, Stretches):
            return window
        start = window.start
        while start < position and start in self._special:
            start += 1
        return range(start, window.stop)

    def whole_window_of(self, position: int) -> range:
        """The positions of the window that holds ``position``, as the model read it; itself if none does."""
        windows = self.record.tokens.windows
        if isinstance(windows, Stretches):
            _, start, length, _ = windows.at(position)
            return range(start, start + length)
        number = bisect_right(windows, position, key=lambda window: window[1]) - 1
        if number < 0:
            return range(position, position + 1)
        _, start, length = windows[number]
        return range(start, start + length)

    def document_at(self, position: int) -> int | None:
        """The number of the document that a kept token is from; None of a run over texts."""
        windows = self.record.tokens.windows
        if not isinstance(windows, Stretches) or not 0 <= position < len(self.record.tokens.ids):
            return None
        return windows.at(position)[0]

    def token_in_document(self, position: int) -> tuple[int, int] | None:
        """The number of the document that a kept token is from, and its place there; None of a run over texts."""
        windows = self.record.tokens.windows
        if not isinstance(windows, Stretches) or not 0 <= position < len(self.record.tokens.ids):
            return None
        document, first, _, place = windows.at(position)
        return document, place + position - first

    def context(self, position: int, width: int) -> tuple[str, str, str]:
        """The text before, at and after a position: up to ``width`` characters on each side, in its window."""
        return self.token_text.around(position, self.window_of(position), width)

    @cached_property
    def token_text(self) -> TokenText | StretchText:
        """What its tokens stand for in its text, as it is shown."""
        tokens = self.record.tokens
        if self.record.corpus is not None:
            return StretchText(tokens.pieces, tokens.windows)
        return TokenText(tokens.pieces, tokens.windows, tokens.special)

    @cached_property
    def document_names(self) -> DocumentNames | None:
        """What the documents are called that its tokens are from; None of a run over texts."""
        kept = kept_folder(self.path, self.record) if self.path is not None else None
        return None if kept is None else open_names(kept)

    @cached_property
    def excluded(self) -> frozenset[int]:
        """Positions that are not scored."""
        return frozenset(self.record.tokens.excluded)

    @cached_property
    def _special(self) -> frozenset[int]:
        return frozenset(self.record.tokens.special)

    def activations(self, layer: int) -> NDArray[np.float16] | None:
        """Kept activations of a layer, ``[neurons of the layer, positions]`` float16, or None if not kept."""
        if self.path is None:
            return None
        file = activations_file(self.path, layer)
        try:
            kept: NDArray[np.float16] = open_figure(file)
        except RunError:
            return None
        return kept if kept.shape == (self.layer_rows(layer).width, len(self.record.tokens.pieces)) else None


def activations_file(folder: Path, layer: int) -> Path:
    """The file in which a run keeps a layer's activations, if it does."""
    return folder / "activations" / f"L{layer}.npy"


def _stamp(folder: Path) -> tuple[int, int]:
    """Inode and modification time of ``run.json``, which change when the file is replaced."""
    try:
        status = (folder / "run.json").stat()
    except (OSError, ValueError):  # ValueError: a NUL in its name
        raise RunError(
            f"{folder} is not a run: it has no run.json.",
            Advice.of("Give a run folder or a run's name; {} lists them.", Action("runs")),
        ) from None
    return status.st_ino, status.st_mtime_ns


def _read(folder: Path) -> RunRecord:
    file = folder / "run.json"
    try:
        text = read_record_text(file)
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(file, error) from None
    try:
        record = read_record(text, str(file))
    except RunError as error:
        raise instead(file) or error from None
    check_size(record, folder)
    if record.format == CORPUS_FORMAT and (kept := kept_folder(folder, record)) is not None:
        record = replace(record, tokens=open_tokens(kept))
    return record
