"""The fields of the form that starts a scan: what each is called, here and on the command line."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FIELDS", "Field"]


@dataclass(frozen=True, slots=True)
class Field:
    """A line of the form: the attribute of the draft, its label, its flag, and its placeholder."""

    name: str
    label: str
    flag: str
    empty: str


FIELDS = (
    Field("model", "Model", "", "demo, gpt2, a hub id, a folder or a .gguf file"),
    Field("config", "Config file", "--config", "the default categories and text"),
    Field("text", "Text file", "--text", "the config's text"),
    Field("corpus", "Corpus", "--corpus", "in place of the text: a file, a folder or hf:owner/name"),
    Field("field", "Text member", "--field", "of its records: text, or the only text they have"),
    Field("max_tokens", "Max tokens", "--max-tokens", "of the corpus: all, or stop at so many"),
    Field("layers", "Layers", "--layers", "all, or layers such as 0-5,11"),
    Field("limit_neurons", "Limit neurons", "--limit-neurons", "all neurons, or the first N of each layer"),
    Field("threshold", "Threshold", "--threshold", "the config's"),
    Field("top_k_tokens", "Top tokens", "--top-k-tokens", "the config's"),
    Field("second_text", "Second text", "--second-text", "auto (a third of the scan's time), always or never"),
    Field("dtype", "Dtype", "--dtype", "auto, float32, bfloat16 or float16"),
    Field("device", "Device", "--device", "auto, cpu, cuda, cuda:1 or mps"),
    Field("revision", "Revision", "--revision", "a branch, tag or commit on the hub"),
)
