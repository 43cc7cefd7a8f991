"""Keys that would do two things on one screen: which lines of a file stand, and which do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from mechamap.config.keys.catalogue import ActionName, key_sections
from mechamap.config.keys.spelling import key_text

__all__ = ["standing"]

Keys = Mapping[ActionName, tuple[str, ...]]


def standing(
    lines: Mapping[ActionName, tuple[int, tuple[str, ...]]],
) -> tuple[dict[ActionName, tuple[str, ...]], list[tuple[int, str]]]:
    """The keys of those lines that can stand beside each other and the default, and what is wrong with the others.

    Where two lines clash the later one falls; its action goes back to its default keys, which may clash with another
    line in turn, so that it is looked again until all is well.

    Args:
        lines: line number and key codes by action.
    """
    defaults = {(section.name, action.name): action.keys for section in key_sections() for action in section.actions}
    kept = dict(lines)
    problems: list[tuple[int, str]] = []
    while True:
        keys = defaults | {action: codes for action, (_, codes) in kept.items()}
        clashes = [clash for clash in _clashes(keys) if _is_new(clash, kept, defaults)]
        if not clashes:
            return {action: codes for action, (_, codes) in kept.items()}, problems
        last, first, one, other = max(
            (
                (a, b, one, other) if a in kept and (b not in kept or kept[a][0] > kept[b][0]) else (b, a, other, one)
                for a, b, one, other in clashes
            ),
            key=lambda clash: kept[clash[0]][0],
        )
        problems.append((kept.pop(last)[0], _told(last, first, one, other)))


def _clashes(keys: Keys) -> Iterator[tuple[ActionName, ActionName, str, str]]:
    """Pairs of actions on one screen, each with a key, of which one is the other or begins it."""
    inside = {section.name: section.inside for section in key_sections()}
    for a, b in combinations(keys, 2):
        if a[0] == b[0] or b[0] in inside[a[0]] or a[0] in inside[b[0]]:
            for one in keys[a]:
                for other in keys[b]:
                    if f"{other} ".startswith(f"{one} ") or f"{one} ".startswith(f"{other} "):
                        yield a, b, one, other


def _is_new(clash: tuple[ActionName, ActionName, str, str], kept: Mapping[ActionName, object], defaults: Keys) -> bool:
    """Whether a clash comes from a line of the file: by default the nearer of two parts has some keys for itself."""
    a, b, one, other = clash
    return (a in kept or b in kept) and not (one in defaults[a] and other in defaults[b])


def _told(last: ActionName, first: ActionName, one: str, other: str) -> str:
    where = f"{last[0]}, {last[1]}: {key_text(one)}"
    of_first = f"{first[0]}, {first[1]}"
    if one == other:
        return f"{where} is a key of {of_first} on the same screen. Choose another key, or change that line too."
    if one.startswith(other):
        return f"{where} begins with {key_text(other)}, which is a key of {of_first} on the same screen."
    return f"{where} begins the chord {key_text(other)} of {of_first} on the same screen."
