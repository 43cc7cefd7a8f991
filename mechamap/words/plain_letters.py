"""Text of which each character stands for itself: told without the library that knows all of Unicode's marks.

Loading that library takes longer than all else that a short text of this kind needs.
"""

from __future__ import annotations

__all__ = ["has_plain_letters"]


# Latin, Greek and Cyrillic without marks, punctuation, signs, Han, Hangul in syllables: first and last.
_RANGES = (
    (0x0000, 0x02FF),
    (0x0370, 0x0482),
    (0x048A, 0x052F),
    (0x2010, 0x2027),
    (0x2030, 0x205E),
    (0x20A0, 0x20CF),
    (0x2100, 0x28FF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),
)
_seen: set[str] = set()  # plain characters so far: a screen has some hundred, and `re` takes 3 ms for these ranges


def has_plain_letters(text: str) -> bool:
    """Whether each character of ``text`` is a grapheme cluster of its own, and as wide in any terminal.

    True is certain (a carriage return with a line end behind it aside); what is not known here is False.
    """
    if text.isascii():
        return True
    for character in set(text) - _seen:
        code = ord(character)
        if not any(first <= code <= last for first, last in _RANGES):
            return False
        _seen.add(character)
    return True
