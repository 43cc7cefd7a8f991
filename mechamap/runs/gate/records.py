"""The gate of records: looked at once, when a run is opened, so that no reader behind it checks again.

``run.json`` gives types and places, which have to fit one another and the files that are there. What does not fit is
refused with the member that is wrong. Sizes are bounded by the files before anything is allocated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.config.corpus_settings import RANGES
from mechamap.errors import RunError, UsageError
from mechamap.runs import record as run_record
from mechamap.runs.corpus.places import figure_file
from mechamap.runs.neuron_names import parse_neuron
from mechamap.runs.record import CORPUS_FORMAT, RUN_DAMAGED, RunRecord, TokenRecord
from mechamap.system.bounded_files import read_at_most
from mechamap.wording.plain import shortened

if TYPE_CHECKING:
    from mechamap.runs.corpus.record import CorpusRecord

__all__ = ["LARGEST_RECORD", "check_record", "check_size", "read_record", "read_record_text"]


LARGEST_RECORD = 4_000_000_000  # bytes of run.json
_MOST_LAYERS = 100_000
_MOST_CATEGORIES = 10_000
_LARGEST_NUMBER = 2**31 - 1  # of a layer, an expert, a neuron: as the arrays of names hold them
_MOST = 2**63 - 1  # of what is counted
_COUNTS = ("documents", "tokens", "windows", "scored", "shards", "merged", "kept_tokens")
_MOST_TOKENS_LISTED = 1000  # of each neuron
_FEW_NEURONS = 1_000_000  # as many are believed without a look at the files
_FIGURE = re.compile(r"[a-z][a-z0-9_]{0,63}")  # also of newer versions; no path
_SIDES = ("", "encoder", "decoder")
_KEPT = re.compile(r"(tokens-[0-9]{1,18})?")  # the folder of the tokens that a corpus scan keeps
_PUBLISHED = re.compile(r"(figures-[0-9]{1,18})?")  # that of its figures, while it is unfinished


def read_record_text(file: Path) -> str:
    """The text of a ``run.json``.

    Raises:
        OSError: it cannot be read, is no file, or is larger than any run's record.
        UnicodeDecodeError: it is not UTF-8.
    """
    return read_at_most(file, LARGEST_RECORD).decode("utf-8")


def read_record(text: str, where: str) -> RunRecord:
    """The content of a ``run.json``.

    Raises:
        RunError: it is no run's, of a newer format, or damaged.
    """
    record = run_record.parse(text, where)
    try:
        check_record(record)
    except ValueError as error:
        raise RunError(f"{where} is damaged: {error}.", RUN_DAMAGED) from None
    return record


def check_record(record: RunRecord) -> None:
    """See that the members of a record fit one another and can be used as they are.

    Raises:
        ValueError: one does not; the message names it.
    """
    _check_texts(record)
    _check_layers(record)
    _check_tokens(record.tokens)
    _check_corpus(record)
    _check_occurrences(record)
    _check_checks(record)


def check_size(record: RunRecord, folder: Path) -> None:
    """See that a run's files are as large as the record says, before anything of that size is allocated.

    Raises:
        RunError: they are too small.
    """
    if record.neurons <= _FEW_NEURONS:
        return
    sizes = [_size(figure_file(folder, record, name)) for name in record.figures]
    if max(sizes, default=0) < record.neurons:  # a byte a neuron, at least
        raise RunError(
            f"{folder / 'run.json'} is damaged: it says {record.neurons:,} neurons, and no figure has so many.",
            RUN_DAMAGED,
        )


# --- the record -----------------------------------------------------------------------------------------


def _check_texts(record: RunRecord) -> None:
    for member in ("state", "created", "source"):
        _check_type(member, getattr(record, member), str)
    if record.finished is not None:
        _check_type("finished", record.finished, str)
    _check_all("categories", record.categories, str)
    _check_all("figures", record.figures, str)
    _check_all("problems", record.problems, str)
    for member in ("versions", "undefined"):
        _check_all(member, _mapping(member, getattr(record, member)).values(), str)
    for stage, seconds in _mapping("timings", record.timings).items():
        if type(seconds) not in (int, float) or not 0 <= seconds <= _MOST:
            raise _wrong(f"timings.{stage}", seconds, "a number of seconds")
    if len(record.categories) > _MOST_CATEGORIES:
        raise ValueError(f"categories has {len(record.categories):,} names")
    for member, names in (("categories", record.categories), ("figures", record.figures)):
        if len(set(names)) < len(names):
            raise ValueError(f"{member} has a name twice")
    for name in record.figures:
        if not _FIGURE.fullmatch(name):
            raise _wrong("figures", name, "the name of a figure")


def _check_layers(record: RunRecord) -> None:
    if len(record.layers) > _MOST_LAYERS:
        raise ValueError(f"layers has {len(record.layers):,} entries")
    row = 0
    for number, layer in enumerate(record.layers):
        place = f"layers[{number}]"
        for member in ("layer", "first_row", "width", "d_mlp", "experts", "shared"):
            value = getattr(layer, member)
            if type(value) is not int or not 0 <= value <= _LARGEST_NUMBER:
                raise _wrong(f"{place}.{member}", value, "a whole number of at least 0")
        _check_type(f"{place}.complete", layer.complete, bool)
        _check_all(f"{place}.flags", layer.flags, str)
        if layer.side not in _SIDES:
            raise _wrong(f"{place}.side", layer.side, "encoder or decoder")
        if layer.first_row != row:
            raise _wrong(f"{place}.first_row", layer.first_row, f"{row}, behind the layer before")
        if layer.experts and (layer.shared > layer.width or (layer.width - layer.shared) % layer.experts):
            raise _wrong(f"{place}.experts", layer.experts, "experts with as many neurons each")
        row += layer.width
    if row > _LARGEST_NUMBER:
        raise ValueError(f"layers have {row:,} neurons together")
    names = [(layer.side, layer.layer) for layer in record.layers]
    if len(set(names)) < len(names):
        raise ValueError("layers has one twice")


def _check_tokens(tokens: TokenRecord) -> None:
    count = len(tokens.pieces)
    _check_all("tokens.ids", tokens.ids, int)
    _check_all("tokens.pieces", tokens.pieces, str)
    if tokens.ids and len(tokens.ids) != count:
        raise ValueError(f"tokens.ids has {len(tokens.ids):,} entries, tokens.pieces {count:,}")
    for member in ("special", "excluded"):
        positions = getattr(tokens, member)
        _check_all(f"tokens.{member}", positions, int)
        if positions and not (min(positions) >= 0 and max(positions) < count):
            raise ValueError(f"tokens.{member} names a position that the text does not have")
    end = 0
    for number, window in enumerate(tokens.windows):
        _check_all(f"tokens.windows[{number}]", window, int)
        text, start, length = window
        if text < 0 or length < 0 or start < end or start + length > count:
            raise _wrong(f"tokens.windows[{number}]", list(window), "a stretch of the text behind the one before")
        end = start + length


def _check_corpus(record: RunRecord) -> None:
    tokens = record.tokens
    if record.format == CORPUS_FORMAT and (tokens.ids or tokens.pieces or tokens.windows):
        raise ValueError(f"tokens has some, which a run of format {CORPUS_FORMAT} keeps in arrays")
    if (corpus := record.corpus) is None:
        return
    if record.format != CORPUS_FORMAT:
        raise ValueError(f"format is {record.format}; expected {CORPUS_FORMAT} of a run over a corpus")
    counts = {member: getattr(corpus, member) for member in _COUNTS}
    for category, of_category in corpus.categories.items():
        counts |= {f"categories.{shortened(category)}.{each.name}": getattr(of_category, each.name)
                   for each in fields(of_category)}  # fmt: skip
    for member, count in counts.items():
        if count < 0:
            raise _wrong(f"corpus.{member}", count, "a number of them")
    if any(file.documents < -1 for file in corpus.files):
        raise ValueError("corpus.files has numbers of documents that cannot be")
    _check_folders(corpus)
    if record.config is None or (settings := record.config.corpus) is None:
        return
    for member, (least, most) in RANGES.items():  # as merging parts allocates what these say
        value = getattr(settings, member)
        if value is not None and not (value >= least and (most is None or value <= most)):
            raise _wrong(f"config.corpus.{member}", value, f"at least {least}" + (f", at most {most}" if most else ""))
    if not 1 <= record.config.top_k_tokens <= _MOST_TOKENS_LISTED:
        raise _wrong("config.top_k_tokens", record.config.top_k_tokens, f"1 to {_MOST_TOKENS_LISTED}")


def _check_folders(corpus: CorpusRecord) -> None:
    for member, pattern, example in (("kept", _KEPT, "tokens-1"), ("figures_in", _PUBLISHED, "figures-1")):
        if not pattern.fullmatch(name := getattr(corpus, member)):
            raise _wrong(f"corpus.{member}", name, f"the name of a folder, as {example}")


def _check_occurrences(record: RunRecord) -> None:
    count = len(record.tokens.pieces)
    for number, occurrence in enumerate(record.occurrences):
        if len(occurrence) != 4 or set(map(type, occurrence)) != {int}:
            raise _wrong(f"occurrences[{number}]", list(occurrence), "four whole numbers")
        category, word, first, last = occurrence
        if not (0 <= category < len(record.categories) and word >= 0 and 0 <= first <= last < count):
            raise _wrong(f"occurrences[{number}]", list(occurrence), "a category, a word and positions that are there")
        if record.config is not None and record.categories == tuple(each.name for each in record.config.categories):
            words = record.config.categories[category].words
            if word >= len(words):
                raise _wrong(f"occurrences[{number}]", list(occurrence), f"one of {len(words)} words")


def _check_checks(record: RunRecord) -> None:
    """Names of neurons and categories in what was checked after the scan."""
    for name in _named_neurons(record):
        try:
            neuron = parse_neuron(name)
        except UsageError as error:
            raise ValueError(error.message) from None
        if max(neuron.layer, neuron.index, neuron.expert) > _LARGEST_NUMBER:
            raise _wrong("second_looks", name, "the name of a neuron")


def _named_neurons(record: RunRecord) -> Iterator[str]:
    for look in record.second_looks:
        yield from (entry.neuron for entry in look.neurons)
    if record.confirmation is not None:
        for about in record.confirmation.categories.values():
            yield from (*about.chosen, *about.chosen_by_mean, *([about.best] if about.best else []))


# --- parts ----------------------------------------------------------------------------------------------


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _mapping(member: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(member, value, "an object")
    return value


def _check_type(member: str, value: object, kind: type) -> None:
    if type(value) is not kind:
        raise _wrong(member, value, _NAMES[kind])


def _check_all(member: str, values: Iterable[object], kind: type) -> None:
    if set(map(type, values)) - {kind}:
        wrong = next(value for value in values if type(value) is not kind)
        raise _wrong(member, wrong, f"{_NAMES[kind]} in each place")


_NAMES = {str: "a text", int: "a whole number", bool: "true or false"}


def _wrong(member: str, value: object, expected: str) -> ValueError:
    return ValueError(f"{member} is {shortened(repr(value))}; expected {expected}")
