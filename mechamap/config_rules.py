"""What each key of a config may hold: one reader a key, from a located value to the value the scan uses."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from mechamap.choices import KEEP_ACTIVATIONS
from mechamap.config_model import read_device, read_device_map, read_neurons, read_quantize, read_revision
from mechamap.config_yaml import Located, fail, shortened
from mechamap.errors import TextError
from mechamap.paths import user_path
from mechamap.text_source import read_text_file

__all__ = [
    "SETTINGS",
    "layer_ranges",
    "read_categories",
    "read_contrast",
    "read_extend",
    "read_templates",
    "read_texts",
    "unknown_key",
]

_LAYERS_EXPECTED = '"all", or layers and ranges such as "0-5,11"'


def unknown_key(key: str, value: Located, known: Iterable[str], inside: str = "") -> NoReturn:
    """Raise the ConfigError for a key that nothing reads, suggesting the nearest that exists."""
    names = list(known)
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.6)
    hint = f'Did you mean "{near[0]}"?' if near else ""
    fail(value.key_where or value.where, f'unknown key "{shortened(key)}"{inside}', f"one of {', '.join(names)}", hint)


# --- settings of one value ------------------------------------------------------------------------------


def _whole_number(
    least: int, most: int | None = None, *, or_null: bool = False
) -> Callable[[Located, str], int | None]:
    expected = f"a whole number from {least} to {most}" if most else f"a whole number of at least {least}"
    expected += " or null" if or_null else ""

    def read(at: Located, key: str) -> int | None:
        value = at.value
        if value is None and or_null:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            fail(at, f"{key} is {at.described()}", expected)
        if value < least or (most is not None and value > most):
            fail(at, f"{key} is {value}", expected)
        return value

    return read


def _finite_number(at: Located, key: str) -> float:
    value = at.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        fail(at, f"{key} is {at.described()}", "a number such as 0.2")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        fail(at, f"{key} is {shortened(at.written)}", "a finite number such as 0.2")
    return number


def _yes_or_no(at: Located, key: str) -> bool:
    if not isinstance(at.value, bool):
        fail(at, f"{key} is {at.described()}", "true or false")
    return at.value


def _one_of(*choices: str) -> Callable[[Located, str], str]:
    aliases = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "half": "float16"}

    def read(at: Located, key: str) -> str:
        if isinstance(at.value, str) and at.value in choices:
            return at.value
        given = at.written.lower()
        near = [alias for alias in [aliases.get(given, given)] if alias in choices]
        near = near or difflib.get_close_matches(given, choices, n=1)
        hint = f'Did you mean "{near[0]}"?' if near else ""
        fail(at, f"{key} is {at.described()}", f"one of {', '.join(choices)}", hint)

    return read


def layer_ranges(spec: str) -> tuple[tuple[int, int], ...] | None:
    """The inclusive ranges of ``0-5,11``; None for ``all``.

    Raises:
        ValueError: the expression cannot be read; its two arguments say what was found and what was expected.
    """
    if spec.strip().lower() == "all":
        return None
    ranges = []
    for part in spec.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,9})\s*(?:-\s*([0-9]{1,9})\s*)?", part)
        if match is None:
            found = f'"{shortened(part)}"' if part.strip() else "an empty part"
            raise ValueError(f'{found} in the layers "{shortened(spec)}"', _LAYERS_EXPECTED)
        first = int(match[1])
        last = int(match[2]) if match[2] is not None else first
        if last < first:
            raise ValueError(f'the range "{part.strip()}" runs backwards', f'"{last}-{first}"')
        ranges.append((first, last))
    return tuple(ranges)


def _layers(at: Located, key: str) -> str:
    if isinstance(at.value, bool | float | list | dict) or at.value is None:
        fail(at, f"{key} is {at.described()}", _LAYERS_EXPECTED)
    try:
        layer_ranges(at.written)
    except ValueError as error:
        fail(at, *error.args)
    return "".join(at.written.split())


SETTINGS: dict[str, Callable[[Located, str], object]] = {
    "threshold": _finite_number,
    "top_k_tokens": _whole_number(1, 1000),
    "pooling": _one_of("last", "mean", "max"),
    "add_bos": _yes_or_no,
    "exclude_first_position": _yes_or_no,
    "exclude_special_tokens": _yes_or_no,
    "window": _whole_number(8),
    "layers": _layers,
    "limit_neurons": _whole_number(1, or_null=True),
    "neurons": read_neurons,
    "dtype": _one_of("auto", "float32", "bfloat16", "float16"),
    "device": read_device,
    "device_map": read_device_map,
    "quantize": read_quantize,
    "revision": read_revision,
    "trust_remote_code": _yes_or_no,
    "keep_activations": _one_of(*KEEP_ACTIVATIONS),
}


# --- categories and texts -------------------------------------------------------------------------------


def read_extend(at: Located) -> bool:
    """``extend: default``: whether the default categories are kept."""
    if at.value is None:
        return False
    if at.value != "default":
        fail(at, f"extend is {at.described()}", "default", "Leave the line out to replace the categories.")
    return True


def read_categories(at: Located) -> dict[str, tuple[str, ...]]:
    """The words of each category, by name: ``name: {words: [...]}`` or ``name: [...]``."""
    example = 'a mapping such as "weather: {words: [rain, snow]}"'
    if not isinstance(at.value, dict) or not at.value:
        fail(at, f"categories is {at.described()}", example)
    return {_category_name(name, entry): _words(name, entry) for name, entry in at.value.items()}


def _category_name(name: str, entry: Located) -> str:
    if not name or name != name.strip() or not name.isprintable():
        hint = "It becomes a column and a word in filters."
        fail(entry.key_where or entry.where, f"the category name {name!r}", "a printable name", hint)
    return name


def _words(name: str, entry: Located) -> tuple[str, ...]:
    expected = f"its words, as in words: [{name}, ...]" if name.isalpha() else "its words, as in words: [rain, snow]"
    if isinstance(entry.value, dict) and entry.value:
        for key, value in entry.value.items():
            if key != "words":
                unknown_key(key, value, ["words"], f" in the category {name}")
        entry = entry.value["words"]
    if not isinstance(entry.value, list) or not entry.value:
        fail(entry, f"the category {name} has {entry.described()}", expected)
    return _each_once(f"the category {name}", entry.value)


def read_contrast(at: Located) -> tuple[str, ...]:
    """The words of no category; the list may be empty."""
    if not isinstance(at.value, list):
        fail(at, f"contrast is {at.described()}", "a list of words of no category, such as [table, window]")
    return _each_once("contrast", at.value)


def _each_once(where: str, items: Iterable[Located]) -> tuple[str, ...]:
    words: dict[str, str] = {}
    for item in items:
        word = _word(where, item)
        if (earlier := words.get(word.casefold())) is not None:
            hint = f'"{earlier}" is in the list already.'
            if earlier != word:
                hint += " A word in lower case matches in any case."
            fail(item, f'the word "{word}" of {where} a second time', "each word once", hint)
        words[word.casefold()] = word
    return tuple(words.values())


def _word(where: str, item: Located) -> str:
    if isinstance(item.value, bool):
        hint = f'YAML reads {item.written} as yes or no. Put it in quotes: "{item.written}".'
        fail(item, f"a word of {where} is {item.described()}", "a word", hint)
    word = " ".join(item.written.split())  # any run of blanks matches any run of blanks in the text
    if isinstance(item.value, list | dict) or item.value is None or not word:
        fail(item, f"a word of {where} is {item.described()}", "a word")
    return word


def read_templates(at: Located) -> tuple[str, ...]:
    """The carrier sentences, each with one ``{}`` where the word goes."""
    expected = 'a list of sentences with {} for the word, such as "The next word is {}"'
    if not isinstance(at.value, list) or not at.value:
        fail(at, f"templates is {at.described()}", expected)
    templates: list[str] = []
    for item in at.value:
        if not isinstance(item.value, str) or item.value.count("{}") != 1:
            hint = "A sentence that holds {} must stand in quotes." if isinstance(item.value, dict) else ""
            fail(item, f"a template is {item.described()}", 'a sentence with one {}, as in "The next word is {}"', hint)
        sentence = " ".join(item.value.split())
        if sentence in templates:
            fail(item, f'the template "{shortened(sentence)}" a second time', "each sentence once")
        templates.append(sentence)
    return tuple(templates)


def read_texts(at: Located, folder: Path) -> tuple[str, ...]:
    """The texts themselves; ``{file: path}`` is read, relative to ``folder``."""
    expected = "a text, or a list of texts and {file: path}"
    items = at.value if isinstance(at.value, list) else [at]
    if not items:
        fail(at, "texts is an empty list", expected)
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
            fail(file, error.message.removesuffix("."), "a readable text file in UTF-8", error.hint)
    if not isinstance(item.value, str) or not item.value.strip():
        fail(item, f"a text is {item.described()}", expected)
    return item.value.rstrip("\n")
