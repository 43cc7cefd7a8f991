"""Where each architecture keeps its neurons, as data.

A neuron is one input of an MLP's down-projection. A path leads from the model to that module, ``{layer}`` stands for
the number of the block. Types that are not listed are searched (:mod:`mechamap.models.neurons.discovery`), and a user
can give paths for models where that finds nothing.
"""

from __future__ import annotations

from typing import Any

from mechamap.models.config_keys import text_config

__all__ = [
    "LENGTH_FIRST",
    "NEURONS",
    "NO_NEURONS",
    "neuron_paths",
    "only_for_images",
    "repeated",
]


# Paths of one line -> the model types. A block need not have all of them: models with experts often begin with dense
# blocks, and hybrids have blocks without an MLP. A path may begin at the model or at its base model, the one without a
# head.
_TABLE: tuple[tuple[str, str], ...] = (
    # GPT-2 and models like it
    ("transformer.h.{layer}.mlp.c_proj", "gpt2 gpt-sw3 openai-gpt gpt_bigcode gpt_neo"),
    ("transformer.h.{layer}.mlp.fc_out", "gptj codegen"),
    ("gpt_neox.layers.{layer}.mlp.dense_4h_to_h", "gpt_neox"),
    ("gpt_neox_japanese.layers.{layer}.mlp.dense_4h_to_h", "gpt_neox_japanese"),
    ("transformer.h.{layer}.mlp.dense_4h_to_h", "bloom falcon"),
    ("transformer.h.{layer}.ffn.2", "ctrl"),
    ("transformer.blocks.{layer}.ffn.down_proj", "mpt"),
    ("model.decoder.layers.{layer}.fc2", "opt trocr"),
    ("model.layers.{layer}.fc2", "xglm"),
    ("biogpt.layers.{layer}.fc2", "biogpt"),
    # Llama and models like it: gated, a neuron is act(gate) * up
    (
        "model.layers.{layer}.mlp.down_proj",
        "apertus arcee bitnet cohere cohere2 cwm diffllama doge ernie4_5 exaone4 gemma gemma2 gemma3_text glm glm4 "
        "granite granite_swa helium hunyuan_v1_dense hyperclovax internlm3 iquestcoder jais2 llama minicpm3 ministral "
        "ministral3 mistral nemotron olmo olmo2 olmo3 olmo_hybrid phi3 qwen2 qwen3 qwen3_5_text seed_oss smollm3 "
        "stablelm vaultgemma youtu",
    ),
    ("model.text_model.layers.{layer}.mlp.down_proj", "emu3"),
    # Plain MLPs in a Llama-like frame
    ("model.layers.{layer}.mlp.fc2", "phi moshi nanochat"),
    ("model.layers.{layer}.mlp.c_proj", "starcoder2"),
    ("model.layers.{layer}.mlp.dense_4h_to_h", "persimmon"),
    ("model.layers.{layer}.feed_forward.w2", "lfm2 lfm3"),
    # Recurrent models and hybrids that have MLPs
    ("model.layers.{layer}.feed_forward.down_proj", "falcon_h1"),
    ("model.layers.{layer}.mlp_block.down_proj", "recurrent_gemma"),
    ("reformer.encoder.layers.{layer}.feed_forward.output.dense", "reformer"),
    ("rwkv.blocks.{layer}.feed_forward.value", "rwkv"),
    ("backbone.blocks.{layer}.ffn.proj_down", "xlstm"),
    # Of BLT's three transformers, those that work on bytes: the third has its neurons at patches of them.
    ("model.local_encoder.layers.{layer}.mlp.down_proj model.local_decoder.layers.{layer}.mlp.down_proj", "blt"),
    ("model.L_module.layers.{layer}.mlp.down_proj model.H_module.layers.{layer}.mlp.down_proj", "hrm_text"),
    # Mixtures of experts
    (
        "model.layers.{layer}.mlp.down_proj model.layers.{layer}.mlp.experts",
        "cohere2_moe flex_olmo gpt_oss mellum mimo_v2_flash minimax minimax_m2 mixtral olmoe phimoe qwen3_moe",
    ),
    ("model.layers.{layer}.block_sparse_moe.experts", "granitemoe"),
    (
        "model.layers.{layer}.shared_mlp.output_linear model.layers.{layer}.block_sparse_moe.experts",
        "granitemoeshared granitemoehybrid granitemoe_swa",
    ),
    (
        "model.layers.{layer}.mlp.down_proj model.layers.{layer}.mlp.shared_expert.down_proj "
        "model.layers.{layer}.mlp.experts",
        "flint qwen2_moe qwen3_5_moe_text qwen3_next",
    ),
    (
        "model.layers.{layer}.mlp.down_proj model.layers.{layer}.mlp.shared_experts.down_proj "
        "model.layers.{layer}.mlp.experts",
        "afmoe aria_text axk1 axk2 bailing_hybrid deepseek_v2 deepseek_v3 deepseek_v32 deepseek_v4 dots1 "
        "ernie4_5_moe exaone_moe glm4_moe glm4_moe_lite glm_moe_dsa hy_v3 hy_v4 kimi_linear kolibri1 laguna "
        "minimax_m3_vl_text solar_open",
    ),
    ("model.layers.{layer}.mlp.shared_mlp.down_proj model.layers.{layer}.mlp.experts", "hunyuan_v1_moe"),
    ("model.layers.{layer}.feed_forward.down_proj model.layers.{layer}.feed_forward.experts", "jamba"),
    ("model.layers.{layer}.feed_forward.w2 model.layers.{layer}.feed_forward.experts", "lfm2_moe"),
    (
        "model.layers.{layer}.feed_forward.down_proj model.layers.{layer}.feed_forward.shared_expert.down_proj "
        "model.layers.{layer}.feed_forward.experts",
        "llama4_text",
    ),
    ("transformer.blocks.{layer}.ffn.experts", "dbrx"),
    ("model.layers.{layer}.mlp.output_linear", "jetmoe"),
    (
        "model.layers.{layer}.mlps.0.down_proj model.layers.{layer}.mlps.1.down_proj model.layers.{layer}.mlp.experts",
        "longcat_flash",
    ),
    (
        "model.layers.{layer}.mixer.down_proj model.layers.{layer}.mixer.shared_experts.down_proj "
        "model.layers.{layer}.mixer.experts",
        "nemotron_h",
    ),
    # Encoders, and decoders built from them
    (
        "encoder.layer.{layer}.output.dense",
        "bert bert-generation big_bird camembert convbert data2vec-text deberta deberta-v2 electra ernie esm layoutlm "
        "lilt longformer luke megatron-bert mpnet mra nystromformer rembert roberta roberta-prelayernorm roc_bert "
        "roformer splinter xlm-roberta xlm-roberta-xl xmod yoso fnet",
    ),
    ("layer.{layer}.ff.layer_2", "xlnet"),
    ("ffns.{layer}.lin2", "xlm flaubert"),
    ("transformer.layer.{layer}.ffn.lin2", "distilbert"),
    ("encoder.albert_layer_groups.{layer}.albert_layers.0.ffn_output", "albert"),
    ("layers.{layer}.mlp.Wo", "modernbert modernbert-decoder"),
    ("layers.{layer}.mlp.down_proj", "eurobert gte nomic_bert"),
    ("layers.{layer}.mlp.fc2", "jina_embeddings_v3"),
    (
        "encoder.layer.{layer}.ffn.0.output.dense encoder.layer.{layer}.ffn.1.output.dense "
        "encoder.layer.{layer}.ffn.2.output.dense encoder.layer.{layer}.output.dense",
        "mobilebert",
    ),
    # Encoder-decoders, and their decoders alone
    (
        "model.encoder.layers.{layer}.fc2 model.decoder.layers.{layer}.fc2",
        "bart bigbird_pegasus blenderbot blenderbot-small fsmt m2m_100 marian mbart mvp pegasus pegasus_x plbart "
        "whisper",
    ),
    ("led.encoder.layers.{layer}.fc2 led.decoder.layers.{layer}.fc2", "led"),
    (
        "encoder.block.{layer}.layer.1.DenseReluDense.wo decoder.block.{layer}.layer.2.DenseReluDense.wo",
        "longt5 mt5 t5 umt5",
    ),
    (
        "prophetnet.encoder.layers.{layer}.feed_forward.output prophetnet.decoder.layers.{layer}.feed_forward.output",
        "prophetnet",
    ),
    ("model.encoder.layers.{layer}.mlp.down_proj model.decoder.layers.{layer}.mlp.down_proj", "t5gemma"),
    ("model.encoder.text_model.layers.{layer}.mlp.down_proj model.decoder.layers.{layer}.mlp.down_proj", "t5gemma2"),
    ("text_encoder.layers.{layer}.ffn.fc2 text_decoder.layers.{layer}.ffn.fc2", "seamless_m4t seamless_m4t_v2"),
)

