"""A ladder of strengths: what the model says at each, beside control neurons and the sign turned round.

All strengths of all controls are rows of the same batches, each with its own changes, so that a ladder costs what as
many bare forwards cost. Text is generated for the steps themselves, not for controls.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from mechamap.errors import UsageError
from mechamap.events import Listener, Stage, StageEntered
from mechamap.models.loading.trouble import translated
from mechamap.protocol.steering import STRENGTHS, Ladder, LadderRow, Mode, SteeredNeuron, Where, parse_strengths
from mechamap.runs.neuron_names import NeuronName
from mechamap.scores.writes import category_tokens
from mechamap.steering.amounts import changes_of, control_changes, refuse_unknown_scales
from mechamap.steering.climbed import Climbed, finite
from mechamap.steering.controls import control_sets
from mechamap.steering.generation import Sampling, generated
from mechamap.steering.next_token import Changes, Predicted, Wanted, predictions
from mechamap.steering.prompt import Prompt, read_prompt, refuse_unsteerable
from mechamap.steering.same_model import refuse_changed_model
from mechamap.steering.subject import LayerNeurons, Subject
from mechamap.steering.verdict import judged
from mechamap.system.event_log import logged

__all__ = ["LadderSettings", "steer"]


@dataclass(frozen=True, slots=True)
class LadderSettings:
    """How to steer.

    Attributes:
        strengths: of ``add`` and ``set``, in units of each neuron's scale.
        mode: ``add`` to the activation, ``set`` it, hold it at ``zero`` or at its ``mean``.
        where: ``all`` tokens of the prompt and of what is generated, those from a number on, or the ``last`` of the
            prompt alone.
        controls: how many sets of control neurons.
        category: what the verdict is about; empty: the category that the neurons read best.
        sampling: of the text that is generated.
        top: how many of the most probable tokens.
        name: of the set that is steered; empty where it has none.
    """

    strengths: tuple[float, ...] = field(default_factory=lambda: parse_strengths(STRENGTHS))
    mode: Mode = "add"
    where: Where = "all"
    controls: int = 8
    category: str = ""
    sampling: Sampling = field(default_factory=lambda: Sampling(20))
    top: int = 5
    name: str = ""


def steer(
    subject: Subject,
    neurons: Sequence[NeuronName],
    text: str,
    settings: LadderSettings = LadderSettings(),
    *,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> Ladder:
    """Steer neurons as one over a prompt.

    Raises:
        Cancelled: ``cancel`` was set.
        RunError: the model is not the run's, or has changed since.
        TextError: the prompt is empty, or longer than the model can read.
        UnsupportedModel: there is no next token to steer.
        UsageError: the model lacks a neuron, or it has no scale; no such category or place in the prompt.
    """
    on_event = logged(on_event, "steer")
    names = list(dict.fromkeys(neurons))
    if not names:
        raise UsageError("No neuron was named.", "Name one, such as L7.N1844, or a set.")
    refuse_unsteerable(subject.loaded)
    prompt = read_prompt(subject.loaded, subject.config, text)
    prompt.reach(settings.where)
    with translated(subject.loaded.id):
        category = subject.category_of(names, settings.category)
        on_event(StageEntered(Stage.PASS, "scales of the layer"))
        layers = {number: subject.layer(number, category) for number in sorted({name.layer for name in names})}
        refuse_unknown_scales(names, layers, settings.mode)
        if subject.run is not None:
            refuse_changed_model(subject.run, subject.loaded, subject.run.row_of(names[0]))
        controls = control_sets(names, layers, settings.controls, settings.sampling.seed)
        return _Climb(subject, names, prompt, settings, layers, controls, category, on_event, cancel).ladder()


@dataclass(frozen=True, slots=True, eq=False)
class _Climb:
    """One ladder on its way."""

    subject: Subject
    names: list[NeuronName]
    prompt: Prompt
    settings: LadderSettings
    layers: dict[int, LayerNeurons]
    controls: list[tuple[NeuronName, ...]]
    category: str
    on_event: Listener
    cancel: threading.Event | None

    @property
    def strengths(self) -> tuple[float | None, ...]:
        """Of the steps; None where the mode knows none."""
        return self.settings.strengths if self.settings.mode in ("add", "set") else (None,)

    def ladder(self) -> Ladder:
        config, loaded, settings = self.subject.config, self.subject.loaded, self.settings
        tokens = category_tokens(config.categories, loaded.tokenizer)
        names = [category.name for category in config.categories]
        words = torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *tokens]))  # [words]
        by_name, others = {}, {}
        for name, ids in zip(names, tokens, strict=True):
            if len(ids):
                of_category = torch.isin(words, torch.from_numpy(ids))  # [words]
                by_name[name], others[name] = of_category.nonzero()[:, 0], (~of_category).nonzero()[:, 0]
        steps = self._predict([*self._steps(), ()], words, mean_kl=True)
        beside = self._predict(self._beside(), words, mean_kl=False)
        climbed = Climbed(
            self.strengths, len(self.controls), by_name, others, steps, beside, self._texts(), loaded.tokenizer
        )
        rows = climbed.rows()
        reads = self._reads()
        verdict = judged(rows, self.category, controls=len(self.controls), reads=reads)
        return Ladder(
            model=loaded.id,
            revision=loaded.revision or "",
            dtype=str(loaded.dtype).removeprefix("torch."),
            run="" if self.subject.run is None else str(self.subject.run.path),
            neurons=tuple(self._neuron(name) for name in self.names),
            name=settings.name,
            mode=settings.mode,
            where=settings.where,
            front=self.prompt.front,
            prompt=self.prompt.text,
            ids=tuple(self.prompt.ids[0].tolist()),
            tokens=self.prompt.pieces,
            category=self.category,
            controls=tuple(tuple(str(name) for name in chosen) for chosen in self.controls),
            rows=rows,
            untouched=climbed.untouched(),
            outcome=verdict.outcome,
            statement=verdict.statement,
            notes=tuple(self._notes(rows)),
            generated=settings.sampling.tokens,
            temperature=settings.sampling.temperature,
            seed=settings.sampling.seed,
        )

    def _changes(self, strength: float | None) -> Changes:
        return changes_of(self.names, self.layers, self.settings.mode, strength or 0.0)

    def _steps(self) -> list[Changes]:
        return [self._changes(strength) for strength in self.strengths]

    def _beside(self) -> list[Changes]:
        """For each step its controls, and behind all of them the steps with their signs turned round."""
        mode = self.settings.mode
        rows: list[Changes] = [
            control_changes(chosen, self.names, self.layers, mode, strength or 0.0)
            for strength in self.strengths
            for chosen in self.controls
        ]
        return [*rows, *(self._changes(-strength) for strength in self.strengths if strength is not None)]

    def _predict(self, rows: Sequence[Changes], words: Tensor, *, mean_kl: bool) -> Predicted:
        def on_batch(done: int, total: int) -> None:
            self.on_event(StageEntered(Stage.STEER, f"{done} of {total} rows"))

        reach = self.prompt.reach(self.settings.where)
        wanted = Wanted(words, self.settings.top, mean_kl)
        return predictions(self.subject.loaded, self.prompt, rows, reach, wanted, cancel=self.cancel, on_batch=on_batch)

    def _texts(self) -> list[list[int]]:
        """The tokens that each step goes on with, and last those of the untouched model."""

        def on_token(done: int, total: int) -> None:
            self.on_event(StageEntered(Stage.STEER, f"{done} of {total} tokens"))

        rows = [*self._steps(), ()]
        reach = self.prompt.reach(self.settings.where)
        sampling = replace(self.settings.sampling, tokens=self._room())
        return generated(self.subject.loaded, self.prompt, rows, reach, sampling, cancel=self.cancel, on_token=on_token)

    def _room(self) -> int:
        """How many tokens can be generated before the context is full."""
        wanted, context = self.settings.sampling.tokens, self.subject.loaded.context
        return wanted if context is None else min(wanted, max(context - self.prompt.length, 0))

    def _reads(self) -> float:
        """Selectivity of what is steered for the category, the mean of its sizes; NaN where it is unknown."""
        sizes = [abs(self.subject.selectivity(name, self.category)) for name in self.names]
        return sum(sizes) / len(sizes)

    def _neuron(self, name: NeuronName) -> SteeredNeuron:
        layer = self.layers[name.layer]
        place = layer.place_of(name)
        part, within = layer.layer.part_of(name.index, name.expert)
        path = part.path if part.fused is None else ""
        scale, mean, norm = (float(values[place]) for values in (layer.scales, layer.means, layer.norms))
        return SteeredNeuron(str(name), finite(scale), int(layer.signs[place]), finite(mean), norm, path, within)

    def _notes(self, rows: Sequence[LadderRow]) -> list[str]:
        notes = []
        if len(self.controls) < self.settings.controls:
            notes.append(
                f"{len(self.controls)} of {self.settings.controls} controls: the layer has no more neurons to draw."
            )
        if self._room() < self.settings.sampling.tokens:
            context = self.subject.loaded.context
            notes.append(f"Only {self._room()} tokens are generated: the model reads at most {context:,}.")
        broken = [row for row in rows if row.apart == "not finite"]
        if broken:
            which = ", ".join(f"{row.strength:+g}" for row in broken if row.strength is not None)
            notes.append(f"The model's output is not finite at {which or 'this change'}: the numbers overflow.")
        if self.subject.run is None:
            notes.append("Without a run, every neuron's sign is +, and its scale is that of the default text.")
        return notes
