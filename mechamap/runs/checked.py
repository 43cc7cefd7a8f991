"""The checks in a run's record that follow its scan: confirmation, causes, second texts, searches in random models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mechamap.protocol.messages import Ablation
from mechamap.system.plain_values import OMIT_EMPTY

__all__ = [
    "CategoryConfirmation",
    "CategorySearch",
    "Causes",
    "Confirmation",
    "DirectionReading",
    "RandomizedSearch",
    "RandomizedSearches",
    "ReadingInText",
    "SecondText",
    "SecondTextCategory",
    "SecondTextNeuron",
]


@dataclass(frozen=True, slots=True)
class DirectionReading:
    """How well directions of the residual stream read a category, on the halves of its words that did not choose them.

    Attributes:
        auroc, ap: of the mean of the stream at the category's words less that at all others; means over the halves.
        layers: the layer that each half chose, behind whose block the stream is read.
        random_auroc, random_ap: the same of random directions, one for each layer and half.
    """

    auroc: float
    ap: float
    layers: tuple[int, ...]
    random_auroc: float
    random_ap: float


@dataclass(frozen=True, slots=True)
class CategoryConfirmation:
    """How one category was confirmed.

    Attributes:
        words: how many of its words were read; ``skipped`` are those that were not.
        needed: the AUROC that p < 0.05 takes; None where no word could be read.
        confirmed: how many neurons are confirmed, ``writers`` how many write it at p < 0.05.
        significant: how many read it at p < 0.05 (these were the confirmed ones in runs of earlier versions).
        explained: how many clear readings that are not confirmed a feature explains, by its name.
        matched: how many words were drawn to match its own; ``near``: how many near relatives there are.
        features: the AUROC that each feature of words reaches alone at telling its words from the others.
        reason: why it was not split in halves; empty where it was: only then do the following have values.
        held_out_auroc: mean over the halves, of the neurons that the other half chose; then the lowest.
        by_mean: the same for the neurons with the largest mean.
        chosen: those neurons; ``best`` is the neuron with the largest strength (in runs without it, the best
            reader of all words), ``best_reads`` its selectivity in the sentences.
        direction: what directions of the residual stream reach in place of those neurons; None where there is none.
    """

    words: int
    skipped: tuple[str, ...]
    needed: float | None
    confirmed: int
    writers: int
    reason: str
    held_out_auroc: float | None = field(default=None, metadata=OMIT_EMPTY)
    held_out_auroc_lowest: float | None = field(default=None, metadata=OMIT_EMPTY)
    held_out_ap: float | None = field(default=None, metadata=OMIT_EMPTY)
    by_mean: float | None = field(default=None, metadata=OMIT_EMPTY)
    chosen: tuple[str, ...] = field(default=(), metadata=OMIT_EMPTY)
    chosen_by_mean: tuple[str, ...] = field(default=(), metadata=OMIT_EMPTY)
    best: str = field(default="", metadata=OMIT_EMPTY)
    best_reads: float | None = field(default=None, metadata=OMIT_EMPTY)
    direction: DirectionReading | None = field(default=None, metadata=OMIT_EMPTY)
    significant: int | None = field(default=None, metadata=OMIT_EMPTY)
    explained: Mapping[str, int] = field(default_factory=dict, metadata=OMIT_EMPTY)
    matched: int | None = field(default=None, metadata=OMIT_EMPTY)
    near: int | None = field(default=None, metadata=OMIT_EMPTY)
    features: Mapping[str, float] = field(default_factory=dict, metadata=OMIT_EMPTY)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How a run was confirmed.

    Attributes:
        permutations, splits, seed: the settings.
        templates: the sentences.
        words: how many were read; ``skipped`` are the others, with the reason.
        neurons: how many were checked.
        null_auroc: the AUROC that shuffled words reach anywhere in the model: ``median`` and ``largest``.
        null_tail: what p is extrapolated with, of what shuffled words reach: how many ``exceedances`` a generalised
            Pareto tail was fitted to, its ``shape`` and ``scale`` in standard deviations by chance, and the p of its
            ``fit``; empty where there were too few permutations.
        undefined: why a figure is empty, by its name; ``direction`` where the residual stream could not be read.
        seconds: by stage.
        categories: by name.
        hard_auroc: the AUROC against hard controls that *confirmed* asks for; None in runs that were confirmed by p
            alone.
        contrast: the words of no category.
    """

    permutations: int
    splits: int
    seed: int
    templates: tuple[str, ...]
    words: int
    neurons: int
    skipped: Mapping[str, str] = field(default_factory=dict)
    null_auroc: Mapping[str, float] = field(default_factory=dict)
    null_tail: Mapping[str, float] = field(default_factory=dict, metadata=OMIT_EMPTY)
    undefined: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    categories: Mapping[str, CategoryConfirmation] = field(default_factory=dict)
    hard_auroc: float | None = field(default=None, metadata=OMIT_EMPTY)
    contrast: tuple[str, ...] = field(default=(), metadata=OMIT_EMPTY)


