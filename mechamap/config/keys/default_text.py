"""The default keys as a file to edit: every action with what it does, each line a comment until it is changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mechamap.config.keys.catalogue import KeySection, key_sections
from mechamap.config.keys.spelling import key_text

__all__ = ["default_text", "written_keys"]

HEAD = """\
# The keys of the explorer (mechamap-tui), which reads this file when it starts.
#
# Every action is listed with its default keys. To change one, take the # away in front of its line and write:
#   a key         a, A, "?", ctrl+x, alt+x, shift+tab, f5, enter, escape, space, pagedown
#   several       [q, escape]
#   a chord       "g g" or "ctrl+x s": keys pressed one after another
#   none          []
# A key does one thing on a screen: to give it to another action, change both lines. While a line is typed in, letters
# are text; only keys with ctrl or alt, function keys and those such as tab can be used there.
# `mechamap config keys --check` says which lines are wrong; for those the default keys stay.
"""
_PLAIN = re.compile(r"[A-Za-z0-9]+(\+[A-Za-z0-9]+)*")
_OTHER_VALUES = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))


def default_text() -> str:
    """The whole file; as it stands it changes nothing."""
    return "\n".join([HEAD, *(line for section in key_sections() for line in _section(section))])


def written_keys(codes: Sequence[str]) -> str:
    """Keys as YAML: ``"?"``, ``[q, escape]``."""
    texts = [_quoted(key_text(code)) for code in codes]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _section(section: KeySection) -> Iterator[str]:
    lines = [f"#  {action.name}: {written_keys(action.keys)}" for action in section.actions]
    width = min(max(map(len, lines)), 44)
    yield f"{section.name}:  # {section.about}"
    for line, action in zip(lines, section.actions, strict=True):
        yield f"{line.ljust(width)}  # {action.does}"
    yield ""


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _OTHER_VALUES:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
