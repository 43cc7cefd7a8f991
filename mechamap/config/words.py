"""The rules for what a config says in words: categories, contrast words, carrier sentences and texts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from mechamap.config.located import Located, fail
from mechamap.config.scan_config import Category
from mechamap.config.settings import unknown_key
from mechamap.errors import TextError
from mechamap.system.paths import user_path
from mechamap.system.text_files import read_text_file
from mechamap.wording.plain import shortened
from mechamap.words.known import KnownWords, word_key

__all__ = ["read_categories", "read_contrast", "read_extend", "read_templates", "read_texts"]


# --- categories and texts -------------------------------------------------------------------------------


def read_extend(entry: Located) -> bool:
    """``extend: default``: whether the default categories are kept."""
    if entry.value is None:
        return False
    if entry.value != "default":
        fail(entry, f"extend is {entry.described()}", "default", "Leave the line out to replace the categories.")
    return True


def read_categories(categories: Located) -> dict[str, Category]:
    """The categories by name: ``name: {words: [...], others: [...], near: [...]}`` or ``name: [...]``."""
    example = 'a mapping such as "weather: {words: [rain, snow]}"'
    if not isinstance(categories.value, dict) or not categories.value:
        fail(categories, f"categories is {categories.described()}", example)
    names: dict[str, str] = {}
    for name, entry in categories.value.items():
        if (earlier := names.setdefault(unicodedata.normalize("NFC", name), name)) != name:
            hint = f'"{earlier}" is the same in another encoding, composed or decomposed.'
            fail(entry.key_where or entry.where, f"the category {name} a second time", "each name once", hint)
    return {_category_name(name, entry): _category(name, entry) for name, entry in categories.value.items()}


def _category_name(name: str, entry: Located) -> str:
    if not name or name != name.strip() or not name.isprintable():
        hint = "It becomes a column and a word in filters."
        fail(entry.key_where or entry.where, f"the category name {name!r}", "a printable name", hint)
    return name


def _category(name: str, entry: Located) -> Category:
    if not isinstance(entry.value, dict) or not entry.value:
        return Category(name, _words(name, entry))
    for key, value in entry.value.items():
        if key not in _LISTS:
            unknown_key(key, value, _LISTS, f" in the category {name}")
    if "words" not in entry.value:
        fail(entry, f"the category {name} without words", _example(name))
    words = _words(name, entry.value["words"])
    known = KnownWords(words)
    lists = {key: _list(f"{key} of the category {name}", entry.value.get(key)) for key in _LISTS[1:]}
    for key, listed in lists.items():
        for item, word in listed:
            if known.like(word) is not None:
                fail(item, f'the word "{word}" in words and {key} of the category {name}', "each word in one of them")
    return Category(name, words, **{key: tuple(word for _, word in listed) for key, listed in lists.items()})


_LISTS = ("words", "others", "near")


def _list(owner: str, entry: Located | None) -> list[tuple[Located, str]]:
    """The words of a list that may be left out, each with its place."""
    if entry is None or entry.value is None:
        return []
    if not isinstance(entry.value, list):
        fail(entry, f"{owner} is {entry.described()}", "a list of words")
    return list(zip(entry.value, _each_once(owner, entry.value), strict=True))


def _example(name: str) -> str:
    return f"its words, as in words: [{name}, ...]" if name.isalpha() else "its words, as in words: [rain, snow]"


def _words(name: str, entry: Located) -> tuple[str, ...]:
    if not isinstance(entry.value, list) or not entry.value:
        fail(entry, f"the category {name} has {entry.described()}", _example(name))
    return _each_once(f"the category {name}", entry.value)


def read_contrast(entry: Located) -> tuple[str, ...] | None:
    """The words of no category; the list may be empty. None: they are drawn to match the categories' words."""
    if entry.value in (None, "matched"):
        return None
    if not isinstance(entry.value, list):
        expected = "matched, or a list of words of no category, such as [table, window]"
        fail(entry, f"contrast is {entry.described()}", expected)
    return _each_once("contrast", entry.value)


def _each_once(owner: str, items: Iterable[Located]) -> tuple[str, ...]:
    words: list[str] = []
    known = KnownWords()
    for item in items:
        word = _word(owner, item)
        if (earlier := known.like(word)) is not None:
            hint = f'"{earlier}" is in the list already.{_why_alike(earlier, word)}'
            fail(item, f'the word "{word}" of {owner} a second time', "each word once", hint)
        known.add(word)
        words.append(word)
    return tuple(words)


def _why_alike(earlier: str, word: str) -> str:
    """A sentence on what makes two spellings one word, where they differ."""
    if earlier == word:
        return ""
    if word_key(earlier) != word_key(word) or earlier.lower() == word.lower():
        return " A word in lower case matches in any case."
    return " They differ only in how letters, apostrophes or hyphens are encoded, and match the same places of a text."


def _word(owner: str, item: Located) -> str:
    if isinstance(item.value, bool):
        hint = f'YAML reads {item.written} as yes or no. Put it in quotes: "{item.written}".'
        fail(item, f"a word of {owner} is {item.described()}", "a word", hint)
    word = " ".join(item.written.split())  # any run of blanks matches any run of blanks in the text
    if isinstance(item.value, list | dict) or item.value is None or not word:
        fail(item, f"a word of {owner} is {item.described()}", "a word")
    return word


def read_templates(entry: Located) -> tuple[str, ...]:
    """The carrier sentences, each with one ``{}`` where the word goes."""
    expected = 'a list of sentences with {} for the word, such as "The next word is {}"'
    if not isinstance(entry.value, list) or not entry.value:
        fail(entry, f"templates is {entry.described()}", expected)
    templates: list[str] = []
    for item in entry.value:
        if not isinstance(item.value, str) or item.value.count("{}") != 1:
            hint = "A sentence that holds {} must stand in quotes." if isinstance(item.value, dict) else ""
            fail(item, f"a template is {item.described()}", 'a sentence with one {}, as in "The next word is {}"', hint)
        sentence = " ".join(item.value.split())
        if sentence in templates:
            fail(item, f'the template "{shortened(sentence)}" a second time', "each sentence once")
        templates.append(sentence)
    return tuple(templates)


def read_texts(entry: Located, folder: Path) -> tuple[str, ...]:
    """The texts themselves; ``{file: path}`` is read, relative to ``folder``."""
    expected = "a text, or a list of texts and {file: path}"
    items = entry.value if isinstance(entry.value, list) else [entry]
    if not items:
        fail(entry, "texts is an empty list", expected)
    return tuple(_text(item, folder, expected) for item in items)


def _text(item: Located, folder: Path, expected: str) -> str:
    if isinstance(item.value, dict) and item.value:
        for key, value in item.value.items():
            if key != "file":
                unknown_key(key, value, ["file"], " in texts")
        file = item.value["file"]
        if not isinstance(file.value, str) or not file.value.strip():
            fail(file, f"the file of a text is {file.described()}", "a path")
        try:
            return read_text_file(folder / user_path(file.value))
        except TextError as error:
            fail(file, "a text that cannot be read", "a text file in UTF-8", f"{error.message} {error.hint}".strip())
    if not isinstance(item.value, str) or not item.value.strip():
        fail(item, f"a text is {item.described()}", expected)
    return item.value.rstrip("\n")
