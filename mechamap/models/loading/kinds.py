"""Which kind of language model a config describes: a decoder, an encoder, or one with both sides.

What counts is what attention does. transformers builds a BERT without ``is_decoder`` as a "causal" model too, and it
still attends to the right: that is an encoder here, whatever its class is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mechamap.errors import UnsupportedModel
from mechamap.models.config_keys import text_config
from mechamap.models.loaded import Kind
from mechamap.models.transformers_internals import lists_type, model_class_of

if TYPE_CHECKING:
    from mechamap.models.loaded import LoadedModel

__all__ = ["auto_class", "is_left_out", "kind_of", "longest_window", "refuse_undefined", "undefined_figures"]


# Encoders that transformers lists neither among its masked language models nor among its text encoders.
_ALSO_ENCODERS = frozenset({"bert-generation", "dpr", "lilt", "splinter", "xlnet"})
_SHORTENING = frozenset({"canine", "funnel", "perceiver"})
_NO_TEXT = "MechaMap scans language models: GPT-2, Llama, Qwen, Gemma; BERT, RoBERTa, ModernBERT; T5, BART; and others."
_CONTEXT_KEYS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "max_encoder_position_embeddings",
    "max_decoder_position_embeddings",
    "max_target_positions",
)
# Their causal class names weights differently from the checkpoints, which are of the whole model.
_WHOLE_ONLY = frozenset({"emu3"})
_BOTH_SIDES = "An encoder reads a text in both directions at once"
_UNDEFINED: dict[str, dict[str, str]] = {
    "decoder": {},
    "encoder": {
        "write": f"{_BOTH_SIDES} and predicts no next token, so its neurons promote no word in the output.",
        "cause": f"{_BOTH_SIDES} and predicts no word from what precedes it, so a neuron has no such probability to "
        "change.",
    },
    "encoder-decoder": {
        "write": "The encoder's neurons reach the output only through the decoder's attention, so their weights do not "
        "tell what they write; that of the decoder's neurons is not computed either.",
        "cause": "The encoder has read the whole text, the word itself included, before the decoder predicts it, so "
        "the prediction depends on more than what precedes the word.",
    },
}


def kind_of(config: Any, where: str) -> Kind:
    """The kind of model that a config of transformers describes.

    Args:
        config: the config.
        where: the folder or file it is from, for the message.

    Raises:
        UnsupportedModel: it is not a language model, or its neurons do not belong to single tokens of one text.
    """
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    built_as = _built_as(config)
    model = f"{where} is a {config.model_type} model ({built_as or type(config).__name__})"
    if config.model_type in _SHORTENING:
        raise UnsupportedModel(
            f"{model}, which shortens the sequence internally: its neurons do not see single tokens.", _NO_TEXT
        )
    causal = _knows(AutoModelForCausalLM, config)
    if getattr(config, "is_encoder_decoder", False) and not built_as.endswith("ForCausalLM"):
        if built_as.endswith("EncoderModel"):
            return "encoder"
        if _knows(AutoModelForSeq2SeqLM, config):
            if len(sizes := _vocabularies(config)) > 1:
                raise UnsupportedModel(
                    f"{model}, whose encoder and decoder have vocabularies of their own ({sizes[0]:,} and {sizes[1]:,} "
                    "tokens), so they cannot read the same text.",
                    "Models whose sides share one vocabulary can be scanned: T5, BART and models like them.",
                )
            return "encoder-decoder"
    elif causal and not _reads_right(config):
        return "decoder"
    elif causal or _is_encoder(config):
        return "encoder"
    raise UnsupportedModel(f"{model}, not a language model that reads text.", _NO_TEXT)


def auto_class(kind: Kind, config: Any) -> Any:
    """The class of transformers that loads a model of this kind, with as little around its blocks as possible.

    An encoder is loaded without a head: none of its figures needs one. So is a decoder that was saved without one, such
    as an embedding model, whose head would be random.
    """
    import transformers

    if kind == "encoder-decoder":
        return transformers.AutoModelForSeq2SeqLM
    if kind == "encoder":
        only_a_side = getattr(config, "is_encoder_decoder", False) or _built_as(config).endswith("EncoderModel")
        return transformers.AutoModelForTextEncoding if only_a_side else transformers.AutoModel
    body = getattr(model_class_of(transformers.AutoModel, config), "__name__", "")
    tied = getattr(text_config(config), "tie_word_embeddings", True)
    if _built_as(config) == body and body and not tied:
        return transformers.AutoModel
    if config.model_type in _WHOLE_ONLY:
        return transformers.AutoModelForImageTextToText
    return transformers.AutoModelForCausalLM


def is_left_out(kind: Kind, weight: str) -> bool:
    """Whether a checkpoint may lack a weight, because no neuron depends on it: that of an encoder's pooler."""
    return kind == "encoder" and "pooler" in weight.split(".")


