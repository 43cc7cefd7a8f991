"""Reading a model's tokenizer, so that its tokens are those of its ``tokenizer.json``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mechamap.errors import ModelError
from mechamap.models.loading import folder, gguf
from mechamap.models.loading.gguf_header import read_header
from mechamap.models.token_proof import ADDED, TokenComparison, add_declared, compare_tokens
from mechamap.models.transformers_internals import gguf_pre_tokenizers
from mechamap.runs.scanned import TokenProof
from mechamap.system.json_files import read_json

__all__ = ["read_tokenizer"]


_FILE = "tokenizer.json"
_SPECIAL_ID = re.compile(r"tokenizer\.ggml\.(bos|eos|unknown|padding)_token_id")
_CONFIGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
# Names of GPT-2's pre-tokenizer in GGUF files; transformers splits as it does where it does not know a name.
_AS_GPT2 = frozenset(
    {
        "a.x-4.0", "default", "gigachat", "gpt-2", "jina-de", "jina-es", "jina-v1-en", "jina-v2-code", "jina-v2-de",
        "jina-v2-es", "mellum", "modern-bert", "phi-2", "roberta-bpe",
    }
)  # fmt: skip
_SPECIALS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


def read_tokenizer(path: Path, trust_remote_code: bool) -> tuple[Any, TokenProof]:
    """The model's tokenizer, which must give the characters that each token stands for, and the proof of its tokens.

    What transformers makes of a folder is used where its tokens are those of the folder's tokenizer.json, else that
    file itself, with the special tokens that the configs beside it name.

    Raises:
        ModelError: there is no tokenizer; it is a slow one, which gives no characters; or its tokenizer.json cannot be
            read, or gives other tokens in transformers.
    """
    if path.is_dir():
        folder.check_tokenizer_files(path)
        if (file := path / _FILE).is_file():
            return _proved(path, file, trust_remote_code)
    tokenizer = _of_transformers(path, trust_remote_code) if path.is_dir() else _of_gguf(path, trust_remote_code)
    if not tokenizer.is_fast:
        raise ModelError(
            f"The tokenizer of {path} ({type(tokenizer).__name__}) does not say which characters a token stands for, "
            "so words cannot be found in the text.",
            "Give a model with a fast tokenizer (one with a tokenizer.json).",
        )
    missing = "the folder has no tokenizer.json" if path.is_dir() else "a GGUF file has none"
    unknown = "" if path.is_dir() else _unknown_pre_tokenizer(path)
    return tokenizer, TokenProof(
        tokenizer=type(tokenizer).__name__, compared=False, remark=missing, unknown_pre_tokenizer=unknown
    )


def _of_gguf(path: Path, trust_remote_code: bool) -> Any:
    """The tokenizer of a GGUF file, its BOS the token that the file names.

    transformers looks the BOS up by its text. In byte-level vocabularies it has that under another spelling, as
    DeepSeek's is no ASCII, and adds another token behind the vocabulary, for which the model has no weights.

    Raises:
        ModelError: the file names a special token that its vocabulary lacks.
    """
    header = read_header(path)
    named = {key: value for key, value in header.values.items() if _SPECIAL_ID.fullmatch(key)} if header else {}
    try:
        tokenizer = _of_transformers(path, trust_remote_code)
    except IndexError:
        ids = ", ".join(f"{key.rpartition('.')[2]} {value:,}" for key, value in named.items())
        raise ModelError(
            f"The header of {path} names a special token that its vocabulary lacks: {ids}.",
            "Get another conversion of the model, or set the number right (gguf-set-metadata).",
        ) from None
    bos = named.get("tokenizer.ggml.bos_token_id")
    if tokenizer.is_fast and isinstance(bos, int) and tokenizer.bos_token_id not in (None, bos):
        tokenizer.bos_token = tokenizer.convert_ids_to_tokens(bos)
    return tokenizer


def _unknown_pre_tokenizer(path: Path) -> str:
    """The pre-tokenizer that a GGUF file names and transformers does not know; empty where it does."""
    header = read_header(path)
    if header is None or header.text("tokenizer.ggml.model") != "gpt2":  # others have no pre-tokenizer
        return ""
    name = header.text("tokenizer.ggml.pre")
    return "" if not name or name in _AS_GPT2 | gguf_pre_tokenizers() else name


def _proved(path: Path, file: Path, trust_remote_code: bool) -> tuple[Any, TokenProof]:
    """The tokenizer of a folder with a tokenizer.json."""
    reference, declared = _reference(file), _Declared(path)
    reference.encode_special_tokens = declared.splits_specials
    tokenizer: Any = None
    compared: TokenComparison | None = None
    failure = ""
    try:
        tokenizer = _of_transformers(path, trust_remote_code)
        add_declared(reference, tokenizer, declared.tokens)
        compared = compare_tokens(tokenizer, reference, declared=declared.tokens, own_ends=declared.names_ends)
    except BaseException as error:  # a class that does not fit the file fails in many ways
        if _is_ours(error) or "trust_remote_code" in str(error):
            raise
        failure = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if compared is not None and compared.same:
        return tokenizer, _record(tokenizer, compared)
    return _of_file(path, tokenizer, reference, declared), _record(tokenizer, compared, failure=failure, replaced=True)


def _of_transformers(path: Path, trust_remote_code: bool) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(**gguf.place(path), trust_remote_code=trust_remote_code)


def _reference(file: Path) -> Any:
    """The tokenizer that the file describes, without truncation and padding.

    Raises:
        ModelError: it cannot be read.
    """
    from tokenizers import Tokenizer

    try:
        reference = Tokenizer.from_file(str(file))
    except BaseException as error:
        if _is_ours(error):
            raise
        raise ModelError(
            f"{file} cannot be read: {' '.join(str(error).split())[:200]}.",
            "Download it again; if it is complete, a newer tokenizers may be able to read it.",
        ) from None
    reference.no_truncation()
    reference.no_padding()
    return reference


def _is_ours(error: BaseException) -> bool:
    """Whether an exception is none of tokenizers' own, whose panics are no ``Exception``."""
    return not isinstance(error, Exception) and type(error).__name__ != "PanicException"


