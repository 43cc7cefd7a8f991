"""What errors and plans advise, in the explorer's terms: fields and keys where the command line has flags."""

from __future__ import annotations

from dataclasses import fields

from mechamap.config.scan_config import ScanConfig
from mechamap.errors import MechaMapError
from mechamap.wording.advice import Advice, Hint, Part, Setting
from mechamap_tui.data.form_fields import FIELDS

__all__ = ["error_text", "explorer_words", "hint_text"]


_LABELS = {field.name: field.label for field in FIELDS}
_CONFIG_KEYS = frozenset(field.name for field in fields(ScanConfig))
_KEYS = {"confirm": "V (confirm run)", "ablate": "a (ablate)"}


def hint_text(hint: Hint) -> str:
    """A hint as the explorer says it."""
    return hint.worded(explorer_words) if isinstance(hint, Advice) else hint


def error_text(error: MechaMapError) -> str:
    """What happened and what to do, on one line."""
    return f"{error.message} {hint_text(error.hint)}".strip()


def explorer_words(part: Part) -> str:
    """``Dtype: bfloat16``; a setting or command without a field or key here is written as on the command line."""
    if not isinstance(part, Setting):
        command = f"`mechamap {part.command}` on the command line"
        return command if "--text" in part.command else _KEYS.get(part.name, command)
    if label := _LABELS.get(part.key):
        return f"{label}: {part.value}" if part.value else label
    if part.key in _CONFIG_KEYS:
        return f"`{part.key}: {part.value or 'true'}` in the config file"
    return f"{part.flag} on the command line"
