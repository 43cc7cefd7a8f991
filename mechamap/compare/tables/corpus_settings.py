"""What two runs read, where one of them or both read a corpus, and what that means for a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mechamap.runs.corpus.record import CorpusRecord
from mechamap.runs.corpus.words import corpus_in_short
from mechamap.runs.run import Run
from mechamap.wording.amounts import quantity

__all__ = ["OTHER_TEXT", "Setting", "corpus_settings", "text_in_short"]


OTHER_TEXT = (
    "reads, auroc, d, ap and causes estimate the same quantity from other occurrences, so they scatter; "
    "mean, max, min and fire depend on the text itself; writes does not depend on it."
)
_ONE_CORPUS = f"Figures over a corpus come with standard errors, those over a text have none. {OTHER_TEXT}"
_FIRST_IDS = 4  # shown


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that differs: its name, its value in each run, and what that means for the comparison."""

    name: str
    a: str
    b: str
    means: str = ""


def corpus_settings(a: Run, b: Run) -> Iterator[Setting]:
    """What differs in what was read, of two runs of which one at least is over a corpus."""
    one, other = a.record.corpus, b.record.corpus
    if one is None or other is None:
        if all(run.record.corpus is not None or run.texts for run in (a, b)):
            yield Setting("text", text_in_short(a), text_in_short(b), _ONE_CORPUS)
        return
    if one.stream != other.stream:
        yield from _other_tokens(one, other)
    pairs: tuple[tuple[str, object, object, str], ...] = (
        ("padding", one.padding, other.padding, "Positions are counted from another side: activations may differ."),
        ("drawn", _drawn(a), _drawn(b), "auroc, d and ap rest on other samples: they scatter by their errors."),
        ("shards merged", _shards(one), _shards(other), "One of them has not read all of its corpus."),
    )
    for name, mine, theirs, means in pairs:
        if mine != theirs:
            yield Setting(name, str(mine), str(theirs), means)


def _other_tokens(one: CorpusRecord, other: CorpusRecord) -> Iterator[Setting]:
    """The streams differ: by their documents, or by how the same documents are cut into tokens."""
    yield Setting("corpus", _corpus_in_words(one), _corpus_in_words(other), OTHER_TEXT)
    if one.first_ids != other.first_ids:
        means = "The first documents differ, or are cut into other tokens."
        yield Setting("first tokens", _first(one), _first(other), means)
    yield Setting("hash of the tokens", one.stream or "unknown", other.stream or "unknown")


def text_in_short(run: Run) -> str:
    """What a run read, in a line."""
    if run.record.corpus is not None:
        return f"corpus {_corpus_in_words(run.record.corpus)}"
    start = " ".join(run.texts[0][:60].split())
    return f"{len(run.record.tokens.pieces):,} tokens: {start[:24].rstrip()}…"


def _corpus_in_words(corpus: CorpusRecord) -> str:
    first = corpus.files[0].name if corpus.files else "unknown"
    more = f" and {quantity(len(corpus.files) - 1, 'file')} more" if len(corpus.files) > 1 else ""
    return f"{first}{more}, {corpus_in_short(corpus)}"


def _first(corpus: CorpusRecord) -> str:
    shown = ", ".join(map(str, corpus.first_ids[:_FIRST_IDS]))
    return f"{shown}, …" if len(corpus.first_ids) > _FIRST_IDS else shown


def _shards(corpus: CorpusRecord) -> str:
    part = f" of part {corpus.part}" if corpus.part else ""
    return "all" if corpus.merged == corpus.shards and not part else f"{corpus.merged:,} of {corpus.shards:,}{part}"


def _drawn(run: Run) -> str:
    config = run.record.config
    if config is None or config.corpus is None:
        return "unknown"
    corpus = config.corpus
    return f"{corpus.occurrences:,} occurrences, {corpus.sample:,} others, seed {corpus.seed}"
