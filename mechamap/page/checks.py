"""How a neuron's reading of a category was checked, in sentences; what was not checked is said too."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mechamap.config.choices import RANDOMIZE
from mechamap.figures.findings import Finding, confirmed_means, finding
from mechamap.figures.values import known_value
from mechamap.page.charts import shown_figure
from mechamap.runs.checked import CategorySearch
from mechamap.runs.run import Run
from mechamap.tables.numbers import effect, number_writer, probability, small_probability
from mechamap.wording.amounts import quantity

__all__ = ["check_sentences", "lead_sentences"]


def lead_sentences(run: Run, row: int, category: str) -> tuple[str, ...]:
    """What was found, in a sentence or two."""
    name, known = str(run.neuron_name(row)), finding(run, row, category)
    figure = shown_figure(run)
    value, _ = known_value(run, figure, row, category)
    if math.isnan(value):
        return (f"The run has no figure of {name} for {category}.",)
    way = "goes down" if figure.two_sided and value < figure.centre else "goes up"
    parts = [f"{figure.label} {number_writer(figure.written)(value)}"]
    if run.has("ap"):
        parts.append(f"average precision {probability(float(run.column('ap', category)[row]))}")
    sentences = [f"{name} {way} on {category}: {', '.join(parts)}.", _state(run, known)]
    if not math.isnan(known.causes):
        how = "measured by ablation" if known.measured else "an estimate"
        change = f"the mean log probability of {category}'s words changes by {effect(known.causes)} nats"
        sentences.append(f"Without it {change} ({how}).")
    return tuple(sentences)


def _state(run: Run, known: Finding) -> str:
    if known.dropped_on:
        return f"The reading does not hold in a second text, {known.dropped_on}."
    if known.badge == "confirmed":
        return f"The reading is confirmed (p {_p(known.p)})."
    if known.badge:
        explained = f"; {known.explained} explains it" if known.explained else ""
        return f"The reading is not confirmed (p {_p(known.p)}){explained}."
    return f"The reading was not checked: among {run.neurons:,} neurons some read any category by chance."


def _p(value: float) -> str:
    written = small_probability(value)
    return written if written.startswith("<") else f"= {written}"


def check_sentences(run: Run, row: int, category: str) -> tuple[str, ...]:
    """Each check that the run has for the neuron and the category, with its result."""
    sentences = (*_confirmation(run, row, category), *_second_texts(run, row, category), *_random_models(run, category))
    if not math.isnan(finding(run, row, category).causes):
        sentences += tuple(_causes(run))
    return sentences or ("None of its figures was checked beyond the scan.",)


def _confirmation(run: Run, row: int, category: str) -> Iterator[str]:
    about = run.record.confirmation
    if about is None:
        return
    known = finding(run, row, category)
    yield (
        f"Confirmation: {quantity(about.words, 'word')} of all categories stood in "
        f"{quantity(len(about.templates), 'sentence')} in turn; p is corrected for the search over "
        f"{quantity(about.neurons, 'neuron')} and all categories by {quantity(about.permutations, 'shuffle')} of the "
        f"words' labels. Confirmed means {confirmed_means(about)}."
    )
    parts = [f"p {_p(known.p)}"] if not math.isnan(known.p) else []
    if not math.isnan(known.p_matched):
        parts.append(f"p among words alike in all but meaning {_p(known.p_matched)}")
    if not math.isnan(known.hard_auroc):
        parts.append(f"AUROC against matched words and near relatives {probability(known.hard_auroc)}")
    if not math.isnan(known.held_out_auroc):
        parts.append(f"AUROC on words not used to choose its sign {probability(known.held_out_auroc)}")
    if parts:
        yield f"There, for {category}: {', '.join(parts)}."


def _second_texts(run: Run, row: int, category: str) -> Iterator[str]:
    name = str(run.neuron_name(row))
    for look in run.record.second_looks:
        if look.reason:
            yield f"{_begun(look.text)} was not read: {look.reason.rstrip('.')}."
        for entry in look.neurons:
            if (entry.neuron, entry.category) == (name, category):
                held = "it does not hold there" if entry.dropped else "it holds there"
                yield (
                    f"{_begun(look.text)} ({quantity(look.tokens, 'token')}): AUROC {probability(entry.second)} ± "
                    f"{probability(entry.error)} over {quantity(entry.occurrences, 'word')} of {category}, "
                    f"{probability(entry.first)} in the scan's text; {held}."
                )


def _begun(text: str) -> str:
    """A name at the beginning of a sentence."""
    return text[:1].upper() + text[1:] if text.startswith("the ") else text


def _random_models(run: Run, category: str) -> Iterator[str]:
    for search in run.record.randomized.searches:
        result = search.categories.get(category)
        if search.reason or result is None:
            continue
        own = run.record.randomized.model.get(category)
        beside = f"; in the model itself {_searched(own)}" if own is not None else ""
        yield (f"The same search in a model with {RANDOMIZE[search.way]}: {_searched(result)} for {category}{beside}.")


def _searched(result: CategorySearch) -> str:
    best = "" if result.strength is None else f", best strength {probability(result.strength)}"
    return f"{quantity(result.confirmed, 'neuron')} confirmed{best}"


def _causes(run: Run) -> Iterator[str]:
    causes = run.record.causes
    words = f"the words of {causes.text}" if causes.text else "the words of the run's text"
    over = f", over {causes.positions}" if causes.positions else ""
    estimated = {"gradient": "the gradient", "relp": "relevance patching"}.get(causes.estimated_by, "")
    by = f" Estimates are by {estimated}." if estimated else ""
    yield f"Effects are changes of the mean log probability of {words}{over}, in nats.{by}"
