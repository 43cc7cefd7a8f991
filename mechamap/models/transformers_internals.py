"""The internal parts of transformers that MechaMap uses: when a release moves one, this file breaks.

There is no public way to ask which class an Auto class would load or which pre-tokenizers it knows, nor to have a
model's experts computed by other code for one call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = [
    "apply_gate",
    "experts_computed_by",
    "gguf_pre_tokenizers",
    "has_gate_function",
    "lists_type",
    "model_class_of",
    "own_code",
    "register_experts",
    "without_adapters",
]


def model_class_of(auto: Any, config: Any) -> Any:
    """The class that an Auto class loads for a config; a tuple where there are several; None where it knows none."""
    return auto._model_mapping.get(type(config), None)


def lists_type(auto: Any, config: Any) -> bool:
    """Whether an Auto class lists the type of a config; imports nothing of the model's own code."""
    return type(config) in auto._model_mapping


def own_code(config: Any, tokenizer: Any, model: Any) -> tuple[str, ...]:
    """The classes of a loaded model that are code which came with it, as ``Homemade (modeling.py)``.

    transformers imports such code under a package of its own.
    """
    classes = [cls for part in (config, tokenizer, *model.modules()) for cls in type(part).__mro__]
    modules = {cls: cls.__module__ for cls in classes if cls.__module__.startswith("transformers_modules.")}
    return tuple(f"{cls.__name__} ({module.rpartition('.')[2]}.py)" for cls, module in modules.items())


def gguf_pre_tokenizers() -> frozenset[str]:
    """What GGUF files of byte-level vocabularies call the pre-tokenizers that transformers has a rule of its own for.

    It splits every other text as GPT-2 does.
    """
    try:
        from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS
    except ImportError:  # releases before there were any
        return frozenset()
    return frozenset(GGUF_PRE_TOKENIZER_SPLITS)


def has_gate_function(experts: Any) -> bool:
    """Whether a module of experts is one of those that take their computation from transformers' registry."""
    return hasattr(experts, "_apply_gate")


def apply_gate(experts: Any, before: Any) -> Any:
    """The neurons of an expert, from gate and up projection in one tensor."""
    return experts._apply_gate(before)


def register_experts(experts: Any, name: str, forward: Callable[..., Any]) -> None:
    """Have a module's experts computed by ``forward`` from now on, entered under ``name`` in transformers' registry."""
    from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS

    if name not in ALL_EXPERTS_FUNCTIONS:
        ALL_EXPERTS_FUNCTIONS.register(name, forward)
    experts.config._experts_implementation = name


@contextmanager
def without_adapters() -> Iterator[None]:
    """Within the context, transformers leaves an adapter that lies beside the weights alone, as without peft."""
    from transformers.integrations import peft
    from transformers.models.auto import auto_factory

    modules = [module for module in (peft, auto_factory) if hasattr(module, "is_peft_available")]
    before = [module.is_peft_available for module in modules]
    for module in modules:
        module.is_peft_available = lambda: False
    try:
        yield
    finally:
        for module, known in zip(modules, before, strict=True):
            module.is_peft_available = known


@contextmanager
def experts_computed_by(experts: Any, name: str) -> Iterator[None]:
    """Have a module's experts computed by another entry of the registry for as long as the context lasts."""
    config = experts.config
    before, config._experts_implementation = config._experts_implementation, name
    try:
        yield
    finally:
        config._experts_implementation = before
