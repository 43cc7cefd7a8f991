"""How two runs were made, where that differs, and what can still be compared then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from mechamap.compare.tables.corpus_settings import OTHER_TEXT, Setting, corpus_settings, text_in_short
from mechamap.figures.csv_gaps import known_from, lists_some
from mechamap.runs.layout import layers_in_words
from mechamap.runs.record import ModelRecord
from mechamap.runs.run import Run
from mechamap.tables.rows import Rows
from mechamap.tables.table import Column, Table
from mechamap.wording.advice import ABLATE, CONFIRM

__all__ = ["Setting", "settings_table", "settings_that_differ"]


_VERSIONS = ("mechamap", "torch", "transformers", "tokenizers", "numpy")
_WORDS = 3  # shown of what differs
FEW = 10  # occurrences of a category in a text


def settings_table(a: Run, b: Run, *, same: bool) -> Table:
    """What the runs are, and the settings that differ; ``same``: whether they are compared neuron by neuron."""
    rows = Rows()
    names = (a.name, b.name) if a.name != b.name else (str(a.path), str(b.path))
    rows.add("run", *names, "")
    for setting in settings_that_differ(a, b, same=same):
        rows.add(setting.name, setting.a, setting.b, setting.means)
    columns = (
        Column("setting", "setting"),
        Column("a", "A"),
        Column("b", "B"),
        Column("means", "what that means"),
    )
    return rows.table("settings", "What differs in how the runs were made", columns)


def settings_that_differ(a: Run, b: Run, *, same: bool) -> tuple[Setting, ...]:
    """Each setting in which the runs differ and that is known of both.

    Args:
        same: whether they are compared neuron by neuron; what differs between any two models is then not remarked on.
    """
    settings: list[Setting] = [*_source(a, b), *_model(a, b, same), *_text(a, b), *_words(a, b)]
    settings += _plain(a, b)
    settings += [*_checks(a, b), *_versions(a, b)]
    return tuple(settings)


def _source(a: Run, b: Run) -> Iterator[Setting]:
    if a.is_csv or b.is_csv:
        has = "means at or above the threshold it was written with, and top tokens, nothing else"
        if not (lists_some(a) or lists_some(b)):
            has = "figures and top tokens"
        means = f"A CSV has {has}; its text, words and settings are not known, so they cannot be compared."
        yield Setting("source", _named_source(a), _named_source(b), means)
    if (a.record.state, b.record.state) != ("complete", "complete"):
        yield Setting("state", _state(a), _state(b), "Layers that are not complete are left out.")


def _named_source(run: Run) -> str:
    if not run.is_csv:
        return "scan"
    return f"CSV, means from {known_from(run):g} on" if lists_some(run) else "CSV, every figure"


def _state(run: Run) -> str:
    return f"{run.record.state}, {len(run.complete_layers)} of {len(run.layers)} layers"


def _adapters(first: ModelRecord, second: ModelRecord) -> tuple[str, str]:
    """The adapters that are merged into two models, by their folders' names, or their paths where those are alike."""
    paths = first.adapter, second.adapter
    names = Path(paths[0]).name, Path(paths[1]).name
    shown = paths if paths[0] != paths[1] and names[0] == names[1] else names
    return shown[0] or "none", shown[1] or "none"


def _model(a: Run, b: Run, same: bool) -> Iterator[Setting]:
    first, second = a.record.model, b.record.model
    ids = first.id or first.name, second.id or second.name
    if first.label != second.label or ids[0] != ids[1]:
        names = (first.label, second.label) if first.label != second.label else ids
        known = same and not (a.is_csv or b.is_csv)
        yield Setting(
            "model", names[0], names[1], "Different weights: differences may come from the models." if known else ""
        )
    layers = layers_in_words(a.layers), layers_in_words(b.layers)
    if layers[0] != layers[1]:
        yield Setting("neurons", layers[0], layers[1], "Those that both have are compared." if same else "")
    if "unknown" in (first.architecture, second.architecture):
        return
    if first.architecture != second.architecture:
        yield Setting("architecture", first.architecture, second.architecture)
    rounding = "Figures differ by rounding, mostly for neurons that are hardly about a category."
    pairs: tuple[tuple[str, object, object, str], ...] = (
        ("revision", first.revision or "", second.revision or "", "Different weights."),
        ("adapter", *_adapters(first, second), "Different weights."),
        ("parameters", f"{first.parameters:,}", f"{second.parameters:,}", ""),
        ("dtype", first.dtype, second.dtype, rounding),
        ("weights packed", first.packing or "no", second.packing or "no", "Packing rounds the weights."),
        ("device", first.device, second.device, "Sums are taken in a different order: rounding."),
    )
    for name, one, other, means in pairs:
        if one != other:
            yield Setting(name, str(one), str(other), means if same else "")


