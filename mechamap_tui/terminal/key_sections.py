"""The screens and parts of the explorer as a file of keys names them, and the action that each binding stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode

from mechamap.config.keys.catalogue import ActionName

__all__ = ["EVERYWHERE", "SECTIONS", "Section", "action_names", "own_bindings", "own_bindings_of"]


EVERYWHERE = "everywhere"


class Section(NamedTuple):
    """A part of the explorer that has keys.

    Attributes:
        name: as a file of keys calls it.
        about: what it is.
        inside: the sections whose keys work there too.
    """

    name: str
    about: str
    inside: tuple[str, ...] = ()


_SCREEN = (EVERYWHERE,)
_PANE = ("browse", EVERYWHERE)
# By the class that has the bindings, in the order of a file.
SECTIONS: Mapping[str, Section] = {
    "MechaMapApp": Section(EVERYWHERE, "on every screen"),
    "StartScreen": Section("start", "the start screen", _SCREEN),
    "BrowseScreen": Section("browse", "a run, whichever pane has the focus", _SCREEN),
    "LineTable": Section(
        "tables", "moving in the table of neurons and in those of reports", (*_PANE, "report", "compare", "counts")
    ),
    "NeuronTable": Section("neurons", "the table of neurons", ("columns", "tables", *_PANE)),
    "ColumnKeys": Section("columns", "the columns of that table", ("tables", *_PANE)),
    "LayerList": Section("layers", "the list of layers", _PANE),
    "DetailPane": Section("detail", "the pane about one neuron", _PANE),
    "ContextView": Section("contexts", "the tab contexts of that pane", ("detail", *_PANE)),
    "NotesView": Section("notes", "the tab notes of that pane", ("detail", *_PANE)),
    "CategoryPane": Section("categories", "the pane of categories", _PANE),
    "LineView": Section(
        "lines", "panes and pages of lines, where they have no keys of their own", ("detail", "steer", *_PANE)
    ),
    "ProbeScreen": Section("probe", "a neuron asked with sentences", _SCREEN),
    "SimilarScreen": Section("similar", "the neurons most like one"),
    "SteerScreen": Section("steer", "neurons turned up and down", _SCREEN),
    "LadderView": Section("ladder", "the strengths on that screen", ("lines", "steer", EVERYWHERE)),
    "ReportScreen": Section("report", "reports: interpret and compare", _SCREEN),
    "CompareScreen": Section("compare", "what a comparison has besides", ("report", EVERYWHERE)),
    "CountsScreen": Section("counts", "how many neurons of each kind there are", _SCREEN),
    "ReportTable": Section("report_table", "a report's table", ("tables", "report", "compare", "counts", EVERYWHERE)),
    "ScanScreen": Section("scan", "the progress of a scan", _SCREEN),
    "ScanFormScreen": Section("form", "the form of a scan"),
    "RunChoice": Section("run_choice", "the choice of runs to compare"),
    "ReadingScreen": Section("reading", "while a CSV is read"),
    "ConfirmRunScreen": Section("confirm_run", "what a confirmation includes"),
    "AblationScreen": Section("ablation", "what the model loses without a neuron"),
    "FileDialog": Section("file", "where to write a file"),
    "ListDialog": Section("lists", "moving in the lists of columns and of named views", ("column_list", "views")),
    "ColumnsDialog": Section("column_list", "the list of columns", ("lists",)),
    "ViewsDialog": Section("views", "the list of named views", ("lists",)),
    "PickScreen": Section("pick", "a choice among several"),
    "ConfirmScreen": Section("question", "a question of yes or no"),
    "ErrorScreen": Section("error", "an error"),
    "LogPage": Section("log", "what this session did", ("lines", "page")),
    "TextPage": Section("page", "about the run, and other pages of text", ("lines",)),
    "WindowPage": Section("window", "the window of a context", ("lines",)),
    "HelpScreen": Section("help", "the help"),
    "Prompt": Section("prompt", "the line at the bottom that asks"),
    "Choice": Section("choice", "a field with a few choices"),
}


def action_names(part: type[DOMNode], app: type[DOMNode]) -> list[tuple[Binding, ActionName]]:
    """The bindings of a screen or widget that a file can change, each with its section and action.

    Args:
        app: the class of the app, whose actions keep their name where a screen binds their keys again.
    """
    everywhere = {(binding.key, binding.action): binding for binding in own_bindings_of(app)}
    named: list[tuple[Binding, ActionName]] = []
    for owner in part.__mro__:
        if not _is_ours(owner):
            continue
        for binding in own_bindings_of(owner):
            if any((binding.key, binding.action) == (other.key, other.action) for other, _ in named):
                continue
            # Where a subclass lists the bindings of its base again, they are those of the base.
            first = [base for base in part.__mro__ if _is_ours(base) and _binds(base, binding)][-1]
            of_app = everywhere.get((binding.key, binding.action.removeprefix("app.")))
            if of_app is not None:
                named.append((binding, (EVERYWHERE, _name(of_app))))
            else:
                named.append((binding, (_section(first), _name(binding))))
    return named


@cache
def own_bindings_of(owner: type) -> tuple[Binding, ...]:
    """The bindings that a class itself lists, one for each key."""
    return tuple(Binding.make_bindings(vars(owner).get("BINDINGS", ())))


def own_bindings(
    bindings: Mapping[str, Sequence[Binding]],
    names: Iterable[tuple[Binding, ActionName]],
    keys: Mapping[ActionName, tuple[str, ...]],
) -> dict[str, list[Binding]]:
    """The bindings of a screen or widget with a user's own keys in place of the default, in the same order.

    Args:
        bindings: by key.
        names: what :func:`action_names` says about its class.
        keys: the codes of the user's keys, for actions that have others than the default.
    """
    known = {(binding.key, binding.action): name for binding, name in names}
    changed: dict[str, list[Binding]] = {}
    done: set[tuple[ActionName, str]] = set()
    for key, bound in bindings.items():
        for binding in bound:
            name = known.get((binding.key, binding.action))
            if name is None or name not in keys:
                changed.setdefault(key, []).append(binding)
            elif (name, binding.action) not in done:
                done.add((name, binding.action))
                for own in keys[name]:
                    changed.setdefault(own, []).append(_with_key(binding, own))
    return changed


def _with_key(binding: Binding, key: str) -> Binding:
    from dataclasses import replace

    # A chord is not looked for before a widget has had its first key.
    return replace(binding, key=key, key_display=None, priority=binding.priority and " " not in key)


def _is_ours(owner: type) -> bool:
    return owner.__module__.startswith("mechamap_tui.")


def _binds(owner: type, binding: Binding) -> bool:
    return any((other.key, other.action) == (binding.key, binding.action) for other in own_bindings_of(owner))


def _section(owner: type) -> str:
    known = SECTIONS.get(owner.__name__)
    return known.name if known else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", owner.__name__.removesuffix("Screen")).lower()


def _name(binding: Binding) -> str:
    return binding.id or re.sub(r"[^a-z0-9]+", "_", binding.description.lower()).strip("_")
