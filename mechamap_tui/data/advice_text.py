"""Advice of errors, plans and reports in the explorer's terms: fields and keys where the command line has flags."""

from __future__ import annotations

import re
from dataclasses import fields

from mechamap.config.scan_config import ScanConfig
from mechamap.errors import MechaMapError
from mechamap.wording.advice import (
    ABLATE,
    COMPARE,
    CONFIRM,
    CONFIRM_ANY,
    IN_REPORTS,
    RESUME,
    Action,
    Advice,
    Hint,
    Part,
)
from mechamap_tui.data.form_fields import FIELDS

__all__ = ["error_text", "explorer_words", "hint_text", "report_text"]


_LABELS = {field.name: field.label for field in FIELDS if field.flag}
_CONFIG_KEYS = frozenset(field.name for field in fields(ScanConfig))
_ACTIONS = {
    CONFIRM: "V (confirm run)",
    CONFIRM_ANY: "V (confirm run)",
    ABLATE: "A (estimate causes)",
    COMPARE: "d (compare)",
    RESUME: "R (resume the scan)",
    Action("export RUN --out FILE.csv"): "e (export)",
    Action("runs"): "the start screen",
}
# What the explorer has for these flags; the sentence about the model of a CSV says itself that it is about a command.
_SETTINGS = {
    "by": "{value} (f)",
    "words": "m",
    "overwrite": "enter, then Overwrite",
    "no_bos": "`add_bos: false` in the config file",
    "model": "`mechamap interpret FILE.csv --model {value}`",
}
# The commands with the flags for which the explorer has nothing.
_COMMANDS = {"as": "compare A B", "out": "scan MODEL", "resume": "scan MODEL --out DIR"}


def hint_text(hint: Hint) -> str:
    """A hint in the explorer's words."""
    return hint.worded(explorer_words) if isinstance(hint, Advice) else hint


def error_text(error: MechaMapError) -> str:
    """What happened and what to do, on one line."""
    return f"{error.message} {hint_text(error.hint)}".strip()


def report_text(text: str) -> str:
    """A text of a report, which has the words of the command line."""
    return _IN_REPORTS.sub(lambda match: _WORDS[match[0]], text)


def explorer_words(part: Part) -> str:
    """``Dtype: bfloat16``; what has neither field nor key here is told as a command, and that it is one."""
    if isinstance(part, Action):
        if part.program == "mechamap-tui":
            return "enter on the start screen"
        return _ACTIONS.get(part) or f"{part} on the command line"
    if label := _LABELS.get(part.key):
        return f"{label}: {part.value}" if part.value else label
    if words := _SETTINGS.get(part.key):
        return words.format(value=part.value)
    if part.key in _CONFIG_KEYS:
        return f"`{part.key}: {part.value or 'true'}` in the config file"
    return f"`mechamap {_COMMANDS.get(part.key, '...')} {part.flag}` on the command line"


_WORDS = {
    spelled: words
    for part in IN_REPORTS
    for spelled, words in (
        (f"({part}", f"({explorer_words(part).partition(' (')[0]}"),  # no parentheses inside others: the key alone
        (f"`{part}`", explorer_words(part)),
        (str(part), explorer_words(part)),
    )
}
_IN_REPORTS = re.compile("|".join(map(re.escape, _WORDS)))
