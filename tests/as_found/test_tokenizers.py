"""Tokens: those of the model's own tokenizer.json, whatever the configs beside it make of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.by_name import load_model, scan_request
from support.gguf_files import write_gguf
from support.small_tokenizers import BOS, byte_level, word_piece
from support.tiny_models import save_tiny_model
from tokenizers import Tokenizer

from mechamap.config.schema import default_config, with_overrides
from mechamap.errors import ModelError
from mechamap.models.loading.tokenizer import read_tokenizer
from mechamap.runs.proof_record import token_note, token_verdict
from mechamap.runs.scanned import TokenProof

TEXT = "In 2023 the Dog ate 100 apples.\n\nA cat's  naïve мир, 12345 我喜欢."


def folder_of(
    folder: Path, backend: Tokenizer, *, model_type: str = "llama", tokens: dict[str, Any] | None = None
) -> Path:
    """A model folder without weights: a config, a tokenizer.json and, where ``tokens`` are given, its config."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    backend.save(str(folder / "tokenizer.json"))
    if tokens is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(tokens))
    return folder


def expected(folder: Path, text: str = TEXT) -> tuple[list[int], list[tuple[int, int]]]:
    """What the file itself gives."""
    backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.no_truncation()
    backend.no_padding()
    encoding = backend.encode(text, add_special_tokens=False)
    return encoding.ids, encoding.offsets


def given(tokenizer: Any, text: str = TEXT) -> tuple[list[int], list[tuple[int, int]]]:
    encoding = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return encoding["input_ids"], encoding["offset_mapping"]


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Path]:
    """A tiny model whose folder has other tokenizer files."""

    def save(backend: Tokenizer, **tokens: Any) -> Path:
        folder = save_tiny_model(tmp_path / "model", "llama", vocab_size=backend.get_vocab_size())
        return folder_of_model(folder, backend, tokens)

    return save


def folder_of_model(folder: Path, backend: Tokenizer, tokens: dict[str, Any]) -> Path:
    backend.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(tokens))
    return folder


@pytest.mark.kind("tokenizer_class_overrides_file")
@pytest.mark.parametrize("kind", ["RobertaTokenizer", "GemmaTokenizer", "T5Tokenizer", "Qwen2Tokenizer"])
@pytest.mark.parametrize("tokenizer", [word_piece, byte_level])
def test_the_tokens_are_those_of_the_file(tmp_path: Path, tokenizer: Callable[[], Any], kind: str) -> None:
    folder = folder_of(tmp_path, tokenizer().backend_tokenizer, tokens={"tokenizer_class": kind})
    loaded, proof = read_tokenizer(folder, trust_remote_code=False)
    assert given(loaded) == expected(folder)
    assert proof.compared
    assert (proof.replaced, bool(token_note(proof))) == (True, bool(proof.differing or proof.remark))


