"""One step of a ladder as programs can repeat it: which neurons, by how much, from which position on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mechamap.catalog.source import demo_folder
from mechamap.errors import UsageError
from mechamap.protocol.steering import Ladder, SteeredNeuron
from mechamap.runs.neuron_names import parse_neuron

__all__ = ["Amount", "Step", "attribute", "pretrained_arguments", "step_of"]


@dataclass(frozen=True, slots=True)
class Amount:
    """A neuron and the value that is added to its activation, or takes its place.

    Attributes:
        layer: its layer.
        index: its number in the layer.
        path: the down-projection that it is an input of.
        place: which input of it.
        value: the amount.
    """

    layer: int
    index: int
    path: str
    place: int
    value: float


@dataclass(frozen=True, slots=True)
class Step:
    """A ladder's step.

    Attributes:
        ladder: that it is a step of.
        strength: its strength; None where the mode knows none.
        amounts: of the neurons.
        adds: whether the amounts are added.
        first: the first position that is steered, what stands in front of the prompt counted.
        last_only: whether it is the prompt's last position alone; else all behind ``first`` are steered too.
    """

    ladder: Ladder
    strength: float | None
    amounts: tuple[Amount, ...]
    adds: bool
    first: int
    last_only: bool

    @property
    def from_pretrained(self) -> str:
        """The arguments that transformers loads the model with."""
        return pretrained_arguments(self.ladder.model, self.ladder.revision)

    @property
    def title(self) -> str:
        """What is done, in a line."""
        names = ", ".join(neuron.neuron for neuron in self.ladder.neurons[:3])
        more = f" and {len(self.ladder.neurons) - 3} more" if len(self.ladder.neurons) > 3 else ""
        strength = "" if self.strength is None else f", strength {self.strength:g}"
        return f"{names}{more}: {self.ladder.mode}{strength}"

    def by_path(self) -> dict[str, list[tuple[int, float]]]:
        """The amounts of each down-projection: which input, and how much."""
        paths: dict[str, list[tuple[int, float]]] = {}
        for amount in self.amounts:
            paths.setdefault(amount.path, []).append((amount.place, amount.value))
        return paths

    def refuse_fused(self, program: str) -> None:
        """Refuse neurons that hooks of PyTorch do not see.

        Raises:
            UsageError: one is an expert's, and the model computes all experts in one module.
        """
        hidden = next((n.neuron for n in self.ladder.neurons if not n.path), None)
        if hidden is not None:
            raise UsageError(
                f"{program} cannot see {hidden}: the model computes all experts of a layer in one module.",
                "Take it away as a command, or as Python for this library.",
            )


def step_of(ladder: Ladder, strength: float | None) -> Step:
    """The step of a ladder at a strength, which need not be one of its own.

    Raises:
        UsageError: a scale is unknown that the strength is a multiple of.
    """
    if ladder.mode in ("zero", "mean"):
        strength = None
    elif strength is None:
        strength = next((row.strength for row in reversed(ladder.rows) if row.strength), 1.0)
    amounts = tuple(_amount(neuron, ladder, strength) for neuron in ladder.neurons)
    first = ladder.front + (ladder.where if isinstance(ladder.where, int) else 0)
    if ladder.where == "last":
        first = len(ladder.ids) - 1
    return Step(ladder, strength, amounts, ladder.mode == "add", first, ladder.where == "last")


def _amount(neuron: SteeredNeuron, ladder: Ladder, strength: float | None) -> Amount:
    name = parse_neuron(neuron.neuron)
    value: float | None = 0.0
    if strength is not None:
        value = None if neuron.scale is None else strength * neuron.sign * neuron.scale
    elif ladder.mode == "mean":
        value = neuron.mean
    if value is None:
        raise UsageError(f"The amount for {neuron.neuron} is not finite.", "Choose another neuron.")
    return Amount(name.layer, name.index, neuron.path, neuron.place, value)


def pretrained_arguments(model: str, revision: str | None) -> str:
    """What ``from_pretrained`` of transformers is called with to load a model, by its id."""
    if model.endswith(".gguf"):
        file = Path(model)
        return f"{str(file.parent)!r}, gguf_file={file.name!r}"
    name = str(demo_folder()) if model == "demo" else model
    return f"{name!r}, revision={revision!r}" if revision else f"{name!r}"


def attribute(path: str) -> str:
    """A module's path as Python reaches it: ``transformer.h.3.mlp`` is ``transformer.h[3].mlp``."""
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", path)