def longest_window(model: Any, kind: Kind) -> int | None:
    """The longest sequence of a text's tokens that a model can read, None where its config sets no limit."""
    from torch import nn

    config = text_config(model.config)
    limits = [value for key in _CONTEXT_KEYS if isinstance(value := getattr(config, key, None), int) and value > 0]
    limits = limits if kind == "encoder-decoder" else limits[:1]
    for path, module in model.named_modules():
        # RoBERTa and models like it count positions from behind the padding's.
        if path.endswith("position_embeddings") and isinstance(module, nn.Embedding) and module.padding_idx is not None:
            limits.append(module.num_embeddings - module.padding_idx - 1)
    # A decoder beside an encoder has a start token in front; ProphetNet's streams predict from the next position.
    ahead = int(kind == "encoder-decoder") + int(config.model_type == "prophetnet" and kind != "encoder")
    return min(limits) - ahead if limits else None


def undefined_figures(loaded: LoadedModel) -> dict[str, str]:
    """The figures that are not defined for this kind of model, each with the reason."""
    return dict(_UNDEFINED[loaded.kind])


def refuse_undefined(loaded: LoadedModel, figure: str) -> None:
    """Refuse to compute a figure that is not defined for this kind of model.

    Raises:
        UnsupportedModel: with the reason.
    """
    reason = undefined_figures(loaded).get(figure)
    if reason is not None:
        raise UnsupportedModel(f"{loaded.label}: {reason}", "What its neurons read can be scanned and confirmed.")


def refuse_repeated(loaded: LoadedModel) -> None:
    """Refuse to ablate neurons of a model whose blocks run several times in a forward.

    Raises:
        UnsupportedModel: they do.
    """
    runs = max(layer.calls for layer in loaded.layers)
    if runs > 1:
        raise UnsupportedModel(
            f"The blocks of {loaded.label} run up to {runs} times in a forward, and each run would ablate the neuron.",
            "What its neurons read can be scanned and confirmed.",
        )


def _built_as(config: Any) -> str:
    """The class that a checkpoint was saved from, empty where its config does not say."""
    names = getattr(config, "architectures", None) or [""]
    return str(names[0])


def _vocabularies(config: Any) -> list[int]:
    """The sizes of the vocabularies of a model of two sides: one where both say the same."""
    encoder, decoder = getattr(config, "encoder", None), getattr(config, "decoder", None)
    names = ("src_vocab_size", "tgt_vocab_size", "vocab_size", "decoder_vocab_size")
    pairs = [(config, name) for name in names]
    if encoder is not None and decoder is not None:
        pairs = [(text_config(encoder), "vocab_size"), (text_config(decoder), "vocab_size")]
    sizes = (getattr(side, name, None) for side, name in pairs)
    return list(dict.fromkeys(size for size in sizes if isinstance(size, int)))


def _knows(auto: Any, config: Any) -> bool:
    """Whether an Auto class of transformers loads such a model, or its own code says so."""
    return lists_type(auto, config) or auto.__name__ in (getattr(config, "auto_map", None) or {})


def _reads_right(config: Any) -> bool:
    """Whether attention looks at what follows a token, in a type that is listed as causal."""
    text = text_config(config)
    if getattr(text, "is_causal", True) is False or getattr(text, "use_bidirectional_attention", None) in (True, "all"):
        return True
    if config.model_type == "xlnet":
        return bool(config.attn_type == "bi")
    if config.model_type == "cpmant":  # it takes its whole input for context, within which attention is bidirectional
        return True
    if not _is_encoder(config):
        return False
    if hasattr(config, "causal"):  # XLM, Flaubert
        return not config.causal
    return not getattr(config, "is_decoder", False)


def _is_encoder(config: Any) -> bool:
    """Whether a type is built as an encoder unless its config says otherwise."""
    from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForTextEncoding

    if config.model_type in _ALSO_ENCODERS or _knows(AutoModelForMaskedLM, config):
        return True
    if _knows(AutoModelForCausalLM, config):
        return False
    native = lists_type(AutoModelForTextEncoding, config)
    return native or (AutoModel.__name__ in (getattr(config, "auto_map", None) or {}) and _has_vocabulary(config))


def _has_vocabulary(config: Any) -> bool:
    return isinstance(getattr(config, "vocab_size", None), int)
