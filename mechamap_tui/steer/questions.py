"""The questions of the steering screen, checked while their answers are typed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mechamap.errors import UsageError
from mechamap.exports.target import check_target
from mechamap.protocol.steering import Ladder, checked_where, parse_strengths, parse_where
from mechamap.runs.sets.neuron_sets import checked_name
from mechamap.system.paths import user_path
from mechamap_tui.steer.settings import SteerSettings
from mechamap_tui.terminal.terminal_text import piece_label
from mechamap_tui.widgets.prompt import Question

__all__ = ["file_question", "name_question", "prompt_question", "strengths_question", "text_question", "where_question"]


Changed = Callable[[SteerSettings], None]


def prompt_question(settings: SteerSettings, changed: Changed) -> Question:
    """What the model reads."""

    def meaning(text: str) -> str:
        if not text.strip():
            raise UsageError("Type a few words for the model to go on from.")
        return "enter: steer while the model reads this and goes on from it"

    return Question(
        "prompt", settings.text, "She went to the market and bought a", meaning,
        lambda text: changed(replace(settings, text=text)),
    )  # fmt: skip


def strengths_question(settings: SteerSettings, changed: Changed) -> Question:
    """At which strengths."""

    def meaning(text: str) -> str:
        strengths = parse_strengths(text)
        return f"{len(strengths)} strengths: {', '.join(f'{each:g}' for each in strengths[:12])}"

    return Question(
        "strengths", ",".join(f"{each:g}" for each in settings.strengths), "-2:2:9, or -1,0.5,2", meaning,
        lambda text: changed(replace(settings, strengths=parse_strengths(text))),
        hint="first:last:number, or a list; 1 is about as far as the neuron ever goes by itself",
    )  # fmt: skip


def where_question(settings: SteerSettings, ladder: Ladder | None, changed: Changed) -> Question:
    """From which token on."""

    def meaning(text: str) -> str:
        where = parse_where(text)
        if isinstance(where, int) and ladder is not None and ladder.prompt == settings.text:
            checked_where(where, len(ladder.tokens))
            return f"from token {where} on: {piece_label(ladder.tokens[where])}"
        known = {"all": "all tokens", "last": "the prompt's last token alone"}
        return known.get(str(where), f"from token {where} on")

    return Question(
        "where", str(settings.where), "all, last, or the number of a token", meaning,
        lambda text: changed(replace(settings, where=parse_where(text))),
    )  # fmt: skip


def text_question(settings: SteerSettings, changed: Changed) -> Question:
    """How text is generated: a temperature and a seed."""

    def parsed(text: str) -> SteerSettings:
        try:
            temperature, _, seed = text.strip().partition(" ")
            value, number = float(temperature), int(seed.strip() or settings.seed)
        except ValueError:
            raise UsageError("Type a temperature, and a seed behind it: 0.8 1.") from None
        if not math.isfinite(value) or not 0 <= value < 1000 or not 0 <= number < 2**31:
            raise UsageError("A temperature is from 0 (greedy) to 1000, a seed a whole number.")
        return replace(settings, temperature=value, seed=number)

    def meaning(text: str) -> str:
        wanted = parsed(text)
        how = "greedy" if not wanted.temperature else f"drawn at temperature {wanted.temperature:g}"
        return f"{how}, seed {wanted.seed} (of the controls too)"

    start = f"{settings.temperature:g} {settings.seed}"
    return Question("temperature and seed", start, "0 0", meaning, lambda text: changed(parsed(text)))


def name_question(name: str, saved: Callable[[str], None]) -> Question:
    """What to call a set."""

    def meaning(text: str) -> str:
        return f"enter: keep the neurons as the set {checked_name(text)}"

    return Question("set", name, "a name", meaning, saved)


def file_question(path: Path, chosen: Callable[[Path], None]) -> Question:
    """Where a control vector goes."""

    def meaning(text: str) -> str:
        return f"enter: write {check_target(user_path(text.strip()), overwrite=False)}"

    return Question("control vector", str(path), "a .gguf file", meaning, lambda text: chosen(user_path(text.strip())))
