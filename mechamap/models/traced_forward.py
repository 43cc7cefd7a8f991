"""One forward over a few tokens, in which the input and output of every leaf module are recorded."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.reading import inputs_to_try

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mechamap.models.loaded import LoadedModel

__all__ = ["Call", "Trace", "output_paths", "traced_forward"]


@dataclass(slots=True, eq=False)
class Call:
    """One call of a leaf module, or of one that holds neurons: ``[tokens, width]`` in and out."""

    path: str
    module: nn.Module
    input: Tensor
    output: Tensor


@dataclass(slots=True, eq=False)
class Trace:
    """What was recorded during the forward."""

    calls: list[Call] = field(default_factory=list)
    block_outputs: dict[int, Tensor] = field(default_factory=dict)  # [tokens, d_model]
    last: Tensor | None = None  # [tokens, d_model], output of the last block, also if it has no neurons
    logits: Tensor = None  # type: ignore[assignment]  # [tokens, vocabulary] float32, set when the forward is done


def traced_forward(loaded: LoadedModel, head: nn.Module) -> Trace:
    """Run the model on a few tokens and record the input and output of every leaf module."""
    import torch

    trace = Trace()

    def rows(tensor: Tensor) -> Tensor:
        """A copy ``[tokens, width]`` float32; of a model spread over devices, all on one."""
        return tensor.to(loaded.device, torch.float32, copy=True).reshape(-1, tensor.shape[-1])

    def leaf(path: str) -> Any:
        def after(module: nn.Module, args: tuple[Any, ...], returned: Any) -> None:
            values = args[0] if args else None
            output = returned[0] if isinstance(returned, tuple) else returned
            if not (isinstance(values, torch.Tensor) and isinstance(output, torch.Tensor)) or output.is_complex():
                return
            if values.is_floating_point() and values.ndim >= 2:
                trace.calls.append(Call(path, module, rows(values), rows(output)))

        return after

    def block(layer: int | None) -> Any:
        def after(_module: nn.Module, _args: tuple[Any, ...], returned: Any) -> None:
            trace.last = rows(returned[0] if isinstance(returned, (tuple, list)) else returned)
            if layer is not None:
                trace.block_outputs[layer] = trace.last

        return after

    with ExitStack() as hooks, torch.inference_mode(), translated(loaded.id):
        for path, module in loaded.model.named_modules():
            if not any(True for _ in module.children()) and module is not head:
                hooks.callback(module.register_forward_hook(leaf(path)).remove)
        hooks.callback(head.register_forward_hook(leaf("head")).remove)
        for path in _around_parts(loaded):
            hooks.callback(loaded.model.get_submodule(path).register_forward_hook(leaf(path)).remove)
        numbers = {layer.block: layer.layer for layer in loaded.layers}
        for prefix in dict.fromkeys(path.rpartition(".")[0] for path in numbers):
            for name, module in loaded.model.get_submodule(prefix).named_children():
                hooks.callback(module.register_forward_hook(block(numbers.get(f"{prefix}.{name}"))).remove)
        logits = loaded.model(**inputs_to_try(loaded)).logits
    trace.logits = rows(logits)
    return trace


def _around_parts(loaded: LoadedModel) -> list[str]:
    """Modules of blocks that have parts of their own and give what neurons write: experts, and whole MLPs."""
    paths = dict.fromkeys(path for layer in loaded.layers for path in output_paths(layer))
    return [path for path in paths if any(True for _ in loaded.model.get_submodule(path).children())]


def output_paths(layer: NeuronLayer) -> list[str]:
    """The parts of a layer, and the modules of the block that they are in."""
    paths: dict[str, None] = {}
    for part in layer.parts:
        path = part.path
        while len(path) > len(layer.block):
            paths[path] = None
            path = path.rpartition(".")[0]
    return list(paths)
