"""What a run says about its checks: the capture proof, how it was confirmed, its causes, its second texts."""

from __future__ import annotations

from collections.abc import Iterator

from mechamap.config.choices import RANDOMIZE
from mechamap.figures.findings import confirmed_means
from mechamap.runs.checked import (
    CategoryConfirmation,
    CategorySearch,
    Causes,
    Confirmation,
    DirectionReading,
    RandomizedSearches,
    SecondText,
)
from mechamap.runs.layout import side_labels
from mechamap.runs.proof_record import WAYS, proof_table, token_verdict, verdict
from mechamap.runs.record import RunRecord
from mechamap.tables.numbers import effect, probability
from mechamap.wording.amounts import duration, layer_ranges
from mechamap_tui.data.advice_text import hint_text

__all__ = ["check_lines", "part_lines", "verdict_lines"]


Line = tuple[str, str]  # ("title" | "text" | "trouble", line)

INDENT = "  "
_METHODS = {"gradient": "the gradient", "relp": "relevance patching"}  # of an estimate of causes


def verdict_lines(record: RunRecord) -> Iterator[Line]:
    """What was proved, what could not be, and what to do about it."""
    if not record.proof:
        return
    proved, *others = map(
        hint_text, verdict(record.proof, record.model.dtype, damaged=any(rows.damaged for rows in record.layers))
    )
    yield "title", "Proof that the hooks see the neurons"
    yield "text" if any(part.finite for part in record.proof) else "trouble", INDENT + proved
    for line in others:
        yield "text" if all(part.finite for part in record.proof) else "trouble", INDENT + line
    yield "text", INDENT + token_verdict(record.token_proof)


def part_lines(record: RunRecord, width: int) -> Iterator[Line]:
    """The table, a line for each part, or two where its path does not fit beside the numbers."""
    if not record.proof:
        return
    allowed = len({part.tolerance for part in record.proof}) > 1
    header, *rows = proof_table(record.proof, side_labels(record.layers, record.proof), allowed=allowed)
    fits = max(len(INDENT.join(("", *row))) for row in (header, *rows)) <= width
    yield "title", "The proof, part by part"
    kinds = ["title", *("text" if part.finite else "trouble" for part in record.proof)]
    for kind, row in zip(kinds, (header, *rows), strict=True):
        if fits:
            yield kind, INDENT.join(("", *row)).rstrip()
        else:
            yield kind, INDENT.join(("", *row[:-2])).rstrip()
            yield kind, f"{INDENT * 5}{row[-2].strip()} · {row[-1]}"
    yield "text", f"{INDENT}What neurons contribute reaches the output of their block: {WAYS}."


def check_lines(record: RunRecord) -> Iterator[Line]:
    """The part of the page about a run's checks; checks that were not made are left out."""
    if record.undefined:
        yield "title", "Not defined"
        for figure, reason in record.undefined.items():
            yield "trouble", f"  {figure}: {reason}"
    if record.confirmation:
        yield "title", "Confirmation"
        yield from _confirmation(record.confirmation)
    if record.randomized.made:
        yield "title", "The same search in random models"
        yield from _randomized(record.randomized)
    if record.causes.known:
        yield "title", "Causes"
        yield from _causes(record.causes)
    if record.second_looks:
        yield "title", "Second text"
        for look in record.second_looks:
            yield from _second_text(look)


def _confirmation(confirmation: Confirmation) -> Iterator[Line]:
    counts = (
        f"{confirmation.words:,} words, {len(confirmation.templates):,} templates, {confirmation.splits:,} splits, "
        f"{confirmation.permutations:,} permutations, {confirmation.neurons:,} neurons"
    )
    yield "text", f"  {counts}"
    if null := confirmation.null_auroc:
        parts = [
            f"{name} {probability(null[key])}"
            for key, name in (("median", "median"), ("largest", "largest"), ("needed", "needed"))
            if key in null
        ]
        yield "text", f"  best auroc of shuffled words anywhere in the model: {', '.join(parts)}"
    yield "text", f"  confirmed: {confirmed_means(confirmation)}"
    if tail := confirmation.null_tail:
        fit = f"{tail['exceedances']:.0f} largest, shape {tail['shape']:.2f}, p of the fit {tail['fit']:.2f}"
        yield "text", f"  tail of small p: generalised Pareto, {fit}"
    for figure, reason in confirmation.undefined.items():
        yield "trouble", f"  {figure} not checked: {reason}"
    for category, about in confirmation.categories.items():
        yield from _category(category, about)


