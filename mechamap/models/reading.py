"""How a model reads windows of a text: the arguments of its forward, and what a decoder beside an encoder reads."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mechamap.models.config_keys import text_config
from mechamap.models.loaded import Kind

if TYPE_CHECKING:
    from torch import Tensor

    from mechamap.models.loaded import LoadedModel

__all__ = ["Reading", "inputs_to_try", "reading_of"]


_SENTENCE = "The cat sat on the mat in Paris and ate 12 apples."
_N_TOKENS = 8
# They see padding in spite of the mask: through convolutions or neighbouring embeddings (ConvBERT, MobileBERT), Fourier
# transforms (FNet), or attention approximated over the whole length.
_SEE_PADDING = frozenset(
    {"canine", "convbert", "cpmant", "fnet", "mobilebert", "mra", "nystromformer", "reformer", "yoso"}
)
_LAST_TOKEN_FIRST = frozenset({"mbart", "plbart"})  # the language's code, which ends a text and starts its translation


@dataclass(frozen=True, slots=True)
class Reading:
    """How a model reads.

    Attributes:
        kind: ``decoder``, ``encoder`` or ``encoder-decoder``.
        start: the token that a decoder beside an encoder reads first; None for the last token of each window.
        pad: the token that fills up a window shorter than its batch.
        masked: whether the forward takes a mask of the padding.
        cached: whether its key-value cache can be switched off (``use_cache``).
        equal_lengths: windows of one batch must be equally long, because the mask does not hide all padding.
        front: how many positions of its own the model puts in front of a window.
    """

    kind: Kind = "decoder"
    start: int | None = 0
    pad: int = 0
    masked: bool = True
    cached: bool = True
    equal_lengths: bool = False
    front: int = 0

    @property
    def shift(self) -> int:
        """How many tokens a decoder beside an encoder reads before the first of a window."""
        return int(self.kind == "encoder-decoder")

    def inputs(self, ids: Tensor, mask: Tensor) -> dict[str, Any]:
        """The arguments of the model's forward.

        A decoder beside an encoder reads the same text behind a start token, so that its activations at a
        token depend on the tokens up to it, and on all of the encoder's.

        Args:
            ids: ``[windows, length]``, padded on the right.
            mask: ``[windows, length]``, 0 at padding.
        """
        import torch

        inputs: dict[str, Any] = {"input_ids": ids}
        if self.masked:
            inputs["attention_mask"] = mask
        if self.shift:
            last = (mask.sum(dim=1, keepdim=True) - 1).clamp(min=0)
            first = ids.gather(1, last) if self.start is None else torch.full_like(last, self.start)  # [windows, 1]
            inputs["decoder_input_ids"] = torch.cat([first, ids], dim=1)  # [windows, 1 + length]
            inputs["decoder_attention_mask"] = torch.cat([torch.ones_like(first), mask], dim=1)
        if self.cached:
            inputs["use_cache"] = False
        return inputs


def reading_of(loaded: LoadedModel) -> Reading:
    """How a loaded model reads."""
    kind, config = loaded.kind, text_config(loaded.model.config)
    if kind == "decoder":
        return Reading()
    takes = inspect.signature(type(loaded.model).forward).parameters
    pad = getattr(config, "pad_token_id", None)
    return Reading(
        kind=kind,
        start=_start(loaded) if kind == "encoder-decoder" else 0,
        pad=pad if isinstance(pad, int) and 0 <= pad < loaded.vocabulary else 0,
        masked="attention_mask" in takes,
        cached="use_cache" in takes,
        equal_lengths=loaded.architecture in _SEE_PADDING,
        front=int(config.prompt_length) if loaded.architecture == "cpmant" else 0,
    )


def inputs_to_try(loaded: LoadedModel) -> dict[str, Any]:
    """The arguments of a forward over a few tokens, one window."""
    import torch

    known = [token for token in loaded.tokenizer.encode(_SENTENCE) if token < loaded.vocabulary][:_N_TOKENS]
    ids = torch.tensor([known or [0]], device=loaded.device)
    return reading_of(loaded).inputs(ids, torch.ones_like(ids))


def _start(loaded: LoadedModel) -> int | None:
    """The token that the decoder reads first, as the config gives it; else the one that generation begins with."""
    model: Any = loaded.model
    for config in (model.config, getattr(model, "generation_config", None)):
        start = getattr(config, "decoder_start_token_id", None)
        if isinstance(start, int):
            return start
    if loaded.architecture in _LAST_TOKEN_FIRST:
        return None
    others = (getattr(model.config, name, None) for name in ("bos_token_id", "pad_token_id", "eos_token_id"))
    return next((token for token in others if isinstance(token, int)), 0)
