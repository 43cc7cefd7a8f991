"""Which special tokens stand around a text: a decoder's BOS, ``[CLS]`` and ``[SEP]``, T5's ``</s>``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Specials", "specials_around"]


_PROBES = ("a", "The cat sat.", "1", "\u7684")  # a vocabulary may lack every character of one of them


@dataclass(frozen=True, slots=True)
class Specials:
    """Token ids in front of each window and behind it."""

    front: tuple[int, ...] = ()
    behind: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """How many tokens of a window they take."""
        return len(self.front) + len(self.behind)

    def around(self, ids: list[int]) -> list[int]:
        """A window's tokens with the specials around them."""
        return [*self.front, *ids, *self.behind]

    def in_words(self, tokenizer: Any, kind: str) -> str:
        """A description of what stands where."""
        front = " ".join(self._pieces(tokenizer, self.front))
        behind = " ".join(self._pieces(tokenizer, self.behind))
        if kind == "decoder":
            return f"{front} in front of each window" if front else "no BOS in front"
        places = ((front, "in front of each window"), (behind, "behind it" if front else "behind each window"))
        described = " and ".join(f"{tokens} {place}" for tokens, place in places if tokens)
        if front:
            return described
        return f"no special token in front, {described}" if described else "no special token in front"

    def named(self, tokenizer: Any) -> dict[str, list[str]]:
        """The tokens in front and behind as the vocabulary spells them."""
        return {"front": self._pieces(tokenizer, self.front), "behind": self._pieces(tokenizer, self.behind)}

    @staticmethod
    def _pieces(tokenizer: Any, ids: tuple[int, ...]) -> list[str]:
        names = [str(token) for token in tokenizer.convert_ids_to_tokens(list(ids))]
        # One that is no ASCII may be spelled byte by byte, as in GGUF files.
        return [
            name if name.isascii() else tokenizer.decode([token]).strip() or name
            for name, token in zip(names, ids, strict=True)
        ]


def specials_around(tokenizer: Any, kind: str, add_specials: bool) -> Specials:
    """What to put around each window.

    A decoder gets the BOS where its tokenizer has one, whether or not that puts it there by itself. Models that read to
    the right were trained on what their tokenizer puts around a text, so they get that.

    Args:
        kind: the kind of model, as :attr:`mechamap.models.loaded.LoadedModel.kind`.
        add_specials: whether to put any there (``add_bos`` of the config).
    """
    if not add_specials:
        return Specials()
    if kind == "decoder":
        bos = tokenizer.bos_token_id
        return Specials() if bos is None else Specials((bos,))
    for text in _PROBES:
        encoding = tokenizer(text, return_special_tokens_mask=True, padding=False, truncation=False, verbose=False)
        ids, mask = list(encoding["input_ids"]), list(encoding["special_tokens_mask"])
        if 0 in mask:
            return Specials(tuple(ids[: mask.index(0)]), tuple(ids[len(ids) - mask[::-1].index(0) :]))
    return Specials()
