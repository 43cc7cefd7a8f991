"""Where each architecture keeps its neurons, as data, and what a config says of their number."""

from __future__ import annotations

from typing import Any

__all__ = ["DOWN_PROJECTIONS", "config_d_mlp", "config_d_model", "text_config"]

DOWN_PROJECTIONS: dict[str, str] = {
    # GPT-2 and its kin
    "gpt2": "transformer.h.{layer}.mlp.c_proj",
    "gpt_bigcode": "transformer.h.{layer}.mlp.c_proj",
    "gpt_neo": "transformer.h.{layer}.mlp.c_proj",
    "gptj": "transformer.h.{layer}.mlp.fc_out",
    "codegen": "transformer.h.{layer}.mlp.fc_out",
    "gpt_neox": "gpt_neox.layers.{layer}.mlp.dense_4h_to_h",
    "gpt_neox_japanese": "gpt_neox_japanese.layers.{layer}.mlp.dense_4h_to_h",
    "bloom": "transformer.h.{layer}.mlp.dense_4h_to_h",
    "falcon": "transformer.h.{layer}.mlp.dense_4h_to_h",
    "mpt": "transformer.blocks.{layer}.ffn.down_proj",
    "opt": "model.decoder.layers.{layer}.fc2",
    "xglm": "model.layers.{layer}.fc2",
    "biogpt": "biogpt.layers.{layer}.fc2",
    # Llama and its kin: gated, a neuron is act(gate) * up
    "llama": "model.layers.{layer}.mlp.down_proj",
    "mistral": "model.layers.{layer}.mlp.down_proj",
    "ministral": "model.layers.{layer}.mlp.down_proj",
    "qwen2": "model.layers.{layer}.mlp.down_proj",
    "qwen3": "model.layers.{layer}.mlp.down_proj",
    "gemma": "model.layers.{layer}.mlp.down_proj",
    "gemma2": "model.layers.{layer}.mlp.down_proj",
    "gemma3_text": "model.layers.{layer}.mlp.down_proj",
    "phi3": "model.layers.{layer}.mlp.down_proj",
    "smollm3": "model.layers.{layer}.mlp.down_proj",
    "stablelm": "model.layers.{layer}.mlp.down_proj",
    "olmo": "model.layers.{layer}.mlp.down_proj",
    "olmo2": "model.layers.{layer}.mlp.down_proj",
    "olmo3": "model.layers.{layer}.mlp.down_proj",
    "cohere": "model.layers.{layer}.mlp.down_proj",
    "cohere2": "model.layers.{layer}.mlp.down_proj",
    "granite": "model.layers.{layer}.mlp.down_proj",
    "glm": "model.layers.{layer}.mlp.down_proj",
    "glm4": "model.layers.{layer}.mlp.down_proj",
    "exaone4": "model.layers.{layer}.mlp.down_proj",
    "helium": "model.layers.{layer}.mlp.down_proj",
    "nemotron": "model.layers.{layer}.mlp.down_proj",
    # Plain MLPs in a Llama-like frame
    "phi": "model.layers.{layer}.mlp.fc2",
    "starcoder2": "model.layers.{layer}.mlp.c_proj",
    "persimmon": "model.layers.{layer}.mlp.dense_4h_to_h",
}
"""model_type of the config -> path of the down-projection in the causal model, ``{layer}`` from 0."""

_D_MLP_KEYS = ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "ffn_intermediate_size", "d_ff")
_D_MODEL_KEYS = ("hidden_size", "n_embd", "d_model")


def text_config(config: Any) -> Any:
    """The part of a config that describes the language model, where it describes more than one."""
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def config_d_mlp(config: Any) -> int | None:
    """How many neurons a layer has by the config, None where it does not say (or says it per layer)."""
    text = text_config(config)
    for key in _D_MLP_KEYS:
        value = getattr(text, key, 0)
        if value is None and (d_model := config_d_model(config)) is not None:
            return 4 * d_model  # the convention of GPT-2's kin: no n_inner means four times as wide
        if isinstance(value, int) and value > 0:
            return value
    return None


def config_d_model(config: Any) -> int | None:
    """How wide the residual stream is by the config, None where it does not say."""
    text = text_config(config)
    values = (getattr(text, key, None) for key in _D_MODEL_KEYS)
    return next((value for value in values if isinstance(value, int)), None)
