"""Whether a model has an embedding of every token of a text."""

from __future__ import annotations

from mechamap.errors import TextError
from mechamap.models.loaded import LoadedModel
from mechamap.text.tokenize import TokenizedText
from mechamap.wording.advice import Advice, Hint, Setting

__all__ = ["check_vocabulary"]


def check_vocabulary(tokenized: TokenizedText, loaded: LoadedModel) -> None:
    """See that the model has an embedding of every token.

    Raises:
        TextError: it has not.
    """
    position = int(tokenized.ids.argmax())
    token = int(tokenized.ids[position])
    if token < loaded.vocabulary:
        return
    hint: Hint = "The tokenizer and the weights do not belong together."
    if tokenized.offsets[position, 0] < 0:
        hint = Advice.of(f"{hint} Without special tokens around the text: {{}}.", Setting("no_bos"))
    elif token in getattr(loaded.tokenizer, "added_tokens_decoder", {}):
        hint = "It was added to the tokenizer and has no weights: take it out of the text, or get the right tokenizer."
    raise TextError(
        f"The tokenizer of {loaded.label} gives token {token:,}, {tokenized.pieces[position]!r}; the embedding has "
        f"{loaded.vocabulary:,} rows.",
        hint,
    )