def _category(name: str, about: CategoryConfirmation) -> Iterator[Line]:
    parts = [f"{about.confirmed:,} confirmed", f"{about.writers:,} write it"]
    if about.significant is not None:
        parts.insert(1, f"{about.significant:,} at p < .05")
    if about.best:
        parts.append(f"best {about.best}")
    if about.needed is not None:
        parts.append(f"auroc needed {probability(about.needed)}")
    if about.held_out_auroc is not None:
        lowest = about.held_out_auroc_lowest
        worst = f" (lowest {probability(lowest)})" if lowest is not None else ""
        parts.append(f"held-out auroc {probability(about.held_out_auroc)}{worst}")
    if about.held_out_ap is not None:
        parts.append(f"ap {probability(about.held_out_ap)}")
    if about.by_mean is not None:
        parts.append(f"the best by mean {probability(about.by_mean)}")
    parts.append(f"{about.words:,} words")
    yield "text", f"  {name}: {', '.join(parts)}"
    if about.reason:
        yield "trouble", f"    {about.reason}"
    if about.skipped:
        yield "trouble", f"    words left out: {', '.join(about.skipped)}"
    if about.explained:
        explained = ", ".join(f"{feature} {count:,}" for feature, count in about.explained.items())
        yield "text", f"    explained by a feature of the words: {explained}"
    if about.features:
        alone = ", ".join(f"{feature} {probability(auroc)}" for feature, auroc in about.features.items())
        yield "text", f"    auroc of the features alone: {alone}"
    if about.direction is not None and about.held_out_ap is not None:
        yield "text", f"    {_yardstick(about.held_out_ap, about.direction)}"


def _yardstick(neuron: float, direction: DirectionReading) -> str:
    """What one neuron, a direction of the residual stream and a random one reach: ``best neuron .42, ...``."""
    layers = layer_ranges(direction.layers)
    return (
        f"ap on held-out words: best neuron {probability(neuron)}, "
        f"direction {probability(direction.ap)} (layers {layers}, auroc {probability(direction.auroc)}), "
        f"random direction {probability(direction.random_ap)} (auroc {probability(direction.random_auroc)})"
    )


def _randomized(searches: RandomizedSearches) -> Iterator[Line]:
    for search in searches.searches:
        if search.reason:
            yield "trouble", f"  {search.way} not searched: {search.reason}"
            continue
        yield "text", f"  {search.way}: {RANDOMIZE[search.way]}; {duration(search.seconds)}"
        for name, result in search.categories.items():
            own = searches.model.get(name)
            model = f" (the model: {_result(own)})" if own is not None else ""
            yield "text", f"    {name}: {_result(result)}{model}"


def _result(result: CategorySearch) -> str:
    best = ((result.strength, "strength"), (result.auroc, "auroc"))
    figures = (f"best {figure} {probability(value)}" for value, figure in best if value is not None)
    return ", ".join((f"{result.confirmed:,} confirmed", *figures))


def _causes(causes: Causes) -> Iterator[Line]:
    if causes.positions:
        words = f"  words of {causes.text}; " if causes.text else "  "
        yield "text", f"{words}over {causes.positions}"
    if causes.estimated_by:
        yield "text", f"  estimated by {_METHODS.get(causes.estimated_by, causes.estimated_by)}"
    for name in {**causes.occurrences, **causes.log_p}:
        parts = []
        if name in causes.occurrences:
            parts.append(f"{causes.occurrences[name]:,} occurrences")
        if name in causes.log_p:
            parts.append(f"mean log p {effect(causes.log_p[name])}")
        yield "text", f"  {name}: {', '.join(parts)}"


def _second_text(look: SecondText) -> Iterator[Line]:
    if look.reason:
        yield "trouble", f"  {look.text} was not read: {look.reason}"
        return
    yield "text", f"  {look.text}, {look.tokens:,} tokens: {look.candidates:,} checked again, {look.dropped:,} dropped"
    for neuron in look.neurons:
        line = (
            f"    {neuron.neuron} {neuron.category}: auroc {probability(neuron.first)}, here "
            f"{probability(neuron.second)} ± {probability(neuron.error)} over {neuron.occurrences:,}"
        )
        yield ("trouble", f"{line}, dropped") if neuron.dropped else ("text", line)
