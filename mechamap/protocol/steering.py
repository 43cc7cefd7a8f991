"""What is asked of steering and what it answers, for the command line, the engine and the explorer.

No torch: the explorer reads these values too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mechamap.errors import UsageError

__all__ = [
    "MODES",
    "STRENGTHS",
    "Ladder",
    "LadderRow",
    "Mode",
    "Outcome",
    "Shift",
    "SteeredNeuron",
    "checked_where",
    "parse_strengths",
    "parse_where",
]


Mode: TypeAlias = Literal["add", "set", "zero", "mean"]
Where: TypeAlias = Literal["all", "last"] | int
Outcome: TypeAlias = Literal["writes", "lowers", "reads only", "shared", "fell apart", "not judged"]

MODES: tuple[Mode, ...] = ("add", "set", "zero", "mean")
STRENGTHS = "-2:2:9"
_MOST = 101  # strengths of one ladder
_LARGEST = 1e12


@dataclass(frozen=True, slots=True)
class Shift:
    """What one step of the ladder did to one category.

    Attributes:
        change: of the mean log probability of the category's words as the next token, over the steered tokens of the
            prompt, in nats; None: not finite.
        specific: the change beyond that of the other categories' words, which is what is compared with controls.
        controls: ``specific`` of each control.
        turned: ``specific`` with the sign turned round; None where that is not asked or not finite.
        beyond: whether it is beyond its controls, see :mod:`mechamap.steering.verdict`.
    """

    change: float | None
    specific: float | None
    controls: tuple[float | None, ...] = ()
    turned: float | None = None
    beyond: bool = False


@dataclass(frozen=True, slots=True)
class LadderRow:
    """One step of the ladder. A number is None where it is not finite.

    Attributes:
        strength: in units of the neuron's own scale; None where there are no strengths (zero, mean, untouched).
        top: the most probable next tokens and their probabilities.
        kl: divergence of the next token's distribution from the untouched model's, in nats.
        kl_mean: the same, the mean over the positions that are steered.
        control_kl: ``kl`` of each control.
        categories: what happened to each category, by name.
        text: what was generated; empty where nothing was.
        apart: why the text counts as fallen apart; empty where it does not.
    """

    strength: float | None
    top: tuple[tuple[str, float], ...] = ()
    kl: float | None = None
    kl_mean: float | None = None
    control_kl: tuple[float | None, ...] = ()
    categories: Mapping[str, Shift] | None = None
    text: str = ""
    apart: str = ""


@dataclass(frozen=True, slots=True)
class SteeredNeuron:
    """A neuron that is steered.

    Attributes:
        neuron: its name.
        scale: the 99.9 % quantile of its \\|activation\\| over the text; strength 1 adds (or sets) so much. None where
            that is unknown.
        sign: +1, or -1 where a positive strength turns it down, since its category does.
        mean: its mean activation.
        norm: length of its output weights.
        path: where the down-projection lies that it is an input of; empty where experts are fused, into which no hook
            of PyTorch sees.
        place: which input of it (of its expert's).
    """

    neuron: str
    scale: float | None
    sign: int
    mean: float | None
    norm: float
    path: str
    place: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """A ladder of strengths over one prompt.

    Attributes:
        model: the model's id.
        revision: the commit of the hub that it is from; empty where there is none.
        dtype: the format of its weights.
        run: the run's folder; empty where a model was steered without one.
        neurons: what is steered, as one.
        name: of the set that they are; empty where they are none.
        mode: what is done to them.
        where: from which token of the prompt on.
        front: how many special tokens stand before the prompt; they are never steered.
        prompt: what the model reads.
        ids: its tokens, with what stands in front.
        tokens: the pieces of text of those behind that.
        category: the category that the verdict is about; empty where there is none.
        controls: for each control, the neurons that take the place of the set's.
        rows: the steps, in the order of the strengths.
        untouched: the model as it is.
        outcome: what the ladder comes to, in a word.
        statement: the same as a sentence.
        notes: what is to be known of the numbers, in sentences.
        generated: how many tokens of text were asked for.
        temperature: 0: greedy.
        seed: of controls and text.
    """

    model: str
    revision: str
    dtype: str
    run: str
    neurons: tuple[SteeredNeuron, ...]
    name: str
    mode: Mode
    where: Where
    front: int
    prompt: str
    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    category: str
    controls: tuple[tuple[str, ...], ...]
    rows: tuple[LadderRow, ...]
    untouched: LadderRow
    outcome: Outcome
    statement: str
    notes: tuple[str, ...] = ()
    generated: int = 0
    temperature: float = 0.0
    seed: int = 0


def parse_strengths(text: str) -> tuple[float, ...]:
    """The strengths that a user writes: ``-2:2:9`` (first, last, how many) or ``-1,0.5,2``, in their order.

    Raises:
        UsageError: neither, none or too many, or a number that is not finite or beyond all use.
    """
    wrong = UsageError(
        f"{text!r} is not a ladder of strengths.", "Write first:last:number, as in -2:2:9, or a list, as in -1,0.5,2."
    )
    try:
        if ":" in text:
            first, last, count = text.split(":")
            number = int(count)
            if not 1 <= number <= _MOST:
                raise UsageError(f"A ladder of {number} strengths was asked for; it has 1 to {_MOST}.")
            low, high = float(first), float(last)
            step = (high - low) / (number - 1) if number > 1 else 0.0
            values = [low + step * place for place in range(number)]
        else:
            values = [float(part) for part in re.split(r"[,\s]+", text.strip()) if part]
    except (ValueError, OverflowError):
        raise wrong from None
    if not values:
        raise wrong
    if len(values) > _MOST:
        raise UsageError(f"A ladder of {len(values)} strengths was asked for; it has 1 to {_MOST}.")
    for value in values:
        if not math.isfinite(value) or abs(value) > _LARGEST:
            raise UsageError(f"Strength {value:g} is outside of -{_LARGEST:g} to {_LARGEST:g}.")
    rounded = [round(value, 12) + 0.0 for value in values]  # + 0.0: no -0
    return tuple(dict.fromkeys(rounded))


def parse_where(text: str) -> Where:
    """From which token on to steer: ``all``, ``last``, or the number of a token of the prompt, from 0.

    Raises:
        UsageError: none of these.
    """
    word = text.strip().lower()
    if word in ("all", "last"):
        return "all" if word == "all" else "last"
    if word.isascii() and word.isdigit():
        return int(word)
    raise UsageError(
        f"{text!r} does not say where to steer.",
        "Write all, last, or the number of the prompt's first token to steer, from 0.",
    )


def checked_where(where: Where, tokens: int) -> Where:
    """``where``, if a prompt of so many tokens has such a place.

    Raises:
        UsageError: the prompt is shorter.
    """
    if isinstance(where, int) and not 0 <= where < tokens:
        raise UsageError(f"The prompt has no token {where}: its tokens are 0 to {tokens - 1}.")
    return where