NEURONS: dict[str, tuple[str, ...]] = {
    model_type: tuple(paths.split()) for paths, types in _TABLE for model_type in types.split()
}
"""model_type of the config -> paths of its down-projections, ``{layer}`` from 0."""

NO_NEURONS: dict[str, str] = {
    **dict.fromkeys(("mamba", "mamba2", "falcon_mamba"), "its blocks are state-space models (Mamba)"),
}
"""model_type -> what its blocks are made of instead of MLPs."""

LENGTH_FIRST = frozenset({"xlnet", "fsmt"})
"""Types whose hidden states are ``[length, windows, d_model]``."""


def neuron_paths(model_type: str) -> tuple[str, ...]:
    """The paths that the table has for a type, none for a type that is not listed."""
    return NEURONS.get(model_type, ())


def repeated(model_type: str, config: Any, path: str) -> tuple[int, bool]:
    """How often a block runs in one forward, and whether each of its runs counts as a layer of its own.

    ALBERT's layers share the weights of a block. HRM runs two stacks repeatedly to improve one answer; of these
    the last run counts, from which the answer is read.
    """
    if model_type == "albert":
        return int(config.num_hidden_layers) // int(config.num_hidden_groups), True
    if model_type == "hrm_text":
        return int(config.H_cycles) * (int(config.L_cycles) if ".L_module." in path else 1), False
    return 1, False


def only_for_images(config: Any) -> frozenset[int]:
    """Numbers of blocks that text alone does not pass through: they attend to images (Llama 3.2 Vision)."""
    return frozenset(getattr(text_config(config), "cross_attention_layers", None) or ())
