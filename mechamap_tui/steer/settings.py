"""What a ladder is asked with: the screen's settings, which stay from one neuron to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mechamap.protocol.steer_requests import SteerParams
from mechamap.protocol.steering import MODES, STRENGTHS, Mode, Where, parse_strengths

__all__ = ["SteerSettings", "Steered"]


@dataclass(frozen=True, slots=True)
class Steered:
    """The neurons that are steered as one, and the name of the set that they are, if any."""

    neurons: tuple[str, ...]
    name: str = ""

    @property
    def label(self) -> str:
        """What to call them in a few characters."""
        if self.name:
            return f"{self.name} ({len(self.neurons):,})"
        first, *others = self.neurons
        return f"{first} and {len(others):,} more" if others else first


@dataclass(frozen=True, slots=True)
class SteerSettings:
    """How to steer; see :class:`mechamap.steering.ladder.LadderSettings`."""

    text: str = ""
    strengths: tuple[float, ...] = parse_strengths(STRENGTHS)
    mode: Mode = "add"
    where: Where = "all"
    category: str = ""
    controls: int = 8
    generate: int = 20
    temperature: float = 0.0
    seed: int = 0

    def reset(self) -> SteerSettings:
        """As they are at first, with the same prompt."""
        return SteerSettings(text=self.text)

    def next_mode(self) -> SteerSettings:
        return replace(self, mode=MODES[(MODES.index(self.mode) + 1) % len(MODES)])

    def params(self, run: Path, steered: Steered) -> SteerParams:
        """The request to the engine."""
        return SteerParams(
            run=run,
            neurons=steered.neurons,
            name=steered.name,
            text=self.text,
            strengths=self.strengths,
            mode=self.mode,
            where=self.where,
            category=self.category,
            controls=self.controls,
            generate=self.generate,
            temperature=self.temperature,
            seed=self.seed,
            overtakes=True,
        )

    @property
    def line(self) -> str:
        """The settings on one line."""
        where = {"all": "all tokens", "last": "the prompt's last token"}
        strengths = (
            f" at {self.strengths[0]:g} to {self.strengths[-1]:g} in {len(self.strengths)}"
            if self.mode in ("add", "set")
            else ""
        )
        text = "greedy" if not self.temperature else f"temperature {self.temperature:g}"
        return (
            f"{self.mode}{strengths} · {where.get(str(self.where), f'from token {self.where} on')} · "
            f"{self.controls} controls · {text}, seed {self.seed}"
        )
