from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from support.by_name import load_model
from support.tiny_encoders import framed_tokenizer, save_tiny, tiny_of

from mechamap.errors import UnsupportedModel, WeightsError
from mechamap.models.loaded import Kind
from mechamap.models.loading.kinds import auto_class, kind_of, longest_window


def kind(model_type: str, built_as: str, **changes: Any) -> Kind:
    config = transformers.AutoConfig.for_model(model_type, **changes)
    config.architectures = [built_as] if built_as else None
    return kind_of(config, "folder")


# --- by the config ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model_type", "built_as"),
    [
        ("gpt2", "GPT2LMHeadModel"),
        ("llama", ""),
        ("gpt_neox", "GPTNeoXForCausalLM"),  # its config has is_decoder, unset
        ("modernbert-decoder", "ModernBertDecoderForCausalLM"),
        ("whisper", "WhisperForCausalLM"),
    ],
)
def test_causal_models_are_decoders(model_type: str, built_as: str) -> None:
    assert kind(model_type, built_as) == "decoder"


@pytest.mark.parametrize(
    ("model_type", "built_as"),
    [
        ("bert", "BertModel"),
        ("bert", "BertForMaskedLM"),
        ("bert", ""),
        ("roberta", "RobertaForSequenceClassification"),
        ("albert", "AlbertForPreTraining"),
        ("bert-generation", "BertGenerationEncoder"),
        ("deberta-v2", "DebertaV2Model"),
        ("distilbert", "DistilBertForMaskedLM"),
        ("modernbert", "ModernBertForMaskedLM"),
        ("splinter", "SplinterModel"),
        ("xlnet", "XLNetLMHeadModel"),
        ("t5", "T5EncoderModel"),
        ("clip_text_model", "CLIPTextModel"),
    ],
)
def test_models_that_read_both_ways_are_encoders(model_type: str, built_as: str) -> None:
    assert kind(model_type, built_as) == "encoder"


@pytest.mark.parametrize(
    "model_type", ["bart", "mbart", "t5", "mt5", "umt5", "pegasus", "led", "prophetnet", "m2m_100"]
)
def test_models_of_two_sides_are_encoder_decoders(model_type: str) -> None:
    assert kind(model_type, "") == "encoder-decoder"


@pytest.mark.parametrize(
    ("model_type", "built_as", "as_decoder", "as_encoder"),
    [
        ("bert", "BertLMHeadModel", {"is_decoder": True}, {}),
        ("roberta", "RobertaForCausalLM", {"is_decoder": True}, {}),
        ("xlm", "XLMWithLMHeadModel", {"causal": True}, {}),
        ("xlnet", "XLNetLMHeadModel", {"attn_type": "uni"}, {}),
        ("llama", "LlamaModel", {}, {"is_causal": False}),
        ("gemma3_text", "Gemma3TextModel", {}, {"use_bidirectional_attention": True}),
    ],
)
def test_what_counts_is_what_attention_does(
    model_type: str, built_as: str, as_decoder: dict[str, Any], as_encoder: dict[str, Any]
) -> None:
    assert kind(model_type, built_as, **as_decoder) == "decoder"
    assert kind(model_type, built_as, **as_encoder) == "encoder"


@pytest.mark.parametrize(
    ("model_type", "changes"),
    [("bert", {"is_decoder": True}), ("bert", {}), ("llama", {"is_causal": False}), ("xlnet", {}), ("modernbert", {})],
)
def test_the_kind_says_what_the_model_really_does(model_type: str, changes: dict[str, Any]) -> None:
    """Change the last token: in a decoder, and only there, what it made of the first stays as it was."""
    model = tiny_of(model_type, "AutoModel", **changes)
    ids = torch.arange(40, 52)[None]
    other = ids.clone()
    other[0, -1] += 1
    with torch.inference_mode():
        first, changed = (model(input_ids=its).last_hidden_state[0, 0] for its in (ids, other))
    assert torch.equal(first, changed) == (kind_of(model.config, "folder") == "decoder")


def test_a_decoder_taken_out_of_an_encoder_decoder_is_a_decoder(tmp_path: Path) -> None:
    loaded = load_model(str(save_tiny(tmp_path, "bart", "AutoModelForCausalLM")), device="cpu")
    assert (loaded.kind, {layer.side for layer in loaded.layers}) == ("decoder", {""})


