"""A config file as a tree of values that know where they stand, so that a mistake can name file, line and column.

A plain mapping (from run.json, from a request) becomes the same tree, its positions being key paths; the rules in
:mod:`mechamap.config.settings` are written once, for both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import yaml

from mechamap.errors import ConfigError
from mechamap.wording.advice import Action, Advice, Hint
from mechamap.wording.plain import shortened

__all__ = ["Located", "LocatedValue", "dump", "fail", "from_plain", "from_yaml", "read_config_file"]


def read_config_file(path: Path) -> Located:
    """The values of a YAML file.

    Raises:
        ConfigError: it is missing, unreadable, or not YAML in UTF-8.
    """
    return from_yaml(_text(path), str(path))


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        hint = Advice.of("{} writes one to start from.", Action("config init"))
        raise ConfigError.at(str(path), "no such file", "a config in YAML", hint) from None
    except IsADirectoryError:
        raise ConfigError.at(str(path), "a folder", "a config file in YAML") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: cannot be read ({reason})", "Check the path and its rights.") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8")) + 1
        place, problem = f"{path}:{line}:{column}", f"byte 0x{data[error.start]:02x}"
        raise ConfigError.at(place, problem, "UTF-8 text", "Save the file as UTF-8.") from None


LocatedValue: TypeAlias = "str | int | float | bool | list[Located] | dict[str, Located] | None"

# libyaml's loader is ten times faster; PyYAML may have been built without it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")  # YAML 1.1 reads 1e-3 as text


@dataclass(frozen=True, slots=True)
class Located:
    """A value and where it was written (``file:line:column``, or a key path)."""

    value: LocatedValue
    where: str
    written: str = ""  # a scalar's own spelling: YAML reads 007 as a number, a word list wants "007"
    key_where: str = ""  # where the key in front of it was written

    def described(self) -> str:
        """The value in words, for "what was found"."""
        value = self.value
        if isinstance(value, str):
            return f'the text "{shortened(value)}"' if value.strip() else "an empty text"
        if isinstance(value, list | dict):
            kind = "list" if isinstance(value, list) else "mapping"
            return f"a {kind}" if value else f"an empty {kind}"
        if isinstance(value, bool):
            return f"the yes-or-no value {self.written}"
        return "nothing" if value is None else f"the number {shortened(self.written)}"


def fail(place: Located | str, problem: str, expected: str, hint: Hint = "") -> NoReturn:
    """Raise the ConfigError ``where: found, expected ...``."""
    if isinstance(place, Located):
        # A value left out has no place of its own worth pointing at; its key has.
        place = place.key_where if place.value is None and not place.written and place.key_where else place.where
    raise ConfigError.at(place, problem, expected, hint)


def from_yaml(text: str, source: str) -> Located:
    """The tree of one YAML document; an empty document is an empty mapping.

    Raises:
        ConfigError: bad syntax, a key given twice, a value that contains itself.
    """
    try:
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, source) from None
    except yaml.YAMLError as error:
        position = getattr(error, "position", 0)
        before = text[: position if isinstance(position, int) else 0]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        fail(
            f"{source}:{line}:{column}",
            "a character that YAML does not allow",
            "printable text",
            "Remove it, or write it as an escape in double quotes.",
        )
    if node is None:
        return Located({}, f"{source}:1:1")
    return _Reader(source).located(node)


def _syntax_error(error: yaml.MarkedYAMLError, source: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
    problem = " ".join(str(error.problem or error.context or "a mistake").split())
    hint = "Check the indentation, and put quotes around text that contains ': ' or ' #' or begins with a sign."
    if "\\t" in problem:
        hint = "YAML is indented with spaces; replace the tab."
    return ConfigError.at(place, problem, "valid YAML", hint)


class _Reader:
    """Turns yaml's nodes into Located values, each node once (an alias leads to the same value)."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.done: dict[int, Located] = {}
        self.open: set[int] = set()

    def where(self, node: yaml.Node) -> str:
        return f"{self.source}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"

    def located(self, node: yaml.Node) -> Located:
        if (known := self.done.get(id(node))) is not None:
            return known
        if id(node) in self.open:
            fail(self.where(node), "a value that contains itself", "a value without a loop of aliases")
        self.open.add(id(node))
        value: LocatedValue
        if isinstance(node, yaml.MappingNode):
            value = self.mapping(node)
        elif isinstance(node, yaml.SequenceNode):
            value = [self.located(item) for item in node.value]
        else:
            assert isinstance(node, yaml.ScalarNode)
            value = _scalar(node)
        self.open.discard(id(node))
        written = node.value if isinstance(node, yaml.ScalarNode) else ""
        self.done[id(node)] = located = Located(value, self.where(node), written)
        return located

    def mapping(self, node: yaml.MappingNode) -> dict[str, Located]:
        tree: dict[str, Located] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                fail(self.where(key), "a key that is not text", "a name")
            if key.value in tree:
                hint = f"It stands in line {lines[key.value]} already; keep one of the two."
                fail(self.where(key), f'the key "{shortened(key.value)}" a second time', "each key once", hint)
            lines[key.value] = key.start_mark.line + 1
            tree[key.value] = replace(self.located(value), key_where=self.where(key))
        return tree


