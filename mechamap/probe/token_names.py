"""What a token of the vocabulary is called: its text, or where it is only a part of a character, its bytes."""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["token_name"]


_UNREADABLE = "\ufffd"


def token_name(tokenizer: Any, id: int) -> str:
    """The token's text; ``<F0 9F>`` of a part of a character, which all look alike as text."""
    text = str(tokenizer.decode([id]))
    if _UNREADABLE not in text:
        return text
    spelling = str(tokenizer.convert_ids_to_tokens(id))
    table = _bytes_of_letters()
    if not all(letter in table for letter in spelling):
        return spelling  # such as <0xF0>
    return f"<{' '.join(f'{table[letter]:02X}' for letter in spelling)}>"


@cache
def _bytes_of_letters() -> dict[str, int]:
    """The letters that byte-level vocabularies (GPT-2's and those like it) spell bytes with."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}