@pytest.mark.kind("tokenizer_class_overrides_file")
def test_a_run_says_that_transformers_gives_other_tokens(
    model: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mechamap.cli.main import main
    from mechamap.runs.run import Run
    from mechamap.scan.scan import scan
    from mechamap_tui.dialogs.run_info import info_lines

    folder = model(word_piece().backend_tokenizer, tokenizer_class="RobertaTokenizer", unk_token="[UNK]")
    config = with_overrides(default_config(), texts=[TEXT * 4], device="cpu")
    scan(scan_request(folder, config, tmp_path / "run"))
    record = Run.open(tmp_path / "run").record
    assert list(record.tokens.ids) == expected(folder, TEXT * 4)[0]
    assert record.token_proof is not None
    assert record.token_proof.differing > record.token_proof.tokens / 2
    said = "builds by the configs beside it, RobertaTokenizer, gives others in place of"
    assert said in record.problems[0]
    assert any(kind == "text" and said in line for kind, line in info_lines(Run.open(tmp_path / "run")))
    assert main(["doctor", str(folder), "--device", "cpu"]) == 0
    assert said in capsys.readouterr().out


@pytest.mark.kind("tokenizer_class_of_the_model_type")
def test_a_class_that_follows_from_the_model_type_does_not_decide(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, word_piece().backend_tokenizer, model_type="gpt2")
    loaded, proof = read_tokenizer(folder, trust_remote_code=False)
    assert given(loaded) == expected(folder)
    assert proof.replaced


@pytest.mark.kind("tokenizer_class_that_does_not_fit")
@pytest.mark.parametrize("kind", ["CLIPTokenizer", "XLMTokenizer", "LayoutLMv3Tokenizer"])
def test_a_class_that_cannot_be_built_is_passed_by(tmp_path: Path, kind: str) -> None:
    folder = folder_of(tmp_path, word_piece().backend_tokenizer, tokens={"tokenizer_class": kind})
    loaded, proof = read_tokenizer(folder, trust_remote_code=False)
    assert given(loaded) == expected(folder)
    assert proof.replaced
    assert proof.remark
    assert proof.remark in token_note(proof)


@pytest.mark.kind("tokenizer_class_brings_special_tokens")
def test_a_class_adds_no_bos_that_the_vocabulary_lacks(tmp_path: Path) -> None:
    backend = Tokenizer.from_str(byte_level(bos=False).backend_tokenizer.to_str())
    folder = folder_of(tmp_path, backend, tokens={"tokenizer_class": "GPT2Tokenizer"})
    loaded, proof = read_tokenizer(folder, trust_remote_code=False)
    assert loaded.bos_token is None
    assert len(loaded) == backend.get_vocab_size()
    assert any("bos_token" in difference for difference in proof.differences)


@pytest.mark.kind("tokens_declared_in_configs")
def test_tokens_that_a_config_declares_are_added(tmp_path: Path) -> None:
    backend = byte_level().backend_tokenizer
    size = backend.get_vocab_size()
    more = {str(size): {"content": "<|pad|>", "special": True}, str(size + 1): {"content": "    ", "normalized": False}}
    flags = {"lstrip": False, "rstrip": False, "single_word": False}
    declared = {number: {"normalized": False, "special": False, **flags, **token} for number, token in more.items()}
    folder = folder_of(
        tmp_path, backend, tokens={"tokenizer_class": "PreTrainedTokenizerFast", "added_tokens_decoder": declared}
    )
    loaded, proof = read_tokenizer(folder, trust_remote_code=False)
    assert loaded.convert_tokens_to_ids(["<|pad|>", "    "]) == [size, size + 1]
    assert (proof.compared, proof.replaced, proof.differing, proof.differences) == (True, False, 0, ())


@pytest.mark.kind("tokenizer_without_json")
def test_without_a_tokenizer_json_nothing_is_compared(tmp_path: Path) -> None:
    byte_level().backend_tokenizer.model.save(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    _, proof = read_tokenizer(tmp_path, trust_remote_code=False)
    assert not proof.compared
    assert token_note(proof) == ""
    assert "not compared with a tokenizer.json: the folder has no tokenizer.json" in token_verdict(proof)


@pytest.mark.kind("tokenizer_json_that_cannot_be_read")
def test_a_tokenizer_json_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, byte_level().backend_tokenizer)
    file = folder / "tokenizer.json"
    whole = json.loads(file.read_text())
    for content, words in (
        ("{", "cannot be read"),
        (json.dumps(whole | {"pre_tokenizer": {"type": "FromTheFuture"}}), "a newer tokenizers may"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
    ):
        file.write_text(content)
        with pytest.raises(ModelError) as caught:
            read_tokenizer(folder, trust_remote_code=False)
        assert str(file) in caught.value.message
        assert words in str(caught.value)


@pytest.mark.kind("tokenizer_json_with_truncation")
def test_truncation_and_padding_in_the_file_change_nothing(tmp_path: Path) -> None:
    backend = Tokenizer.from_str(byte_level().backend_tokenizer.to_str())
    whole = given(byte_level())
    backend.enable_truncation(5)
    backend.enable_padding(length=400)
    folder = folder_of(tmp_path, backend, tokens={"tokenizer_class": "PreTrainedTokenizerFast"})
    loaded, proof = read_tokenizer(folder, trust_remote_code=False)
    encoding = loaded(TEXT, add_special_tokens=False, return_offsets_mapping=True, padding=False, truncation=False)
    assert (encoding["input_ids"], encoding["offset_mapping"]) == whole
    assert token_note(proof) == ""


@pytest.mark.kind("gguf_unknown_pre_tokenizer")
@pytest.mark.parametrize(("name", "known"), [("falcon", False), ("gpt-2", True), ("llama-bpe", True), ("phi-2", True)])
def test_a_pre_tokenizer_that_transformers_does_not_know_is_named(tmp_path: Path, name: str, known: bool) -> None:
    _, proof = read_tokenizer(write_gguf(tmp_path / "model.gguf", pre_tokenizer=name), trust_remote_code=False)
    assert not proof.compared
    assert proof.unknown_pre_tokenizer == ("" if known else name)
    assert (f"names the pre-tokenizer {name}" in token_note(proof)) != known
    assert (f"names the pre-tokenizer {name}" in token_verdict(proof)) != known


@pytest.mark.kind("gguf_beside_another_tokenizer")
def test_a_tokenizer_beside_a_gguf_file_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    alone, _ = read_tokenizer(write_gguf(tmp_path / "alone" / "model.gguf"), trust_remote_code=False)
    folder = folder_of(tmp_path / "beside", word_piece().backend_tokenizer, tokens={"unk_token": "[UNK]"})
    beside, _ = read_tokenizer(write_gguf(folder / "model.gguf"), trust_remote_code=False)
    assert given(beside) == given(alone)
    assert beside.bos_token == alone.bos_token == "<s>"


@pytest.mark.kind("gguf_behind_a_link")
def test_a_link_to_a_gguf_file_without_a_suffix_is_read(tmp_path: Path) -> None:
    written = write_gguf(tmp_path / "model.gguf")
    written.replace(tmp_path / "0f3a")
    written.symlink_to(tmp_path / "0f3a")
    loaded = load_model(written, device="cpu")
    assert loaded.label == "model"
    assert loaded.tokenizer.bos_token == "<s>"


@pytest.mark.kind("old_run_without_token_proof")
def test_a_run_without_the_proof_opens_and_says_so(tmp_path: Path) -> None:
    from support.recorded_run import recorded_run

    from mechamap.runs.run import Run

    run = recorded_run(tmp_path / "run")
    written = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    written.pop("token_proof")
    (run.path / "run.json").write_text(json.dumps(written), encoding="utf-8")
    record = Run.open(run.path).record
    assert record.token_proof is None
    assert "was not recorded" in token_verdict(record.token_proof)


@pytest.mark.kind("old_run_without_token_proof")
def test_a_run_that_was_begun_with_other_tokens_is_not_gone_on_with(model: Callable[..., Path], tmp_path: Path) -> None:
    from mechamap.errors import RunError
    from mechamap.scan.scan import scan

    folder = model(word_piece().backend_tokenizer, tokenizer_class="RobertaTokenizer", unk_token="[UNK]")
    config = with_overrides(default_config(), texts=[TEXT], device="cpu")
    run = scan(scan_request(folder, config, tmp_path / "run"))
    written = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    written["token_proof"] = {}
    written["tokens"]["ids"][0] += 1
    (run.path / "run.json").write_text(json.dumps(written), encoding="utf-8")
    with pytest.raises(RunError, match="started by a version that took the tokens of transformers' RobertaTokenizer"):
        scan(scan_request(folder, config, run.path, resume=True))


def test_a_proof_is_read_back_as_it_was_written() -> None:
    from mechamap.system.plain_values import from_plain_values, to_plain_values

    proof = TokenProof(
        tokenizer="T5Tokenizer",
        compared=True,
        used="tokenizer.json",
        tokens=9,
        differing=3,
        differences=("normalizer",),
    )
    assert from_plain_values(TokenProof, json.loads(json.dumps(to_plain_values(proof))), "token_proof") == proof


@pytest.mark.kind("tokenizer_class_adds_tokens")
def test_a_class_adds_no_tokens_that_are_found_in_a_text(tmp_path: Path) -> None:
    """GPT-2's class has <|endoftext|> for unknown words, whether or not the vocabulary has it."""
    own = dict.fromkeys(("bos_token", "eos_token", "pad_token"), BOS)
    folder = folder_of(tmp_path, byte_level().backend_tokenizer, tokens={"tokenizer_class": "GPT2Tokenizer", **own})
    text = "The cat sat.<|endoftext|>A dog"
    loaded, proof = read_tokenizer(folder, trust_remote_code=False)
    assert given(loaded, text) == expected(folder, text)
    assert "added tokens" in proof.differences