@dataclass(frozen=True, slots=True)
class Causes:
    """Effects of neurons, estimated or measured; empty where neither was done.

    Attributes:
        positions: where neurons are ablated, in words.
        occurrences: how many of each category's words have a word before them.
        log_p: the mean log probability of a category's words in the untouched model, where it has some.
        seconds: what the estimate took; None where there is none.
        method: what it was made by, ``gradient`` or ``relp``; empty in runs of versions that had the gradient alone.
        rules: where ``relp`` differs from the gradient: how many norms were frozen, and gates halved.
        ablations: what was measured, by the neuron's name and the mode: ``L7.N12 zero``.
        text: what was read, where that is not the run's own text.
    """

    positions: str = field(default="", metadata=OMIT_EMPTY)
    occurrences: Mapping[str, int] = field(default_factory=dict, metadata=OMIT_EMPTY)
    log_p: Mapping[str, float] = field(default_factory=dict, metadata=OMIT_EMPTY)
    seconds: float | None = field(default=None, metadata=OMIT_EMPTY)
    method: str = field(default="", metadata=OMIT_EMPTY)
    rules: Mapping[str, int] = field(default_factory=dict, metadata=OMIT_EMPTY)
    ablations: Mapping[str, Ablation] = field(default_factory=dict, metadata=OMIT_EMPTY)
    text: str = field(default="", metadata=OMIT_EMPTY)

    @property
    def known(self) -> bool:
        """Whether anything was estimated or measured."""
        return self != Causes()

    @property
    def estimated_by(self) -> str:
        """What the estimate was made by, ``gradient`` or ``relp``; empty where there is none."""
        return "" if self.seconds is None else self.method or "gradient"


@dataclass(frozen=True, slots=True)
class ReadingInText:
    """How a neuron reads some words in a text, in the direction that the scan gave it, each with its standard error.

    Attributes:
        auroc, auroc_error: by Hanley & McNeil (1982).
        ap, ap_error: average precision; its error by Boyd, Eng & Page (2013), root of ap (1 - ap) / occurrences.
    """

    auroc: float
    auroc_error: float
    ap: float
    ap_error: float


@dataclass(frozen=True, slots=True)
class SecondTextNeuron:
    """A neuron's AUROC for a category in the scanned text and in a second one, with its error there.

    Attributes:
        first, second, error: AUROC in the scanned text, in the second one, and the standard error there.
        occurrences: of the category's words in the second text.
        dropped: whether the reading does not hold there.
        words, others: its reading of the category's words and of its second list; None where there are none, and in
            looks at texts of the user's own.
    """

    neuron: str
    category: str
    first: float
    second: float
    error: float
    occurrences: int
    dropped: bool
    words: ReadingInText | None = field(default=None, metadata=OMIT_EMPTY)
    others: ReadingInText | None = field(default=None, metadata=OMIT_EMPTY)


@dataclass(frozen=True, slots=True)
class SecondTextCategory:
    """What a second text has of a category, and what became of its candidates there.

    Attributes:
        words, others: how often each of its words and of its second list comes.
        rest: scored positions of neither.
        candidates: how many neurons were scored; ``failed`` is the number of those whose reading does not hold.
    """

    words: Mapping[str, int]
    others: Mapping[str, int]
    rest: int
    candidates: int
    failed: int

    @property
    def base(self) -> float:
        """The average precision of a neuron that knows nothing of its words."""
        return _share(self.words, self.rest)

    @property
    def others_base(self) -> float:
        """The same for its second list."""
        return _share(self.others, self.rest)


def _share(words: Mapping[str, int], rest: int) -> float:
    occurrences = sum(words.values())
    return occurrences / max(occurrences + rest, 1)


@dataclass(frozen=True, slots=True)
class SecondText:
    """Scores of a run's candidates in a second text, called ``text``.

    Attributes:
        tokens: how many were read; 0 where none were.
        neurons: the first candidates of each category.
        categories: by name, of the text that is read right after a scan; empty of a text of the user's own.
        reason: why nothing was read, in a sentence; empty where something was.
        seconds: what it took; None where it was not timed.
    """

    text: str
    tokens: int
    neurons: tuple[SecondTextNeuron, ...]
    categories: Mapping[str, SecondTextCategory] = field(default_factory=dict, metadata=OMIT_EMPTY)
    reason: str = field(default="", metadata=OMIT_EMPTY)
    seconds: float | None = field(default=None, metadata=OMIT_EMPTY)

    @property
    def dropped(self) -> int:
        """How many neurons were flagged."""
        if self.categories:
            return sum(category.failed for category in self.categories.values())
        return sum(neuron.dropped for neuron in self.neurons)

    @property
    def candidates(self) -> int:
        """How many pairs of a neuron and a category were scored."""
        if self.categories:
            return sum(category.candidates for category in self.categories.values())
        return len(self.neurons)


@dataclass(frozen=True, slots=True)
class CategorySearch:
    """What a search came to for one category.

    Attributes:
        confirmed: how many neurons are confirmed.
        strength: the largest strength of any neuron; None where the figure is empty.
        auroc: the largest AUROC of any neuron in the scan's text, in the direction of its sign.
    """

    confirmed: int
    strength: float | None
    auroc: float | None


@dataclass(frozen=True, slots=True)
class RandomizedSearch:
    """A search in a random counterpart of the model.

    Attributes:
        way: how the model was made random, one of :data:`mechamap.config.choices.RANDOMIZE`.
        seed: of the randomization.
        copied: bytes that the counterpart took beside the model.
        seconds: what the search took.
        reason: why there was none; empty where there was.
        categories: by name.
    """

    way: str
    seed: int
    copied: int = 0
    seconds: float = 0.0
    reason: str = field(default="", metadata=OMIT_EMPTY)
    categories: Mapping[str, CategorySearch] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RandomizedSearches:
    """The search in the run's model, by category, and the same in its random counterparts; empty before any was made.

    They belong to the run's confirmation and are dropped with it.
    """

    model: Mapping[str, CategorySearch] = field(default_factory=dict, metadata=OMIT_EMPTY)
    searches: tuple[RandomizedSearch, ...] = field(default=(), metadata=OMIT_EMPTY)

    @property
    def made(self) -> bool:
        """Whether there was any."""
        return bool(self.searches)
