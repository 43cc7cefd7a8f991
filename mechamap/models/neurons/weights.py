"""Reading a linear layer's weights as numbers, also where they are transposed, packed or offloaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from mechamap.errors import UnsupportedModel

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["in_memory", "packing_tolerance", "readable_bias", "readable_weight"]


# LLM.int8 and similar methods round the layer's inputs to 8 bits too. On SmolLM2 the output is up to 0.063 off, of its
# largest value; of a module whose inputs are not the neurons it is about as large as the output itself.
_ROUNDED_INPUT = 0.15
_COMPUTE_TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2, "float16": 5e-3}


def readable_weight(module: nn.Module) -> Tensor:
    """The weights of a linear layer, ``[out, in]`` as ``nn.Linear`` keeps them, unpacked, on the device it runs on.

    Weights that are not packed come as a view without gradients, which must not be written to.

    Raises:
        UnsupportedModel: the module has no weights that can be read.
    """
    from transformers.pytorch_utils import Conv1D

    with in_memory(module):
        weight: Any = getattr(module, "weight", None)
        if weight is None or weight.device.type == "meta":
            raise UnsupportedModel(f"{type(module).__name__} has no weights that can be read.")
        match type(weight).__name__:
            case "Params4bit":
                return _of_four_bits(weight)
            case "Int8Params":
                return _of_eight_bits(module, weight)
            case "Parameter" | "Tensor":
                weight = weight.detach()
            case _:  # a tensor subclass of torchao
                weight = getattr(weight, "original_weight_tensor", weight).dequantize()
        if weight.ndim != 2 or not weight.is_floating_point() or weight.element_size() == 1:
            raise UnsupportedModel(f"The weights of {type(module).__name__} are packed in an unknown format.")
        unpacked: Tensor = weight.T if isinstance(module, Conv1D) else weight
        return unpacked


def readable_bias(module: nn.Module) -> Tensor | None:
    """The bias of a linear layer, ``[out]``, on the device it runs on; None where it has none."""
    with in_memory(module):
        bias: Tensor | None = getattr(module, "bias", None)
        return None if bias is None else bias.detach()


def packing_tolerance(module: nn.Module) -> float:
    """How far a packed layer's output may be off its inputs times :func:`readable_weight`, of its largest value.

    0 where the weights are not packed: then the number format alone sets the tolerance.
    """
    import torch

    weight: Any = getattr(module, "weight", None)
    match type(weight).__name__:
        case "Params4bit":  # the product has its own number format, whatever that of the input
            compute = getattr(module, "compute_dtype", None) or torch.float32
            return _COMPUTE_TOLERANCE.get(str(compute).removeprefix("torch."), 3e-2)
        case "Int8Params":
            return _ROUNDED_INPUT
        case "Parameter" | "Tensor" | "NoneType":
            return 0.0
    rounds_input = getattr(weight, "act_quant_kwargs", None) is not None or hasattr(weight, "original_weight_tensor")
    return _ROUNDED_INPUT if rounds_input else 0.0


@contextmanager
def in_memory(module: nn.Module) -> Iterator[None]:
    """Within the context offloaded weights in ``module`` are on the device that it runs on.

    A tensor taken from it stays valid afterwards. Weights that are there already are not moved.
    """
    with ExitStack() as leaving:
        for part in module.modules():
            hook: Any = getattr(part, "_hf_hook", None)
            if hook is not None and any(tensor.device.type == "meta" for tensor in _own(part)):
                hook.pre_forward(part)
                leaving.callback(hook.post_forward, part, None)
        yield


def _own(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters(recurse=False)
    yield from module.buffers(recurse=False)


def _of_four_bits(weight: Any) -> Tensor:
    from bitsandbytes import functional

    unpacked: Tensor = functional.dequantize_4bit(weight.data, weight.quant_state)  # [out, in]
    return unpacked


def _of_eight_bits(module: Any, weight: Any) -> Tensor:
    from bitsandbytes import functional

    scales = weight.SCB if module.state.SCB is None else module.state.SCB  # [out]; moved by the first forward
    unpacked: Tensor = functional.int8_vectorwise_dequant(weight.data, scales)  # [out, in]
    return unpacked
