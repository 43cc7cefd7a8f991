"""YAML read as located values."""

from __future__ import annotations

import errno
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from mechamap.config.located import Located, LocatedValue, fail
from mechamap.errors import ConfigError
from mechamap.system.bounded_files import read_at_most
from mechamap.system.content import why_not_text
from mechamap.system.paths import path_problem
from mechamap.wording.advice import Action, Advice
from mechamap.wording.plain import shortened

__all__ = ["EXPONENT", "TAG", "from_yaml", "read_config_file"]


# libyaml's loader is ten times faster; PyYAML may have been built without it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
TAG = "tag:yaml.org,2002:"
_DEEPEST = 20  # lists and mappings inside one another; a config needs four
_MOST_VALUES = 100_000
_MOST_ALIASES = 1_000
_LARGEST = 64_000_000  # bytes: what is larger is no config
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")  # YAML 1.1 reads 1e-3 as text


def read_config_file(path: Path) -> Located:
    """The values of a YAML file.

    Raises:
        ConfigError: it is missing, unreadable, or not YAML in UTF-8.
    """
    return from_yaml(_text(path), str(path))


def _text(path: Path) -> str:
    try:
        data = read_at_most(path, _LARGEST, or_pipe=True)
    except FileNotFoundError:
        hint = Advice.of("{} writes one to start from.", Action("config init"))
        raise ConfigError.at(str(path), "no such file", "a config in YAML", hint) from None
    except IsADirectoryError:
        raise ConfigError.at(str(path), "a folder", "a config file in YAML") from None
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.EFBIG:
            most = f"{_LARGEST // 10**6} MB"
            raise ConfigError.at(str(path), f"more than {most}", f"a config of at most {most}") from None
        reason, remedy = path_problem(error, "Check the path and its rights.")
        raise ConfigError(f"{path}: cannot be read ({reason})", remedy) from None
    if (problem := why_not_text(data)) is not None:
        if problem.offset is None:
            raise ConfigError.at(str(path), problem.what, "YAML as text in UTF-8", problem.hint)
        line = data.count(b"\n", 0, problem.offset) + 1
        before = data[data.rfind(b"\n", 0, problem.offset) + 1 : problem.offset]
        place = f"{path}:{line}:{len(before.decode('utf-8')) + 1}"
        raise ConfigError.at(place, problem.what, "YAML as text in UTF-8", problem.hint)
    return data.decode("utf-8-sig")


def from_yaml(text: str, source: str) -> Located:
    """The tree of one YAML document; an empty document is an empty mapping.

    Raises:
        ConfigError: bad syntax, a key given twice, a value that contains itself.
    """
    try:
        _refuse_if_too_much(text, source)
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, source) from None
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


def _refuse_if_too_much(text: str, source: str) -> None:
    """Refuse a document that is nested so deep, or so large, that making a tree of it would take down the process.

    Events come one at a time and need no stack, so that nothing behind the first thing that is too much is read.
    """
    depth = values = aliases = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        values += isinstance(event, yaml.NodeEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        for count, most, what in (
            (depth, _DEEPEST, "lists and mappings inside one another"),
            (values, _MOST_VALUES, "values"),
            (aliases, _MOST_ALIASES, "aliases (*name)"),
        ):
            if count > most:
                mark = event.start_mark
                place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
                fail(place, f"more than {most:,} {what}", "a config")


def _syntax_error(error: yaml.MarkedYAMLError, text: str, source: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
    problem = " ".join(str(error.problem or error.context or "a mistake").split())
    line = "".join(_LINE_END.split(text)[mark.line : mark.line + 1]) if mark else ""
    here = line[mark.column : mark.column + 1] if mark else ""
    hint = "Check the indentation, and put quotes around text that contains ': ' or ' #' or begins with a sign."
    if "\t" in line[: len(line) - len(line.lstrip())] + here:  # what libyaml and PyYAML say of it differs
        problem, hint = "a tab where YAML wants spaces", "YAML is indented with spaces; replace the tab."
    elif "cannot start any token" in problem and here:
        problem = f"text that begins with {here}"
        hint = "Put quotes around it."
    elif "unexpected end of stream" in problem:
        hint = "Close the quotation mark that is open."
    elif "',' or" in problem:
        hint = "Close the bracket that is open, and put commas between what is in it."
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
            if not key.style and key.value[:1].isspace():  # YAML takes other blanks than its own for letters
                blank = f"a key that begins with a blank of another kind (U+{ord(key.value[0]):04X})"
                fail(self.where(key), blank, "a name", "Indent it with spaces: replace what is in front of the name.")
            if key.value in tree:
                hint = f"It stands in line {lines[key.value]} already; keep one of the two."
                fail(self.where(key), f'the key "{shortened(key.value)}" a second time', "each key once", hint)
            lines[key.value] = key.start_mark.line + 1
            tree[key.value] = replace(self.located(value), key_where=self.where(key))
        return tree


def _scalar(node: yaml.ScalarNode) -> str | int | float | bool | None:
    text: str = node.value
    match node.tag.removeprefix(TAG):
        case "null":
            return None
        case "bool":
            return text.lower() in ("yes", "true", "on")
        case "int" | "float":
            return _number(text.replace("_", ""), text)
    if not node.style and EXPONENT.fullmatch(text):
        return float(text)
    return text


def _number(digits: str, text: str) -> int | float | str:
    # Base 10 first: YAML 1.1 would read 010 as 8 and 1:30 as 90, which is not meant here.
    for read in (int, lambda number: int(number, 0), float, lambda number: float(number.replace(".", "", 1))):
        try:
            return read(digits)
        except ValueError:
            continue
    return text
