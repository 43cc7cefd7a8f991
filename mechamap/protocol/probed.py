"""What neurons do with a sentence, as it is worked out, answered by the engine, printed and painted.

A number is None where it has no finite value or was not asked for.
"""

from __future__ import annotations

from msgspec import Struct

__all__ = [
    "Moved",
    "Moves",
    "NeuronValues",
    "NextToken",
    "Outlier",
    "Outliers",
    "Probed",
    "ProbedText",
    "Similar",
    "SimilarNeuron",
]


class ProbedText(Struct, frozen=True):
    """A text as the model read it, token by token; positions count its tokens, special ones included.

    Attributes:
        ids: ``[tokens]``, numbers in the vocabulary.
        pieces: ``[tokens]``, the stretch of text of each; of special tokens around the text, their names.
        special: positions of special tokens that were put around the text.
        excluded: positions that a scan would not score: special tokens and the first position.
        cut: a sentence that says how much of the text was read; empty: all.
    """

    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    special: tuple[int, ...]
    excluded: tuple[int, ...]
    cut: str = ""


class NeuronValues(Struct, frozen=True):
    """One neuron's activation at each token.

    Attributes:
        neuron: its name.
        values: ``[tokens]``; zero at those that were not routed to its expert.
        percentiles: ``[tokens]``, 0 to 100: of the reference's activations, how many are below, those that are equal
            counted half. Empty without a reference.
        not_routed: positions of tokens that were not routed to its expert.
        low, high: the reference's smallest and largest activation.
    """

    neuron: str
    values: tuple[float | None, ...]
    percentiles: tuple[float | None, ...] = ()
    not_routed: tuple[int, ...] = ()
    low: float | None = None
    high: float | None = None


class NextToken(Struct, frozen=True):
    """A token and the probability that the model gives it next."""

    id: int
    token: str
    probability: float


class Outlier(Struct, frozen=True):
    """A neuron whose activation at a token is unusual for it.

    Attributes:
        neuron: its name.
        value: its activation.
        share: of the reference's activations, how many are at least as far out on the same side.
        side: 1 where it is unusually high, -1 where it is unusually low.
        deviations: distance from the reference's mean, in its standard deviations; None: it does not vary there.
        category: the category that it is best at by the run's figure; empty: none has a value.
        score: that figure's value.
        reads: selectivity for the category; negative: the neuron goes down on it.
    """

    neuron: str
    value: float
    share: float
    side: int
    deviations: float | None
    category: str = ""
    score: float | None = None
    reads: float | None = None


class Outliers(Struct, frozen=True):
    """The neurons that are furthest out of their usual range at one token.

    Attributes:
        position: of the token.
        neurons: the furthest first.
        searched: how many neurons were looked at.
        beyond: how many of them are beyond all of the reference's activations, on either side.
        by_chance: how many would be beyond for a token drawn like those of the reference.
        figure: the figure that categories are chosen by; empty: none.
    """

    position: int
    neurons: tuple[Outlier, ...]
    searched: int
    beyond: int
    by_chance: float
    figure: str = ""


class Probed(Struct, frozen=True):
    """The answer about one text.

    Attributes:
        text: what was read.
        neurons: those that were asked about, in the order of the question.
        position: the token that ``next`` and ``outliers`` are about; None where neither was asked for.
        next: the most probable tokens behind it.
        outliers: the neurons furthest out of their usual range there.
        reference: what percentiles are taken in, in words; empty: there are none.
        notes: what qualifies the answer, a sentence each.
    """

    text: ProbedText
    neurons: tuple[NeuronValues, ...] = ()
    position: int | None = None
    next: tuple[NextToken, ...] = ()
    outliers: Outliers | None = None
    reference: str = ""
    notes: tuple[str, ...] = ()


class Moved(Struct, frozen=True):
    """A neuron that two texts move apart.

    Attributes:
        neuron: its name.
        pair: the number of the pair of tokens where it differs most.
        first, second: its activation there in either text.
        deviations: the second less the first, in the neuron's standard deviations over the reference.
        changed: whether the two tokens differ; else only what stands before them does.
        category, score, reads: as of :class:`Outlier`.
    """

    neuron: str
    pair: int
    first: float
    second: float
    deviations: float
    changed: bool
    category: str = ""
    score: float | None = None
    reads: float | None = None


class Moves(Struct, frozen=True):
    """Two texts compared position by position.

    Attributes:
        first, second: the texts.
        pairs: positions in either text that stand opposite each other.
        by_position: whether they are equally long and every position stands opposite its own number; else equal
            tokens were looked for.
        neurons: those that move most, whichever way, the furthest first.
        asked: of each neuron that was asked about, the difference at each pair, in its standard deviations.
        reference: what standard deviations are taken over, in words.
        figure: as of :class:`Outliers`.
        notes: what qualifies the answer, a sentence each.
    """

    first: ProbedText
    second: ProbedText
    pairs: tuple[tuple[int, int], ...]
    by_position: bool
    neurons: tuple[Moved, ...]
    asked: tuple[NeuronValues, ...] = ()
    reference: str = ""
    figure: str = ""
    notes: tuple[str, ...] = ()


class SimilarNeuron(Struct, frozen=True):
    """A neuron and its correlation with the chosen one; ``category``, ``score``, ``reads`` as of :class:`Outlier`."""

    neuron: str
    correlation: float
    category: str = ""
    score: float | None = None
    reads: float | None = None


class Similar(Struct, frozen=True):
    """The neurons whose activations go with those of one neuron, or against them.

    Attributes:
        neuron: the chosen one.
        neurons: those of the largest \\|r\\|, the largest first.
        searched: how many neurons were compared.
        chance: the largest \\|r\\| among all of them for the chosen neuron's activations shifted around the text: of
            each shift, in rising order.
        shared: how many have a larger \\|r\\| than every shift.
        reference: what the correlation runs over, in words.
        figure: as of :class:`Outliers`.
        notes: what qualifies the answer, a sentence each.
    """

    neuron: str
    neurons: tuple[SimilarNeuron, ...]
    searched: int
    chance: tuple[float, ...]
    shared: int
    reference: str
    figure: str = ""
    notes: tuple[str, ...] = ()
