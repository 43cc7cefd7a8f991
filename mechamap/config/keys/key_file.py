"""A user's own keys, read from a file and checked line by line: a wrong line leaves the default keys of its action."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from mechamap.config.keys.catalogue import ActionName, KeySection, key_sections
from mechamap.config.keys.clashes import standing
from mechamap.config.keys.spelling import NotAKey, key_codes, key_text
from mechamap.config.located import Located
from mechamap.config.yaml_reading import read_config_file
from mechamap.errors import ConfigError
from mechamap.wording.advice import Action, Advice
from mechamap.wording.plain import shortened
from mechamap.wording.suggest import suggestion

__all__ = ["KeyProblem", "OwnKeys", "read_keys"]


@dataclass(frozen=True, slots=True)
class KeyProblem:
    """A line that is not followed.

    Attributes:
        line: counted from 1.
        text: what is wrong with it, and what to write, in sentences.
    """

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """What a file says.

    Attributes:
        keys: the codes of the keys of each action that the file changes; none for one without a key.
        problems: the lines that are wrong, from the top.
    """

    keys: Mapping[ActionName, tuple[str, ...]]
    problems: tuple[KeyProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    action: ActionName
    keys: tuple[str, ...]


def read_keys(path: Path) -> OwnKeys:
    """The keys of a file.

    Raises:
        ConfigError: it cannot be read, or is no YAML.
    """
    problems: list[KeyProblem] = []
    lines = list(_lines(read_config_file(path), problems))
    kept, clashing = standing({line.action: (line.number, line.keys) for line in lines})
    problems += [KeyProblem(number, text) for number, text in clashing]
    return OwnKeys(kept, tuple(sorted(problems, key=lambda problem: problem.line)))


def _lines(tree: Located, problems: list[KeyProblem]) -> Iterator[_Line]:
    """The lines that name an action and keys; what is wrong with the others is added to ``problems``."""
    sections = {section.name: section for section in key_sections()}
    if not isinstance(tree.value, dict):
        raise ConfigError.at(
            tree.where,
            tree.described(),
            "sections such as browse:",
            Advice.of("{} prints all.", Action("config keys -")),
        )
    for name, entry in tree.value.items():
        place = _line_of(entry.key_where)
        section = sections.get(name)
        if section is None:
            advice = suggestion(name, sections) or f"The sections are {', '.join(sections)}."
            problems.append(KeyProblem(place, f'"{shortened(name)}" is not a section. {advice}'))
        elif entry.value is None:
            continue
        elif not isinstance(entry.value, dict):
            problems.append(
                KeyProblem(place, f"{name} has {entry.described()}; write a line for each action below it.")
            )
        else:
            yield from _section_lines(section, entry.value, problems)


def _section_lines(section: KeySection, values: dict[str, Located], problems: list[KeyProblem]) -> Iterator[_Line]:
    names = [action.name for action in section.actions]
    for name, entry in values.items():
        number = _line_of(entry.key_where)
        if name not in names:
            advice = suggestion(name, names) or f"The actions are {', '.join(names)}."
            problems.append(KeyProblem(number, f'"{shortened(name)}" is not an action of {section.name}. {advice}'))
            continue
        try:
            keys = tuple(dict.fromkeys(_keys(entry)))
            for one, other in permutations(keys, 2):
                if other.startswith(f"{one} "):
                    raise NotAKey(f"{key_text(one)} begins the chord {key_text(other)}", "Choose one of the two.")
            yield _Line(number, (section.name, name), keys)
        except NotAKey as error:
            problems.append(KeyProblem(number, f"{section.name}, {name}: {error}. {error.hint}".strip()))


def _keys(entry: Located) -> Iterator[str]:
    items = entry.value if isinstance(entry.value, list) else [entry]
    for item in items:
        if isinstance(item.value, list | dict):
            raise NotAKey(f"{item.described()} is not a key", "Several keys are written as [q, escape].")
        if not item.written and item.value is None:
            raise NotAKey("no key is given", "Write [] for no key.")
        yield key_codes(item.written)


def _line_of(where: str) -> int:
    return int(where.rsplit(":", 2)[1])
