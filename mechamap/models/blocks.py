"""Running a model from one of its blocks on: inputs and outputs of blocks are kept, and earlier blocks are skipped.

No architecture is taken apart for it: the model's own forward runs, with its masks, positions and final norm; only the
skipped blocks return their input unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mechamap.models.neurons.layers import NeuronLayer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mechamap.models.loaded import LoadedModel

__all__ = ["Entries", "keeping_entries", "starting_at", "starting_behind"]


@dataclass(slots=True, eq=False)
class Entries:
    """Inputs and outputs of a model's blocks in one forward.

    Attributes:
        hidden: the input ``[windows, length, d_model]`` of each wanted layer's block, by layer.
        left: its output, likewise.
        beside: what each block returned besides its hidden states, by layer; None where it returned those alone.
    """

    hidden: dict[int, Tensor] = field(default_factory=dict)
    left: dict[int, Tensor] = field(default_factory=dict)
    beside: dict[int, tuple[Any, ...] | None] = field(default_factory=dict)


@contextmanager
def keeping_entries(loaded: LoadedModel, layers: Sequence[NeuronLayer]) -> Iterator[Entries]:
    """Within the context a forward fills the entries: hidden states of ``layers``, and what all blocks return."""
    entries = Entries()
    layer_numbers = {layer.layer for layer in layers}

    def before(layer: int) -> Any:
        def hook(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            entries.hidden[layer] = args[0] if args else kwargs["hidden_states"]

        return hook

    def after(layer: int) -> Any:
        def hook(_module: nn.Module, _args: tuple[Any, ...], out: Any) -> None:
            entries.beside[layer] = out[1:] if isinstance(out, tuple) else None
            if layer in layer_numbers:
                entries.left[layer] = out[0] if isinstance(out, tuple) else out

        return hook

    with ExitStack() as hooks:
        for layer in loaded.layers:
            block = loaded.model.get_submodule(layer.block)
            if layer.layer in layer_numbers:
                hooks.callback(block.register_forward_pre_hook(before(layer.layer), with_kwargs=True).remove)
            hooks.callback(block.register_forward_hook(after(layer.layer)).remove)
        yield entries


@contextmanager
def starting_at(loaded: LoadedModel, layer: NeuronLayer, entries: Entries, rows: int) -> Iterator[None]:
    """Within the context a forward begins at the block of ``layer``, whose kept input is repeated ``rows`` times."""
    hidden = entries.hidden[layer.layer].expand(rows, -1, -1)  # [rows, length, d_model]

    def replace_hidden(
        _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return ((hidden, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": hidden})

    with ExitStack() as undo:
        for earlier in loaded.layers:
            if earlier.layer < layer.layer:
                _pass_by(loaded, earlier, entries, undo)
        block = loaded.model.get_submodule(layer.block)
        undo.callback(block.register_forward_pre_hook(replace_hidden, with_kwargs=True).remove)
        yield


@contextmanager
def starting_behind(loaded: LoadedModel, layer: NeuronLayer, entries: Entries, hidden: Tensor) -> Iterator[None]:
    """Within the context a forward begins behind the block of ``layer``, whose output is taken to be ``hidden``.

    Args:
        hidden: ``[rows, length, d_model]``.
    """
    with ExitStack() as undo:
        for earlier in loaded.layers:
            if earlier.layer <= layer.layer:
                _pass_by(loaded, earlier, entries, undo, hidden if earlier is layer else None)
        yield


def _pass_by(
    loaded: LoadedModel, layer: NeuronLayer, entries: Entries, undo: ExitStack, answer: Tensor | None = None
) -> None:
    """Have a block return its input (or ``answer``) until ``undo`` is closed."""
    beside = entries.beside[layer.layer]

    def forward(*args: Any, **kwargs: Any) -> Any:
        hidden = answer
        if hidden is None:
            hidden = args[0] if args else kwargs["hidden_states"]
        return hidden if beside is None else (hidden, *beside)

    block = loaded.model.get_submodule(layer.block)
    undo.callback(_give_back_forward, block)

    # On the instance, where it hides the class's, so that attributes that the model reads off its blocks stay.
    block.__dict__["forward"] = forward


def _give_back_forward(block: nn.Module) -> None:
    del block.__dict__["forward"]
