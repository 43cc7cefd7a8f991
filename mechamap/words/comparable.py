"""A text as its words are compared: what is written alike is spelled alike, and every place in the original is known.

Composed and decomposed letters, typographic and plain apostrophes and hyphens, one blank and several are the same;
soft hyphens and variation selectors are left away. Grapheme clusters stay whole.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field

import regex

from mechamap.words.characters import CONTINUOUS, IGNORED, Kind, kind_of
from mechamap.words.clusters import BEGINS_CLUSTER, CLUSTER, EXTENDS_CLUSTER

__all__ = ["ComparableText", "comparable", "comparable_word", "folded", "is_in_lower_case"]


_BEGINS = rf"[\p{{NFC_QC=No}}||{BEGINS_CLUSTER}||{IGNORED}]"
_LINE_BREAK = rf"(?<={CONTINUOUS})(?P<nothing>\u200b)(?={CONTINUOUS})"  # one that is permitted, not one that is there
_BLANK = r"[\s\x1c-\x1f]"
_TYPOGRAPHIC = {"‘": "'", "’": "'", "‛": "'", "＇": "'", "‐": "-", "‑": "-", "﹣": "-", "－": "-"}

# What may have to be written otherwise; everything between two matches is taken as it is. Each line begins with plain
# ranges that hold what follows: properties of characters are slow to look up, and most characters need none.
_PARTS = regex.compile(
    rf"""
    (?=[\x00-\x20\x85\xa0\u1680-\u3000])
     (?P<blank>{_BLANK}(?:{_BLANK}|(?=[\xad\u0300-\U0010ffff]){IGNORED})+|(?!\ ){_BLANK})(?!{EXTENDS_CLUSTER})
    |(?=.[\u0300-\U0010ffff])(?=.{EXTENDS_CLUSTER})(?P<cluster>{CLUSTER})
    |(?=[\xad\u0300-\U0010ffff])(?:(?P<sign>[{"".join(_TYPOGRAPHIC)}])|{_LINE_BREAK}|(?={_BEGINS})(?P<cluster>{CLUSTER}))
    """,
    regex.VERSION1 | regex.DOTALL | regex.VERBOSE,
)
_ASCII_PARTS = regex.compile(rf"(?P<blank>{_BLANK}{{2,}}|(?!\ ){_BLANK})")
_IGNORED = regex.compile(IGNORED, regex.VERSION1)


@dataclass(slots=True)
class ComparableText:
    """A text as words are looked for in it.

    Attributes:
        exact: the text, with the case of its letters.
        folded: the same without case, character by character.
    """

    exact: str
    folded: str
    _inside: bytearray  # [characters + 1] 1 where a grapheme cluster would be cut; empty where it never would
    # Stretches that were written otherwise: their places in ``exact``, and in the original
    _starts: list[int] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)
    _original_starts: list[int] = field(default_factory=list)
    _original_ends: list[int] = field(default_factory=list)

    def cuts_cluster(self, place: int) -> bool:
        """Whether a grapheme cluster stands on both sides of a place in ``exact``."""
        return bool(self._inside and self._inside[place])

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``exact[start:end]``, whole clusters, stands in the original."""
        return self._original_start(start), self._original_end(end)

    def _original_start(self, place: int) -> int:
        number = bisect_right(self._starts, place) - 1
        if number < 0:
            return place
        if place < self._ends[number]:
            return self._original_starts[number]
        return self._original_ends[number] + place - self._ends[number]

    def _original_end(self, place: int) -> int:
        number = bisect_right(self._starts, place - 1) - 1
        if number < 0:
            return place
        return self._original_ends[number] + max(place - self._ends[number], 0)


def comparable(text: str) -> ComparableText:
    """A text of any length made comparable; takes time in proportion to its length."""
    parts: list[str] = []
    result = ComparableText("", "", bytearray())
    clusters: list[tuple[int, int]] = []  # of several characters, in the new text
    written: dict[str, str] = {}
    length = done = 0
    for match in (_ASCII_PARTS if text.isascii() else _PARTS).finditer(text):
        start, end = match.span()
        original = match.group()
        if (new := written.get(original)) is None:
            new = written[original] = _rewritten(original, match.lastgroup or "")
        if new.endswith("\u200c") and (end == len(text) or kind_of(text[end]) is Kind.OTHER):
            new = new[:-1]  # a joiner that has nothing to keep apart
        parts += [text[done:start], new]
        length += start - done
        if new != original:
            result._starts.append(length)
            result._ends.append(length + len(new))
            result._original_starts.append(start)
            result._original_ends.append(end)
        if len(new) > 1:
            clusters.append((length, length + len(new)))
        length += len(new)
        done = end
    result.exact = "".join([*parts, text[done:]]) if parts else text
    result.folded = folded(result.exact)
    if clusters:
        result._inside = bytearray(len(result.exact) + 1)
        for start, end in clusters:
            result._inside[start + 1 : end] = b"\1" * (end - start - 1)
    return result


def comparable_word(word: str) -> str:
    """A word of a list as it is looked for; empty where it has no character that is seen."""
    return comparable(word).exact.strip(" \u200b")


def _rewritten(original: str, group: str) -> str:
    if group == "blank":
        return " "
    if group == "nothing":
        return ""
    if group == "sign":
        return _TYPOGRAPHIC[original]
    cluster = unicodedata.normalize("NFC", _IGNORED.sub("", original))
    cluster = cluster.replace("i\u0307", "i")  # what a Turkish capital I with a dot becomes in lower case
    return _TYPOGRAPHIC.get(cluster, cluster)


def folded(exact: str) -> str:
    """A comparable text without case; no character becomes two, so places stay what they are."""
    return exact.lower() if exact.isascii() else exact.translate(_FOLDED)


def is_in_lower_case(exact: str) -> bool:
    """Whether a comparable word has no capital letter and so matches in any case."""
    return exact == exact.lower()


class _Folding(dict[int, str]):
    """The folded form of each character by its code, worked out once. ß stays itself: it is another letter than ss."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        forms = (character.casefold(), character.lower(), "i" if character == "İ" else character)
        self[code] = next(form for form in forms if len(form) == 1)
        return self[code]


_FOLDED = _Folding()
