"""The proof that tokens are those of the model's own ``tokenizer.json``, on a probe text and part by part.

transformers builds many tokenizers anew from their vocabulary, by the class that a config names, and then drops the
normalizer and the pre-tokenizer that the file gives. Such tokens are plausible and not those that the model was trained
on. Where all parts that decide on tokens are the same, every text has the same tokens; the probe text shows how much
a difference matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["ADDED", "PROBE", "TokenComparison", "add_declared", "compare_tokens"]


PROBE: tuple[str, ...] = (
    "The cat's 3 dogs didn't see 12 birds, 345 fish, 6789 ants or 1234567 bees; it cost $1,024.50 (or 99%)!",
    "  Two blanks first, then   three,    four and        eight.\tA tab,\t\ttwo tabs. ",
    " \n A line end.\n\n\nThree.\r\nDOS. \n",
    "def area(r: float) -> float:\n    # comment\n\treturn 3.14159 * r**2 if r >= 0 else -1\n\n\nx_1 = {'k': [0]}\n",
    "camelCase, snake_case, SHOUTED WORDS, https://example.org/a?b=c&d=%20e#f, name@example.org, <b>bold</b> ... ---",
    "Crème brûlée, naïve façade, Ångström, Straße, ĞİŞğış, cafe\u0301 re\u0301sume\u0301, \ufb01ne, ½ x² №5",
    "She said \u2014 “quoted” ‘it’s’ \u2026 and left.",
    "Привет, мир! Ένα δύο τρία. שלום עולם. مرحبا بالعالم ١٢٣. नमस्ते दुनिया १२३. বাংলা தமிழ் ไทยสวัสดี ქართული Հայերեն",
    "我喜欢苹果,今天是2024年3月15日。日本語のテキスト、カタカナ。한국어 문장입니다.",
    "Tiếng Việt có dấu. ＡＢＣ１２３ ﷺ 𝔘𝔫𝔦 𝟙𝟚",
    "🙂👍🏽👩\u200d👩\u200d👧\u200d👦🇫🇷 ❤\ufe0f e\u200dm\u00a0o\u2009j\u3000i \u200b\ufeff",
    "word",
    " word",
    "a\nb",
)
"""Texts with several scripts, digits, runs of blanks, line ends, accents, emoji and code."""

# What decides on the tokens of a text and on the text of tokens, by the attribute of a ``tokenizers.Tokenizer``.
_PARTS = {
    "normalizer": "normalizer",
    "pre_tokenizer": "pre-tokenizer",
    "model": "vocabulary or merges",
    "decoder": "decoder",
}
ADDED = "added tokens"
_SPECIALS = ("bos_token", "eos_token", "cls_token", "sep_token")  # those that may be put around a text

Token = tuple[int, int, int]  # its id, and the characters it stands for without blanks at either end


@dataclass(frozen=True, slots=True)
class TokenComparison:
    """How a tokenizer of transformers differs from the one that a file describes.

    Attributes:
        tokens: how many tokens the file's gives for the probe text.
        differing: how many of those the other does not give.
        specials: special tokens that have another id, or that the file does not know.
        parts: what is built otherwise, by name; empty where every text has the same tokens.
    """

    tokens: int
    differing: int
    specials: tuple[str, ...]
    parts: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not (self.differing or self.specials or self.parts)


def compare_tokens(
    tokenizer: Any, reference: Any, *, declared: Collection[str] = (), own_ends: bool = False
) -> TokenComparison:
    """Compare a tokenizer of transformers with the ``tokenizers.Tokenizer`` read from its ``tokenizer.json``.

    Args:
        tokenizer: as transformers loads it; of one without offsets, only ids are compared.
        reference: the file's, without truncation and padding, see :func:`add_declared`.
        declared: tokens that the configs beside the file name, which they may describe otherwise than the file does.
        own_ends: whether a config says which special tokens are put around a text, so that they may differ.
    """
    total = differing = 0
    for text in PROBE:
        expected, given = _of_reference(reference, text), _of_transformers(tokenizer, text)
        if not tokenizer.is_fast:
            expected = [(token, 0, 0) for token, _, _ in expected]
        missing = (Counter(expected) - Counter(given)).total()
        total += len(expected)
        differing += missing or int(expected != given)
    specials = tuple(
        f"{name} {content}"
        for name in _SPECIALS
        if (content := getattr(tokenizer, name, None)) is not None
        and reference.token_to_id(content) != tokenizer.convert_tokens_to_ids(content)
    )
    parts = _other_parts(tokenizer, reference, declared, own_ends=own_ends)
    return TokenComparison(total, differing, specials, parts)


def add_declared(reference: Any, tokenizer: Any, declared: Collection[str]) -> None:
    """Add to the file's tokenizer those tokens of ``tokenizer`` that it lacks and that a config beside it declares.

    Configs may add tokens to a vocabulary (padding, turns of a chat); a class of transformers may not.
    """
    known = {token.content for token in reference.get_added_tokens_decoder().values()}
    for _, token in sorted(tokenizer.added_tokens_decoder.items()):
        if token.content in declared and token.content not in known:
            (reference.add_special_tokens if token.special else reference.add_tokens)([token])


def _other_parts(tokenizer: Any, reference: Any, declared: Collection[str], *, own_ends: bool) -> tuple[str, ...]:
    backend = getattr(tokenizer, "backend_tokenizer", None) if tokenizer.is_fast else None
    if backend is None:
        return ("code",)
    parts = [
        words for name, words in _PARTS.items() if _state(getattr(backend, name)) != _state(getattr(reference, name))
    ]
    if _added(backend, declared) != _added(reference, declared):
        parts.append(ADDED)
    ends = [list(tokenizer(text, padding=False, truncation=False, verbose=False)["input_ids"]) for text in PROBE[-3:]]
    expected = [reference.encode(text).ids for text in PROBE[-3:]]
    if not own_ends and not parts and ends != expected:
        parts.append("special tokens around a text")
    return tuple(parts)


def _added(backend: Any, declared: Collection[str]) -> set[tuple[object, ...]]:
    """The added tokens of a tokenizer but for ``declared`` ones, with what decides where they match."""
    return {
        (number, token.content, token.lstrip, token.rstrip, token.single_word, token.normalized)
        for number, token in backend.get_added_tokens_decoder().items()
        if token.content not in declared
    }


def _state(part: Any) -> Any:
    return None if part is None else part.__getstate__()


def _of_reference(reference: Any, text: str) -> list[Token]:
    encoding = reference.encode(text, add_special_tokens=False)
    return _trimmed(text, encoding.ids, encoding.offsets)


def _of_transformers(tokenizer: Any, text: str) -> list[Token]:
    options: dict[str, Any] = {"add_special_tokens": False, "padding": False, "truncation": False, "verbose": False}
    if not tokenizer.is_fast:
        return [(int(token), 0, 0) for token in tokenizer(text, **options)["input_ids"]]
    encoding = tokenizer(text, return_offsets_mapping=True, **options)
    return _trimmed(text, encoding["input_ids"], encoding["offset_mapping"])


def _trimmed(text: str, ids: Sequence[int], offsets: Sequence[tuple[int, int]]) -> list[Token]:
    """Tokens whose characters leave out blanks at either end: a setting decides whether they belong to a token."""
    tokens = []
    for token, (start, end) in zip(ids, offsets, strict=True):
        piece = text[start:end]
        first = start + len(piece) - len(piece.lstrip())
        tokens.append((int(token), first, first + len(piece.strip())) if piece.strip() else (int(token), -1, -1))
    return tokens
