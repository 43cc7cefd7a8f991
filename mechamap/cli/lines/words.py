"""From a line to the words of the command line: the run put in its place, and what is meant where nothing is said."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mechamap.cli.lines.place import Place
from mechamap.cli.parser import Parser
from mechamap.errors import UsageError

__all__ = ["OWN", "Own", "as_command", "own_help", "words_of"]


class Own(NamedTuple):
    """A command that is answered here.

    Attributes:
        usage: how it is written.
        about: what it does.
        method: the name of the method that does it.
    """

    usage: str
    about: str
    method: str


OWN: Mapping[str, Own] = {
    "help": Own("help [COMMAND]", "the commands, or the arguments of one", "help"),
    "open": Own("open RUN", "ask about another run", "open"),
    "run": Own("run", "what the run is, how it was made and what is in it", "run"),
    "layers": Own("layers", "how many neurons each layer has, of those that the filter keeps", "layers"),
    "categories": Own("categories", "the categories of the run", "categories"),
    "category": Own("category [NAME]", "the category that is meant from now on", "category"),
    "filter": Own("filter [EXPR]", "keep only neurons for which this holds; alone: keep all", "filter"),
    "sort": Own("sort [COLS]", "the order from now on; - in front sorts downwards; alone: as at first", "sort"),
    "view": Own("view NAME", "filter, order and category of a named view; `views` lists them", "view"),
    "show": Own("show [NEURON]", "a neuron's figures, tokens and note; it is meant from now on", "show"),
    "mark": Own("mark [NEURON ...]", "mark neurons", "mark"),
    "unmark": Own("unmark [NEURON ...]", "take marks away", "unmark"),
    "note": Own("note [TEXT]", "write the neuron's note; alone: remove it", "note"),
    "quit": Own("quit", "end", "quit"),
    "exit": Own("exit", "the same", "quit"),
}
# Which commands of the command line are about the run, and what they take of what is kept.
_OF_NEURON = ("ablate", "lens", "probe", "similar", "steer")
_LISTS = ("neurons", "count", "export")  # by filter and category
_ABOUT_RUN = {*_OF_NEURON, *_LISTS, "confirm", "notes", "sets", "views", "interpret", "compare", "report"}
_SORTED = ("neurons", "export")
_WITH_TEXT = ("probe", "steer")
_OTHER_CHOICES = ("--neuron", "--set", "--where", "--marked", "--category")


def own_help(name: str) -> str:
    """``filter [EXPR]: keep only ...``"""
    own = OWN[name]
    return f"{own.usage}: {own.about}"


def words_of(name: str, text: str) -> list[str]:
    """The words behind a command; of one that takes a sentence, the sentence as it stands.

    Raises:
        UsageError: a quotation mark is not closed.
    """
    if name in _WITH_TEXT and text and not text.startswith("-"):
        quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
        return [f"--text={text[1:-1] if quoted else text}"]
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"The line cannot be read: {error}.", "Close the quotation mark that is open.") from None


def as_command(name: str, words: Sequence[str], place: Place, parser: Parser) -> list[str]:
    """The words of the command line for a command and what was written behind it.

    Raises:
        UsageError: it is about a run, and none is open.
    """
    if name not in _ABOUT_RUN:
        return [name, *words]
    given = [*_with_number(name, words)]
    return [name, place.source_or_refuse(), *given, *_kept(name, given, place), *_format(given, parser)]


def _with_number(name: str, words: Sequence[str]) -> Iterator[str]:
    """``neurons 30`` is ``neurons --limit 30``."""
    for word in words:
        if name == "neurons" and word.isdigit() and word == words[0]:
            yield from ("--limit", word)
        else:
            yield word


def _kept(name: str, given: Sequence[str], place: Place) -> Iterator[str]:
    """Filter, order, category and neuron, as far as the command takes them and does not say otherwise."""
    new_view = name == "views" and list(given[:1]) == ["add"]
    if (name in _LISTS or new_view) and not _says(given, "--view"):
        if not _says(given, "--where", "--marked"):
            yield from [f"--where={place.where}"] * bool(place.where)
            yield from ["--marked"] * place.marked
        if place.category and not _says(given, "--category"):
            yield f"--category={place.category}"
        if (name in _SORTED or new_view) and place.sort and not _says(given, "--sort"):
            yield f"--sort={place.sort}"
    if name in _OF_NEURON and place.neuron and not _says(given, *_OTHER_CHOICES):
        yield from ("--neuron", place.neuron)


def _format(given: Sequence[str], parser: Parser) -> Iterator[str]:
    """Lines in place of an aligned table, where the command can."""
    choices = next((action.choices for action in parser.actions() if "--format" in action.option_strings), None)
    if choices is not None and "lines" in choices and not _says(given, "--format", "--out"):
        yield from ("--format", "lines")


def _says(words: Sequence[str], *flags: str) -> bool:
    return any(word.partition("=")[0] in flags for word in words)