def _of_file(path: Path, other: Any, reference: Any, declared: _Declared) -> Any:
    """The tokenizer that the folder's tokenizer.json describes, as one of transformers.

    Args:
        other: what transformers makes of the folder, None where it cannot. Special tokens of its class are kept where
            they are special in the file too.

    Raises:
        ModelError: its tokens are not those of the file either.
    """
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast.from_pretrained(str(path))
    special = {token.content for token in reference.get_added_tokens_decoder().values() if token.special}
    for name in _SPECIALS:
        content = getattr(other, name, None)
        if getattr(tokenizer, name, None) is None and content in special:
            setattr(tokenizer, name, content)
    add_declared(reference, tokenizer, declared.tokens)
    compared = compare_tokens(tokenizer, reference, declared=declared.tokens, own_ends=True)
    parts = [part for part in compared.parts if part != ADDED]
    if compared.differing or parts:
        what = f"{compared.differing} of {compared.tokens} tokens of a probe text differ"
        raise ModelError(
            f"The tokens of {path / _FILE} are not those that transformers makes of it: "
            f"{what if compared.differing else f'its {parts[0]} is another'}.",
            "A scan of other tokens than the model was trained on would mean nothing. Another version of transformers "
            "may read it as it is.",
        )
    return tokenizer


def _record(
    tokenizer: Any, compared: TokenComparison | None, *, failure: str = "", replaced: bool = False
) -> TokenProof:
    return TokenProof(
        tokenizer=type(tokenizer).__name__ if tokenizer is not None else "",
        compared=True,
        used=_FILE if replaced else "transformers",
        tokens=compared.tokens if compared is not None else 0,
        differing=compared.differing if compared is not None else 0,
        differences=(*compared.specials, *compared.parts) if compared is not None else (),
        remark=failure,
    )


class _Declared:
    """What the configs beside a tokenizer.json say of its tokens.

    Attributes:
        tokens: every token that they name.
        names_ends: whether they say which special tokens are put around a text.
        splits_specials: whether special tokens in a text are split like others.
    """

    def __init__(self, path: Path) -> None:
        configs = [config for name in _CONFIGS if isinstance(config := _json(path / name), dict)]
        self.tokens = frozenset(token for config in configs for token in _tokens(config))
        self.names_ends = any({"add_bos_token", "add_eos_token"} & config.keys() for config in configs)
        self.splits_specials = any(config.get("split_special_tokens") is True for config in configs)


def _json(file: Path) -> Any:
    try:
        return read_json(file)
    except (OSError, ValueError):
        return None


def _tokens(config: Any) -> Iterator[str]:
    """Every text in a config that may be a token, also as a key: added_tokens.json has tokens for keys."""
    if isinstance(config, str):
        yield config
    elif isinstance(config, dict):
        for key, value in config.items():
            yield key
            yield from _tokens(value)
    elif isinstance(config, list):
        for value in config:
            yield from _tokens(value)
