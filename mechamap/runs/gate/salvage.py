"""A damaged run: what is wrong with it, and a copy of all that is good.

Salvaging drops what cannot be used and keeps the rest as it is: parts of the record that a run can be read without,
figures whose files are damaged, layers that say they are complete and have no values. Nothing is repaired by guessing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mechamap.errors import RunError
from mechamap.runs.corpus.places import figure_file, kept_folder
from mechamap.runs.corpus.tokens import KEPT_FILES, open_names, open_tokens
from mechamap.runs.figure_names import CONTEXT_FIGURES, LATER_FIGURES, NEURON_FIGURES, TOKEN_FIGURES
from mechamap.runs.gate.records import LARGEST_RECORD, check_size, read_record
from mechamap.runs.kept.notes import Notes
from mechamap.runs.record import RunRecord, dump
from mechamap.runs.run import Run
from mechamap.runs.views.saved_views import VIEWS_FILE, SavedViews
from mechamap.system.bounded_files import read_at_most

__all__ = ["Damage", "examined", "salvage"]


# What a run can be read without, in the order in which it is given up.
_OPTIONAL = (
    "timings", "versions", "problems", "undefined", "randomized", "second_looks", "causes", "confirmation", "proof",
    "token_proof", "unembedding", "exclusions", "coverage", "occurrences", "finished", "created", "tokens", "config",
)  # fmt: skip
_CHECKS = {"confirmation": LATER_FIGURES, "causes": ("cause", "cause_measured")}


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong with a run: a file or a member of its record, what it is, and what salvaging does."""

    where: str
    what: str
    without: str


def examined(folder: Path) -> tuple[RunRecord | None, list[Damage]]:
    """All that is wrong with a run, and the record of what is good; None where nothing can be read without guessing."""
    record, damages = _readable(folder)
    if record is None:
        return None, damages
    lost = dict(_damaged_figures(folder, record))
    for name, reason in lost.items():
        damages.append(Damage(f"{name}.npy", reason, f"the figure {name} is left out"))
    record = replace(record, figures=tuple(name for name in record.figures if name not in lost))
    record = _without_lost_tokens(folder, record, damages)
    empty = _empty_layers(folder, record)
    for layer in empty:
        what = "the record calls it complete, and it has no values"
        damages.append(Damage(f"layer {layer}", what, "it counts as unfinished; resuming the scan computes it again"))
    if empty:
        layers = tuple(replace(rows, complete=rows.complete and rows.layer not in empty) for rows in record.layers)
        record = replace(record, layers=layers, state="cancelled")
    try:
        Notes(folder)
    except RunError as error:
        damages.append(Damage("notes.json", error.message, "marks and notes are left out"))
    try:
        damaged_views = SavedViews(folder).damaged
    except RunError as error:
        damages.append(Damage(VIEWS_FILE, error.message, "saved views are left out"))
    else:
        for name in damaged_views:
            damages.append(Damage(f"view {name!r}", "it cannot be understood", "it is copied as it is"))
    return record, damages


def salvage(folder: Path, out: Path) -> list[Damage]:
    """Copy all that is good of a run to a new folder.

    Returns:
        What was left out.

    Raises:
        RunError: nothing can be saved, or the new folder exists or cannot be written.
    """
    record, damages = examined(folder)
    if record is None:
        raise RunError(f"{folder} cannot be salvaged: {damages[-1].what}.", "Scan the model again.")
    try:
        out.mkdir(parents=True)
        for name in record.figures:
            copied = figure_file(out, record, name)
            copied.parent.mkdir(exist_ok=True)
            shutil.copyfile(figure_file(folder, record, name), copied)
        if (tokens := kept_folder(folder, record)) is not None:
            (out / tokens.name).mkdir()
            for name in KEPT_FILES:
                shutil.copyfile(tokens / f"{name}.npy", out / tokens.name / f"{name}.npy")
        for name in ("notes.json", VIEWS_FILE):
            if not any(damage.where == name for damage in damages) and (folder / name).is_file():
                shutil.copyfile(folder / name, out / name)
        (out / "run.json").write_text(dump(record), encoding="utf-8", errors="replace")
        source = Run(record, path=folder)
        for rows in record.layers:
            if (kept := source.activations(rows.layer)) is not None:
                (out / "activations").mkdir(exist_ok=True)
                np.save(out / "activations" / f"L{rows.layer}.npy", kept)
    except FileExistsError:
        raise RunError(f"{out} exists already.", "Name a folder that does not exist yet.") from None
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror or error}.", "Choose another place.") from None
    return damages


