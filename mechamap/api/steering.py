"""Steering from Python: the settings of a ladder, and the ladder as tables that can be taken away as code."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.api.python_words import in_python_words
from mechamap.api.shown.displayed import DisplayedReport
from mechamap.errors import UsageError
from mechamap.events import Listener
from mechamap.protocol.steering import MODES, Ladder, Mode, Where, parse_strengths, parse_where
from mechamap.runs.neuron_names import NeuronName
from mechamap.system.paths import user_path
from mechamap.wording.suggest import unknown_name

if TYPE_CHECKING:
    from mechamap.models.loaded import LoadedModel
    from mechamap.steering.ladder import LadderSettings
    from mechamap.steering.subject import Subject

__all__ = ["DisplayedLadder", "checked_vector", "ladder_settings", "steered"]


@dataclass(frozen=True, slots=True, repr=False)
class DisplayedLadder(DisplayedReport):
    """What steering came to: the tables of ``mechamap steer``, and each step as code.

    Attributes:
        ladder: its steps as values, with what they come to as a word (``outcome``) and as a sentence (``statement``).
    """

    ladder: Ladder

    @in_python_words
    def code(self, form: str = "transformers", strength: float | None = None) -> str:
        """A step as code that runs, as ``mechamap steer --as``.

        Args:
            form: ``transformers``, ``nnsight``, ``transformer_lens``, ``python`` (this library) or ``command``.
            strength: of the step, which need not be one of the ladder's; its last one where not given.

        Raises:
            UsageError: no such form, or it cannot say what the ladder does.
        """
        from mechamap.takeaway.forms import taken_away

        return taken_away(self.ladder, form, strength)

    def write_control_vector(
        self, path: Path, loaded: LoadedModel, strength: float | None = None, *, overwrite: bool = False
    ) -> float:
        """Write what is added at a strength as a control vector for llama.cpp; returns the strength.

        Raises:
            UsageError, UnsupportedModel, ExportError, MissingExtra: it cannot be one, or cannot be written.
        """
        from mechamap.steering.control_vector import ladder_vector

        return ladder_vector(path, loaded, self.ladder, strength, overwrite=overwrite)


def ladder_settings(
    strengths: str | Sequence[float],
    mode: Mode,
    where: Where,
    *,
    controls: int,
    category: str | None,
    generate: int,
    sample: float,
    seed: int,
    top: int,
    name: str,
) -> LadderSettings:
    """The settings of a ladder, if they make sense.

    Raises:
        UsageError: one does not.
    """
    from mechamap.steering.generation import Sampling
    from mechamap.steering.ladder import LadderSettings

    if mode not in MODES:
        raise UsageError(*unknown_name("mode", mode, MODES))
    for key, number, least in (
        ("controls", controls, 0),
        ("generate", generate, 0),
        ("seed", seed, 0),
        ("top", top, 1),
    ):
        if number < least:
            raise UsageError(f"{key} is {number}; it must be at least {least}.")
    if not 0 <= sample < 1000:
        raise UsageError(f"sample is {sample:g}; it must be 0 (greedy) or a temperature below 1000.")
    written = strengths if isinstance(strengths, str) else ",".join(map(repr, map(float, strengths)))
    return LadderSettings(
        strengths=parse_strengths(written),
        mode=mode,
        where=parse_where(str(where)),
        controls=controls,
        category=category or "",
        sampling=Sampling(generate, sample, seed),
        top=top,
        name=name,
    )


def checked_vector(path: Path | str, settings: LadderSettings, *, overwrite: bool) -> Path:
    """The file of a control vector, refused before any work is done where it cannot be written.

    Raises:
        UsageError: the ladder does not add at all tokens.
        ExportError: the file is there already, or cannot be written.
    """
    from mechamap.exports.target import check_target

    if settings.mode != "add" or settings.where != "all":
        raise UsageError("A control vector adds at all tokens.", "Leave mode= and from_= out.")
    return check_target(user_path(path), overwrite=overwrite)


def steered(
    subject: Subject,
    neurons: Sequence[NeuronName],
    text: str,
    settings: LadderSettings,
    *,
    on_event: Listener,
    cancel: threading.Event,
) -> DisplayedLadder:
    """Climb the ladder.

    Raises:
        MechaMapError: see :func:`mechamap.steering.ladder.steer`.
    """
    from mechamap.steering.ladder import steer
    from mechamap.steering.report import ladder_report

    ladder = steer(subject, neurons, text, settings, on_event=on_event, cancel=cancel)
    return DisplayedLadder(ladder_report(ladder), ladder)
