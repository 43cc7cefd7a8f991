"""How a key is written in a file, and its code: the name that the explorer's terminal library gives it."""

from __future__ import annotations

import string
import unicodedata

from mechamap.wording.suggest import suggestion

__all__ = ["NotAKey", "key_codes", "key_text"]


_NAMED = {
    *("up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
    *("insert", "delete", "backspace", "enter", "tab", "escape", "space"),
} | {f"f{number}" for number in range(1, 25)}
_MODIFIERS = ("alt", "ctrl", "shift")
_OTHER_NAMES = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
# A terminal sends the same bytes for both.
_SAME = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+left_square_bracket": "escape", "ctrl+h": "backspace"}
_LONGEST = 4  # keys of a chord


class NotAKey(ValueError):
    """A text that names no key.

    Attributes:
        hint: what to write instead; may be empty.
    """

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


def key_codes(text: str) -> str:
    """The code of a key, or those of a chord with spaces between them: ``"ctrl+x ?"`` is ``ctrl+x question_mark``.

    Raises:
        NotAKey: it names none, or one that terminals do not tell from another.
    """
    words = text.split()
    if not words:
        raise NotAKey("an empty text is not a key", 'Write "space" for the space bar, [] for no key.')
    if len(words) > _LONGEST:
        raise NotAKey(f"a chord of {len(words)} keys", f"A chord has at most {_LONGEST} keys.")
    return " ".join(map(_code, words))


def key_text(codes: str) -> str:
    """A key or a chord as a file has it: ``question_mark`` is ``?``."""
    return " ".join(_text(code) for code in codes.split())


def _code(word: str) -> str:
    *before, last = word.split("+") if len(word) > 1 and not word.endswith("++") else (word,)
    if word.endswith("++"):  # ctrl++
        before, last = word[:-2].split("+"), "+"
    modifiers = {modifier.lower() for modifier in before}
    if unknown := sorted(modifiers - set(_MODIFIERS)):
        raise NotAKey(f'"{word}" is not a key', suggestion(unknown[0], _MODIFIERS) or "Modifiers are ctrl, alt, shift.")
    if len(last) == 1:
        last = _with_shift(last, modifiers, word)
    elif (last := last.lower()) not in _NAMED and last not in _CHARACTERS:
        close = suggestion(last, sorted(_NAMED))
        raise NotAKey(f'"{word}" is not a key', close or 'For keys one after another put spaces: "g g".')
    code = "+".join([*sorted(modifiers), last])
    if same := _SAME.get(code):
        raise NotAKey(f"a terminal cannot tell {word} from {same}", f"Write {same}, or choose another key.")
    return code


def _with_shift(character: str, modifiers: set[str], word: str) -> str:
    """The code of a character, ``shift`` being part of it; ctrl makes no difference between g and G."""
    if not character.isprintable():
        raise NotAKey("a character that cannot be seen is not a key")
    if "ctrl" in modifiers:
        return _character_code(character.lower())
    if "shift" in modifiers:
        if not character.isalpha():
            raise NotAKey(f'"{word}" is not a key', "Write the character that the two keys give, such as ?.")
        modifiers.discard("shift")
        character = character.upper()
    return _character_code(character)


def _character_code(character: str) -> str:
    if character.isalnum():
        return character
    name = unicodedata.name(character, character).lower().replace("-", "_").replace(" ", "_")
    return _OTHER_NAMES.get(name, name)


_CHARACTERS = {_character_code(character): character for character in string.punctuation}


def _text(code: str) -> str:
    *modifiers, last = code.split("+")
    return "+".join([*modifiers, _CHARACTERS.get(last, last)])