def _readable(folder: Path) -> tuple[RunRecord | None, list[Damage]]:
    """The record without the members that are damaged, as few of them as can be."""
    file = folder / "run.json"
    try:
        text = read_at_most(file, LARGEST_RECORD).decode("utf-8", errors="replace")
        data = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        return None, [Damage("run.json", f"it cannot be read ({_reason(error)})", "")]
    if not isinstance(data, dict):
        return None, [Damage("run.json", "it does not describe a run", "")]
    damages: list[Damage] = []
    record = _parsed(data, folder)
    for _ in _OPTIONAL:
        if isinstance(record, RunRecord):
            break
        # Without which one member can it be read, or is at least something else wrong?
        name = next((name for name in _OPTIONAL if name in data and _is_cause(data, name, folder)), None)
        if name is None:
            return None, [*damages, Damage("run.json", record.removesuffix("."), "")]
        damages.append(Damage(f"run.json, {name}", record.removesuffix("."), f"{name} is left out"))
        del data[name]
        record = _parsed(data, folder)
    if not isinstance(record, RunRecord):
        return None, [*damages, Damage("run.json", record.removesuffix("."), "")]
    dropped = {
        figure for name in _CHECKS if any(name in damage.where for damage in damages) for figure in _CHECKS[name]
    }
    return replace(record, figures=tuple(name for name in record.figures if name not in dropped)), damages


def _is_cause(data: dict[str, Any], name: str, folder: Path) -> bool:
    """Whether the record without a member can be read, or is refused for another reason."""
    before, after = _parsed(data, folder), _parsed({key: data[key] for key in data if key != name}, folder)
    return after != before


def _parsed(data: dict[str, Any], folder: Path) -> RunRecord | str:
    """The record, or why it is refused."""
    try:
        record = read_record(json.dumps(data), "run.json")
        check_size(record, folder)
    except RunError as error:
        return error.message.removeprefix("run.json is damaged: ")
    except (ValueError, RecursionError) as error:
        return _reason(error)
    return record


def _damaged_figures(folder: Path, record: RunRecord) -> Iterator[tuple[str, str]]:
    run = Run(record, path=folder)
    for name in record.figures:
        try:
            run.figure(name)
        except RunError as error:
            file = figure_file(folder, record, name)
            yield name, error.message.removeprefix(f"{file} ").removesuffix(".")


def _without_lost_tokens(folder: Path, record: RunRecord, damages: list[Damage]) -> RunRecord:
    """The record of a run over a corpus without contexts where their tokens are damaged or not there."""
    corpus, kept = record.corpus, kept_folder(folder, record)
    if corpus is None or kept is None:
        return record
    lost = set()
    try:
        count = len(open_tokens(kept).ids)
        open_names(kept)
    except RunError as error:
        damages.append(Damage(kept.name, error.message.removesuffix("."), "contexts and top tokens are left out"))
        corpus, count = replace(corpus, kept="", kept_tokens=0), 0
        lost = {*CONTEXT_FIGURES, *TOKEN_FIGURES}
    run = Run(record, path=folder)
    for name in record.figures:
        if name.endswith("_positions") and name not in lost:
            positions = run.figure(name)
            if positions.size and not (int(positions.min()) >= -1 and int(positions.max()) < count):
                side = name.removesuffix("_positions")
                damages.append(
                    Damage(f"{name}.npy", "it names tokens that the run does not keep", f"{side} ones are left out")
                )
                lost |= {name, f"{side}_values"}
    figures = tuple(name for name in record.figures if name not in lost)
    return replace(record, figures=figures, corpus=corpus)


def _empty_layers(folder: Path, record: RunRecord) -> list[int]:
    """Layers that are said to be complete and have no value of any neuron."""
    name = next((name for name in ("max", *NEURON_FIGURES, "mean") if name in record.figures), None)
    if name is None:
        return []
    values = np.asarray(Run(record, path=folder).figure(name))
    return [
        rows.layer
        for rows in record.layers
        if rows.complete and rows.width and np.isnan(values[rows.rows].astype(np.float64)).all()
    ]


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return getattr(error, "strerror", None) or str(error)