def _scalar(node: yaml.ScalarNode) -> str | int | float | bool | None:
    text: str = node.value
    match node.tag.removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return text.lower() in ("yes", "true", "on")
        case "int" | "float":
            return _number(text.replace("_", ""), text)
    if not node.style and _EXPONENT.fullmatch(text):
        return float(text)
    return text


def _number(digits: str, text: str) -> int | float | str:
    # Base 10 first: YAML 1.1 would read 010 as 8 and 1:30 as 90, which nobody means here.
    for read in (int, lambda it: int(it, 0), float, lambda it: float(it.replace(".", "", 1))):
        try:
            return read(digits)
        except ValueError:
            continue
    return text


def from_plain(data: object, where: str) -> Located:
    """The tree of plain Python values (as ``json.load`` gives them); ``where`` is the key path so far, or ``source: ``.

    Raises:
        ConfigError: a value that YAML or JSON could not hold.
    """
    match data:
        case Located():
            return data
        case bool() | None:
            return Located(data, where, str(data).lower() if data is not None else "null")
        case str() | int() | float():
            return Located(data, where, str(data))
        case Mapping():
            dot = "" if where == "" or where.endswith(": ") else "."
            items = {str(key): from_plain(value, f"{where}{dot}{key}") for key, value in data.items()}
            return Located(items, where.removesuffix(": "))
        case Sequence():
            return Located([from_plain(item, f"{where}[{n}]") for n, item in enumerate(data)], where)
    fail(where, f"a {type(data).__name__}", "text, a number, a list or a mapping")


class _Flow(list[str]):
    """A list to be written as [a, b, c]."""


class _Dumper(yaml.SafeDumper):
    """Word lists in brackets, long texts as blocks."""


_Dumper.add_representer(_Flow, lambda dumper, data: dumper.represent_sequence(_TAG + "seq", data, flow_style=True))


_OTHER_BREAKS = "\x85\u2028\u2029"


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    if any(break_ in text for break_ in _OTHER_BREAKS):  # YAML reads them back as spaces unless they are escaped
        style = '"'
    if _EXPONENT.fullmatch(text):  # text to YAML 1.1, a number to _scalar
        style = "'"
    return dumper.represent_scalar(_TAG + "str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def dump(data: Mapping[str, Any]) -> str:
    """``data`` (as ``config_to_dict`` gives it) as YAML to read and edit."""
    categories = {name: {"words": _Flow(entry["words"])} for name, entry in data["categories"].items()}
    text: str = yaml.dump(
        {**data, "categories": categories, "contrast": _Flow(data["contrast"])},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return text
