"""What can be done with a run in the explorer, each as the command that does the same.

Texts, filters and notes stand behind a ``=``, since they may begin with a dash. What no command can say is None: a text
that is nothing but ``-``, which commands take for standard input.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mechamap.replay.view import View
from mechamap.runs.library import runs_folder
from mechamap.runs.run import Run

__all__ = ["counted", "marked", "noted", "page_written", "probed", "set_kept", "source_of", "viewed"]


def source_of(path: Path | None) -> str:
    """What the command line calls a run: its name where it is among all runs, else its path."""
    if path is None:
        return ""
    folder = runs_folder() / path.name
    return path.name if folder.resolve() == path.resolve() else str(path.absolute())


def viewed(run: Run, view: View) -> list[str]:
    """The table shows other neurons, or in another order."""
    return ["mechamap", "neurons", source_of(run.path), *view.flags()]


def counted(run: Run, by: str, view: View) -> list[str]:
    """Neurons were counted by a column or a pair."""
    return [
        "mechamap",
        "count",
        source_of(run.path),
        f"--by={by}",
        *View(view.where, "", view.category, view.marked).flags(),
    ]


def marked(run: Run, neurons: Sequence[str], is_marked: bool) -> list[str]:
    """Neurons were marked, or their marks taken away."""
    return ["mechamap", "notes", source_of(run.path), "mark" if is_marked else "unmark", *_neurons(neurons)]


def noted(run: Run, neuron: str, note: str) -> list[str]:
    """A neuron's note was written, or removed where it is empty."""
    return ["mechamap", "notes", source_of(run.path), "write", "--neuron", neuron, f"--note={note}"]


def set_kept(run: Run, name: str, neurons: Sequence[str], note: str, *, replaced: bool) -> list[str]:
    """Neurons were kept as a named set."""
    words = ["mechamap", "sets", source_of(run.path), "add", name, *_neurons(neurons)]
    words += [f"--note={note}"] if note else []
    return [*words, "--overwrite"] if replaced else words


def probed(run: Run, neuron: str, text: str) -> list[str] | None:
    """A neuron was asked with a sentence."""
    if text == "-":
        return None
    return ["mechamap", "probe", source_of(run.path), "--neuron", neuron, f"--text={text}"]


def page_written(run: Run, neurons: Sequence[str], category: str, format: str, out: Path) -> list[str]:
    """A page to share was written."""
    words = ["mechamap", "report", source_of(run.path), *_neurons(neurons)]
    words += [f"--category={category}"] if category else []
    return [*words, "--format", format, f"--out={out}"]


def _neurons(names: Sequence[str]) -> list[str]:
    return [word for name in names for word in ("--neuron", name)]
