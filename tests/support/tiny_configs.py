"""Tiny configs of every causal language model that transformers registers, as data: one size, and what is special."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields
from typing import Any

__all__ = ["CONTEXT", "D_EXPERT", "D_MLP", "D_MODEL", "D_SHARED", "N_EXPERTS", "N_LAYERS", "config_of"]

N_LAYERS = 3
D_MODEL = 32
D_MLP = 80
N_EXPERTS = 4
D_EXPERT = 24
D_SHARED = 40
CONTEXT = 128

# One size, under every name that configs give it; a config takes those it knows, and so do the configs inside it.
_NAMES: dict[tuple[str, ...], Any] = {
    ("hidden_size", "n_embd", "d_model", "word_embed_proj_dim"): D_MODEL,
    ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "feed_forward_size"): D_MLP,
    ("d_ff", "decoder_ffn_dim", "encoder_ffn_dim", "dense_intermediate_size"): D_MLP,
    ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "depth"): N_LAYERS,
    ("decoder_layers", "encoder_layers", "num_decoder_layers", "num_encoder_layers"): N_LAYERS,
    ("num_attention_heads", "attention_heads", "n_head", "n_heads", "num_heads"): 4,
    ("decoder_attention_heads", "encoder_attention_heads"): 4,
    ("num_key_value_heads",): 2,
    ("head_dim", "d_kv"): 8,
    ("rotary_dim",): 4,
    ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"): CONTEXT,
    ("pad_token_id", "bos_token_id", "eos_token_id"): 0,
    # experts; the first layer is dense where a type can mix the two
    ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"): N_EXPERTS,
    ("num_experts_per_tok",): 2,
    ("moe_intermediate_size",): D_EXPERT,
    ("shared_expert_intermediate_size", "shared_experts_intermediate_size"): D_SHARED,
    ("moe_shared_expert_intermediate_size", "shared_intermediate_size"): D_SHARED,
    ("first_k_dense_replace", "n_group", "topk_group"): 1,
    ("mlp_only_layers",): [0],
    # attention through small ranks (DeepSeek), and what picks the tokens it looks at
    ("q_lora_rank", "kv_lora_rank"): 16,
    ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "index_head_dim"): 8,
    ("index_n_heads",): 4,
    # Mamba, and linear attention
    ("mamba_n_heads", "mamba_num_heads", "linear_num_heads", "linear_num_value_heads"): 4,
    ("mamba_head_dim", "mamba_d_state", "linear_head_dim", "linear_key_head_dim", "linear_value_head_dim"): 8,
    ("linear_num_key_heads",): 2,
    ("mamba_d_ssm",): 32,
}
_SIZES = {name: size for names, size in _NAMES.items() for name in names}

_DECODER = {"is_decoder": True}  # causal only when told so
_SOME_EXPERTS = {"mlp_layer_types": ["dense", "sparse", "sparse"]}
_SOME_ATTENTION = {"layer_types": ["linear_attention", "full_attention", "linear_attention"]}
_HYBRID = ["linear_attention", "hybrid", "hybrid"]  # the attention of the hybrid layers is one and the same block

# What else a type needs: to be built at all, to be small, or to have a layer of each kind that it can have.
_SPECIAL: dict[str, dict[str, Any]] = {
    "bailing_hybrid": _SOME_ATTENTION,
    "bamba": {"attn_layer_indices": [1]},
    "beam": _SOME_EXPERTS,
    "bert": _DECODER,
    "bert-generation": _DECODER,
    "big_bird": _DECODER,
    "blt": {"encoder_hash_byte_group_vocab": 64},
    "blt_local_decoder": {"hidden_size_global": D_MODEL},
    "blt_local_encoder": {"hidden_size_global": D_MODEL},
    "camembert": _DECODER,
    "cohere2_moe": _SOME_EXPERTS,
    "cohere_compass_text": {
        "rope_parameters": {
            "full_attention": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}
        }
    },
    "cpmant": {"dim_ff": D_MLP},
    "ctrl": {"dff": D_MLP},
    "data2vec-text": _DECODER,
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "clip_qkv": 8.0, "rope_theta": 10000.0},  # the defaults do not run
        "ffn_config": {"ffn_hidden_size": D_EXPERT, "moe_num_experts": N_EXPERTS, "moe_top_k": 2},
    },
    "deepseek_v4": {"mlp_layer_types": ["hash_moe", "moe", "moe"], "o_lora_rank": 16},
    "dots1": {"n_shared_experts": 1},
    "dots3_note_audio_encoder": {
        "adapter_input_size": D_MODEL,
        "adapter_out_dim": D_MODEL,
        "downsample_hidden_size": 16,
    },
    "dots3_note_text": {"layer_types": ["indexed_attention"] * N_LAYERS},  # those with a window have their own sizes
    "dots3_note_vision_encoder": {
        "mlp_layer_types": ["dense"] * N_LAYERS,
        "adapter_in_dim": D_MODEL,
        "adapter_out_dim": D_MODEL,
    },
    "electra": _DECODER,
    "emu3": {"vocabulary_map": {"<image>": 5, "<|visual token 000000|>": 6}},
    "emu3_vqgan": {"base_channels": 32, "channel_multiplier": [1, 1], "codebook_size": 64},
    "ernie": _DECODER,
    "gemma3n_text": {
        "num_kv_shared_layers": 0,
        "vocab_size_per_layer_input": 512,
        "hidden_size_per_layer_input": 8,
        "laurel_rank": 8,
    },
    "gemma4": {"text_config": {"enable_moe_block": True, "top_k_experts": 2}},  # gemma4_text is the dense one
    "gemma4_assistant": {
        "text_config": {"hidden_size_per_layer_input": 0, "vocab_size_per_layer_input": 0, "num_kv_shared_layers": 3}
    },
    "gemma4_text": {"vocab_size_per_layer_input": 512, "hidden_size_per_layer_input": 8, "global_head_dim": 16},
    "gpt_neo": {"attention_types": [[["global"], N_LAYERS]]},
    "granitemoehybrid": _SOME_ATTENTION,
    "inkling_text": _SOME_EXPERTS,
    "jamba": {"attn_layer_period": 3, "attn_layer_offset": 1},
    "kimi_linear": _SOME_ATTENTION,
    "lfm2": {"full_attn_idxs": [1], "block_multiple_of": 8},
    "lfm2_moe": {"layer_types": ["conv", "full_attention", "conv"], "num_dense_layers": 1},
    "llama4_vision_model": dict.fromkeys(("vision_output_dim", "projector_input_dim", "projector_output_dim"), D_MODEL),
    "llama4_text": {"moe_layers": [1, 2], "intermediate_size_mlp": D_MLP, "intermediate_size": D_EXPERT},
    "longcat_flash": {"zero_expert_num": 2},
    "mamba2": {"num_heads": 8, "n_groups": 2, "state_size": 8},
    "megatron-bert": _DECODER,
    "mellum": _SOME_EXPERTS,
    "minimax_m3_vl_text": _SOME_EXPERTS,
    "mllama_text_model": {"cross_attention_layers": [1]},  # a layer that runs only where there is an image
    "mpt": {"expansion_ratio": 2},
    "nemotron_h": {"layers_block_type": ["linear_attention", "mlp", "full_attention", "moe"], "n_groups": 2},
    "olmo_hybrid": _SOME_ATTENTION,
    "phi4_multimodal_audio": {"num_blocks": 1, "nemo_conv_channels": 32, "ext_pw_out_channel": 32},
    "qwen3_5_moe_text": _SOME_ATTENTION,
    "qwen3_5_text": _SOME_ATTENTION,
    "qwen3_next": _SOME_ATTENTION,
    "reformer": _DECODER
    | {
        "attn_layers": ["local", "lsh", "local"],
        "attention_head_size": 8,
        "axial_pos_shape": [8, 16],
        "axial_pos_embds_dim": [16, 16],
    },
    "rembert": _DECODER | {"output_embedding_size": 48},
    "roberta": _DECODER,
    "roberta-prelayernorm": _DECODER,
    "roc_bert": _DECODER | {"shape_vocab_size": 64, "pronunciation_vocab_size": 64},
    "roformer": _DECODER,
    "xlm": {"causal": True},
    "xlm-roberta": _DECODER,
    "xlm-roberta-xl": _DECODER,
    "xlnet": {"d_inner": D_MLP},
    "xmod": _DECODER | {"default_language": "en_XX"},
    "zamba": {"layers_block_type": _HYBRID},
    "zamba2": {"layers_block_type": _HYBRID, "adapter_rank": 8},
    "zaya": {"num_experts_per_tok": 1, "router_hidden_size": 16},
}


def config_of(model_type: str, vocabulary: int, **changes: Any) -> Any:
    """A small config of ``model_type`` for so many tokens; ``changes`` are set on top, known to the config or not."""
    from transformers import AutoConfig
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    sizes = deepcopy(_sizes(CONFIG_MAPPING[model_type], vocabulary))  # configs change the lists that they are given
    return AutoConfig.for_model(model_type, **(sizes | changes))


def _sizes(config_class: Any, vocabulary: int) -> dict[str, Any]:
    """What a config class takes of the sizes, and the same for each config inside it."""
    from transformers import AutoConfig
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    names = {field.name for field in fields(config_class)} | set(config_class.attribute_map)
    sizes = {name: value for name, value in _SIZES.items() if name in names}
    if "kv_lora_rank" in names:
        sizes["num_key_value_heads"] = _SIZES["num_attention_heads"]  # made from the rank, one for each head
    if "vocab_size" in names:
        sizes["vocab_size"] = vocabulary
    special = _SPECIAL.get(config_class.model_type, {})
    for name, inner in config_class.sub_configs_defaults.items():
        kind = CONFIG_MAPPING[inner.model_type] if inner.config_class is AutoConfig else inner.config_class
        if not inner.optional:
            sizes[name] = {"model_type": kind.model_type, **_sizes(kind, vocabulary), **special.get(name, {})}
    return sizes | {name: value for name, value in special.items() if name not in config_class.sub_configs_defaults}