def _text(a: Run, b: Run) -> Iterator[Setting]:
    if a.record.corpus is not None or b.record.corpus is not None:
        yield from corpus_settings(a, b)
    elif not a.texts or not b.texts:
        return
    elif a.texts != b.texts:
        yield Setting("text", text_in_short(a), text_in_short(b), OTHER_TEXT)
    elif a.record.tokens.ids != b.record.tokens.ids:
        yield Setting("tokens", text_in_short(a), text_in_short(b), "The same text, split into different tokens.")
    counts = [_occurrences(a, b), _occurrences(b, a)]
    if counts[0] and counts[0] != counts[1]:
        rare = [name for name in counts[0] if min(counts[0][name], counts[1][name]) < FEW]
        named = ", ".join(rare) if len(rare) < len(counts[0]) else "every category"
        means = f"Fewer than {FEW} of {named}: figures scatter widely." if rare else ""
        yield Setting("occurrences", _from_to(counts[0]), _from_to(counts[1]), means)


def _occurrences(run: Run, other: Run) -> dict[str, int]:
    """How often the words of each category that both know stand in the text."""
    known = run.record.coverage
    return {name: known[name].occurrences for name in known if name in other.record.coverage}


def _from_to(counts: Mapping[str, int]) -> str:
    low, high = min(counts.values()), max(counts.values())
    return f"{low:,} to {high:,} a category" if low != high else f"{low:,} a category"


def _words(a: Run, b: Run) -> Iterator[Setting]:
    sets = [_word_sets(run) for run in (a, b)]
    for category in a.categories:
        if category not in sets[0] or category not in sets[1]:
            continue
        one, other = sets[0][category], sets[1][category]
        if set(one) != set(other):
            means = "Its figures are about different words."
            yield Setting(f"words of {category}", _with(one, other, " words"), _with(other, one, " words"), means)


def _word_sets(run: Run) -> dict[str, tuple[str, ...]]:
    config = run.record.config
    return {category.name: category.words for category in config.categories} if config is not None else {}


def _with(mine: Sequence[str], others: Sequence[str], unit: str = "") -> str:
    """How many there are, and which of them the other does not have."""
    only = [word for word in mine if word not in others]
    more = f" and {len(only) - _WORDS} more" if len(only) > _WORDS else ""
    return f"{len(mine)}{unit}" + (f", with {', '.join(only[:_WORDS])}{more}" if only else "")


def _plain(a: Run, b: Run) -> Iterator[Setting]:
    """Settings that are one value each."""
    where: list[tuple[str, Callable[[Run], object], str]] = [
        ("threshold", _threshold, "Of mean; the larger one is used for both.")
    ]
    if a.record.config is not None and b.record.config is not None:
        where[:0] = [
            ("pooling", lambda run: run.config.pooling, "Words of several tokens count differently."),
            ("BOS in front", lambda run: run.config.add_bos, "Activations near a window's start differ."),
            ("first position left out", lambda run: run.config.exclude_first_position, _LEFT_OUT),
            ("special tokens left out", lambda run: run.config.exclude_special_tokens, _LEFT_OUT),
            ("window", _window, "Words are read with other text before them."),
        ]
    for name, value, means in where:
        one, other = value(a), value(b)
        if one is not None and other is not None and one != other:
            yield Setting(name, _spelled(one), _spelled(other), means)


def _window(run: Run) -> int | None:
    return run.record.exclusions.window if run.record.exclusions else None


def _threshold(run: Run) -> float:
    return known_from(run) if lists_some(run) else run.threshold


_LEFT_OUT = "Attention sinks are in one run's figures: mean, max, min and d are hardly comparable."


def _spelled(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _checks(a: Run, b: Run) -> Iterator[Setting]:
    """How the runs were confirmed and ablated; of a CSV only its figures tell."""
    if a.is_csv or b.is_csv:
        return
    one, other = a.record.confirmation, b.record.confirmation
    if bool(one) != bool(other):
        means = f"Only one run has p and held-out AUROC; {CONFIRM} works them out."
        yield Setting("confirmed", _spelled(bool(one)), _spelled(bool(other)), means)
    elif one and other:
        for name, mine, theirs in (
            ("shuffles of p", one.permutations, other.permutations),
            ("halvings", one.splits, other.splits),
            ("seed of the check", one.seed, other.seed),
        ):
            if mine != theirs:
                yield Setting(name, str(mine), str(theirs), "p and held differ slightly by chance.")
        for key, words, others in (
            ("templates", a.config.templates, b.config.templates),
            ("contrast", _contrast(a), _contrast(b)),
        ):
            if words != others:
                yield Setting(
                    key,
                    _with(words, others),
                    _with(others, words),
                    "p and held are about different sentences and words.",
                )
    if a.record.causes.known != b.record.causes.known:
        means = f"Only one run has causes; {ABLATE} works it out."
        yield Setting("causes", _spelled(a.record.causes.known), _spelled(b.record.causes.known), means)
    ways = a.record.causes.estimated_by, b.record.causes.estimated_by
    if all(ways) and ways[0] != ways[1]:
        yield Setting("estimate of causes", *ways, "Estimates by different methods are of different sizes.")


def _contrast(run: Run) -> tuple[str, ...]:
    words = run.config.contrast
    return ("drawn to match",) if words is None else words


def _versions(a: Run, b: Run) -> Iterator[Setting]:
    one, other = a.record.versions, b.record.versions
    differ = [name for name in _VERSIONS if name in one and name in other and one[name] != other[name]]
    if differ:
        written = [", ".join(f"{name} {versions[name]}" for name in differ) for versions in (one, other)]
        yield Setting("versions", written[0], written[1])
