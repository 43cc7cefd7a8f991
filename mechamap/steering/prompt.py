"""The text that is steered, as the model reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mechamap.config.scan_config import ScanConfig
from mechamap.errors import TextError, UnsupportedModel
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.kinds import refuse_repeated
from mechamap.protocol.steering import Where, checked_where
from mechamap.steering.hooks import Reach
from mechamap.text.tokenize import tokenize
from mechamap.wording.amounts import quantity

__all__ = ["Prompt", "read_prompt", "refuse_unsteerable"]


_NO_LIMIT = 2**31 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """A text in tokens.

    Attributes:
        text: as it was given.
        ids: ``[1, length]``, on the model's device, the special tokens in front included.
        front: how many of them are special tokens in front.
        pieces: the text that each token behind them stands for.
    """

    text: str
    ids: Tensor
    front: int
    pieces: tuple[str, ...]

    @property
    def length(self) -> int:
        return self.ids.shape[1]

    def reach(self, where: Where) -> Reach:
        """The positions that ``where`` means; what stands in front of the text is never steered.

        Raises:
            UsageError: the text has no such token.
        """
        where = checked_where(where, len(self.pieces))
        if where == "last":
            return Reach(self.length - 1, self.length)
        return Reach(self.front + (0 if where == "all" else where))


def read_prompt(loaded: LoadedModel, config: ScanConfig, text: str) -> Prompt:
    """A text in tokens, in one piece.

    Args:
        config: whether a BOS stands in front (``add_bos``).

    Raises:
        TextError: it is empty, has tokens that the model does not know, or is longer than the model can read.
    """
    if not text.strip():
        raise TextError("The prompt is empty.", "Give a few words for the model to go on from.")
    whole = replace(config, window=_NO_LIMIT, exclude_first_position=False, exclude_special_tokens=False)
    tokenized = tokenize([text], loaded.tokenizer, whole, None, loaded.kind)
    length = len(tokenized.ids)
    if loaded.context is not None and length > loaded.context:
        raise TextError(
            f"The prompt has {length:,} tokens; {loaded.label} reads at most {loaded.context:,}.",
            "Shorten the prompt.",
        )
    if (largest := int(tokenized.ids.max())) >= loaded.vocabulary:
        raise TextError(
            f"The tokenizer makes token {largest} of the prompt; {loaded.label} knows {loaded.vocabulary:,} tokens.",
            "Change the prompt, or use the tokenizer that the model was trained with.",
        )
    front = int((tokenized.offsets[:, 0] < 0).sum())
    ids = torch.from_numpy(tokenized.ids.astype("int64"))[None].to(loaded.device)  # [1, length]
    return Prompt(text, ids, front, tokenized.pieces[front:])


def refuse_unsteerable(loaded: LoadedModel) -> None:
    """Refuse a model in which there is no next token to steer, or no single place to steer at.

    Raises:
        UnsupportedModel: with the reason.
    """
    if loaded.kind != "decoder":
        what = "an encoder" if loaded.kind == "encoder" else "an encoder with a decoder"
        raise UnsupportedModel(
            f"{loaded.label} is {what}, which does not go on from a text token by token: there is no next token to "
            "steer.",
            "What its neurons read can be scanned and confirmed.",
        )
    refuse_repeated(loaded)
    if loaded.model.get_output_embeddings() is None:  # type: ignore[operator]
        raise UnsupportedModel(
            f"{loaded.id} has no output embedding, so it gives no next token a probability.",
            "What its neurons read can be scanned and confirmed.",
        )
    if len(loaded.layers) < loaded.n_layers:
        loaded_layers = quantity(len(loaded.layers), "layer")
        raise UnsupportedModel(f"Only {loaded_layers} of {loaded.n_layers} of {loaded.label} are loaded.")