@pytest.mark.parametrize(
    ("model_type", "built_as"),
    [
        ("vit", "ViTForImageClassification"),
        ("whisper", "WhisperForConditionalGeneration"),
        ("wav2vec2", "Wav2Vec2Model"),
        ("clip", "CLIPModel"),
        ("videomae", "VideoMAEModel"),
    ],
)
def test_models_of_images_and_sounds_are_refused(model_type: str, built_as: str) -> None:
    with pytest.raises(UnsupportedModel) as caught:
        kind(model_type, built_as)
    assert f"folder is a {model_type} model ({built_as}), not a language model" in caught.value.message
    assert "T5" in caught.value.hint


@pytest.mark.parametrize(
    ("model_type", "changes"),
    [("marian", {"vocab_size": 50, "decoder_vocab_size": 60}), ("fsmt", {"src_vocab_size": 50, "tgt_vocab_size": 60})],
)
def test_two_sides_with_vocabularies_of_their_own_cannot_read_one_text(
    model_type: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(UnsupportedModel, match="vocabularies of their own \\(50 and 60 tokens\\)"):
        kind(model_type, "", **changes)
    assert kind(model_type, "", **dict.fromkeys(changes, 50)) == "encoder-decoder"


# --- by the checkpoint ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "auto", ["AutoModel", "AutoModelForMaskedLM", "AutoModelForSequenceClassification", "AutoModelForPreTraining"]
)
def test_an_encoder_loads_from_a_checkpoint_with_any_head_or_none(auto: str, tmp_path: Path) -> None:
    source = tiny_of("bert", auto)
    source.save_pretrained(tmp_path)
    framed_tokenizer("bert").save_pretrained(tmp_path)
    loaded = load_model(str(tmp_path), device="cpu")
    assert (loaded.kind, type(loaded.model).__name__) == ("encoder", "BertModel")
    body = source.base_model.encoder.layer
    for layer in loaded.layers:
        assert torch.equal(layer.module.weight, body[layer.layer].output.dense.weight)


def test_a_gap_in_the_blocks_of_an_encoder_is_refused(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path, "bert", "AutoModel", num_hidden_layers=2)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(WeightsError, match=r"lacks .*encoder\.layer\.2"):
        load_model(str(folder), device="cpu")


def test_the_encoder_of_t5_loads_alone(tmp_path: Path) -> None:
    loaded = load_model(str(save_tiny(tmp_path, "t5", "AutoModelForTextEncoding")), device="cpu")
    assert (loaded.kind, type(loaded.model).__name__) == ("encoder", "T5EncoderModel")
    assert len(loaded.layers) == 3


def test_a_bart_without_head_is_an_encoder_decoder_all_the_same(tmp_path: Path) -> None:
    loaded = load_model(str(save_tiny(tmp_path, "bart", "AutoModel")), device="cpu")
    assert (loaded.kind, type(loaded.model).__name__) == ("encoder-decoder", "BartForConditionalGeneration")


def test_a_decoder_that_was_saved_without_its_head_loads_without(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path, "llama", "AutoModel", is_causal=True, tie_word_embeddings=False)
    loaded = load_model(str(folder), device="cpu")
    assert (loaded.kind, type(loaded.model).__name__) == ("decoder", "LlamaModel")
    tied = transformers.AutoConfig.for_model("llama", tie_word_embeddings=True)
    tied.architectures = ["LlamaModel"]
    assert auto_class("decoder", tied) is transformers.AutoModelForCausalLM


# --- how much a window holds ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model_type", "auto", "changes", "expected"),
    [
        ("bert", "AutoModel", {"max_position_embeddings": 40}, 40),
        ("roberta", "AutoModel", {"max_position_embeddings": 42}, 40),  # the padding's place, and those before it
        ("bart", "AutoModelForSeq2SeqLM", {"max_position_embeddings": 40}, 39),  # the decoder reads one token more
        (
            "led",
            "AutoModelForSeq2SeqLM",
            {"max_encoder_position_embeddings": 64, "max_decoder_position_embeddings": 40},
            39,
        ),
        ("t5", "AutoModelForSeq2SeqLM", {}, None),
    ],
)
def test_the_longest_window_can_be_read_and_a_longer_one_cannot(
    model_type: str, auto: str, changes: dict[str, Any], expected: int | None
) -> None:
    model = tiny_of(model_type, auto, **changes)
    its = kind_of(model.config, "folder")
    assert longest_window(model, its) == expected
    if expected is None:
        return

    def read(length: int) -> None:
        ids = torch.full((1, length), 50)
        both = {"decoder_input_ids": torch.full((1, length + 1), 50)} if its == "encoder-decoder" else {}
        with torch.inference_mode():
            model(input_ids=ids, **both)

    read(expected)
    with pytest.raises((IndexError, RuntimeError)):
        read(expected + 1)
