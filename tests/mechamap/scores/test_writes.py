"""Direct logit attribution of every neuron, against the definition worked out with the whole matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.by_name import load_model, scan_request
from support.planted_models import word_tokenizer
from support.tiny_models import D_MLP, N_LAYERS

from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config
from mechamap.models.loaded import LoadedModel
from mechamap.models.unembedding import Unembedding
from mechamap.models.unembedding_search import find_unembedding
from mechamap.scan.scan import scan
from mechamap.scores.writes import WriteScores, category_tokens, first_tokens

TOKENS = (np.array([5, 17, 200]), np.array([280]), np.zeros(0, np.int64), np.array([0, 1, 2, 3]))
CATEGORIES = (
    Category("animal", ("cat", "dog", "horse", "zebra")),
    Category("place", ("Paris", "New York")),
    Category("nothing", ("xylophone",)),
)


@pytest.fixture(scope="module", params=[("gpt2", {}), ("llama", {"tie_word_embeddings": False}), ("gemma2", {})])
def loaded(request: pytest.FixtureRequest, tiny_models: Callable[..., Path]) -> LoadedModel:
    model_type, changes = request.param
    return load_model(str(tiny_models(model_type, **changes)), device="cpu")


@pytest.fixture(scope="module")
def unembedding(loaded: LoadedModel) -> Unembedding:
    return find_unembedding(loaded)


def raised(unembedding: Unembedding, loaded: LoadedModel) -> np.ndarray:
    """What every neuron adds to every logit, in standard deviations over the vocabulary: [neurons, vocabulary]."""
    rows = unembedding.rows(slice(0, unembedding.vocabulary)).double()
    weight = torch.cat([unembedding.written_by(layer) for layer in loaded.layers]).double()
    values = (weight @ rows.T).detach().numpy()
    return (values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, keepdims=True)


def test_it_is_the_mean_over_the_tokens_in_standard_deviations_over_the_vocabulary(
    loaded: LoadedModel, unembedding: Unembedding, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = raised(unembedding, loaded)
    for chunk_bytes in (16 * 2**20, 1000):  # the second: many chunks, the last one shorter
        monkeypatch.setattr("mechamap.models.unembedding.CHUNK_BYTES", chunk_bytes)
        writes = WriteScores(unembedding, TOKENS)
        found = np.concatenate([writes.score(layer) for layer in loaded.layers])
        assert (found.dtype, found.shape) == (np.float32, (N_LAYERS * D_MLP, len(TOKENS)))
        for category, ids in enumerate(TOKENS):
            if len(ids):
                np.testing.assert_allclose(found[:, category], expected[:, ids].mean(axis=1), rtol=1e-4, atol=1e-5)
            else:
                assert np.isnan(found[:, category]).all()


def test_the_spread_over_the_vocabulary_is_that_of_the_whole_matrix(
    loaded: LoadedModel, unembedding: Unembedding
) -> None:
    weight = unembedding.written_by(loaded.layers[1])
    with torch.no_grad():
        spread = WriteScores(unembedding, []).spread(weight).numpy()
        plain = (weight @ unembedding.rows(slice(0, unembedding.vocabulary)).T).numpy()
    np.testing.assert_allclose(spread, plain.std(axis=1), rtol=1e-4)


def test_only_the_first_neurons_are_scored_where_a_limit_says_so(loaded: LoadedModel, unembedding: Unembedding) -> None:
    writes = WriteScores(unembedding, TOKENS)
    whole, some = writes.score(loaded.layers[2]), writes.score(loaded.layers[2], limit=7)
    np.testing.assert_allclose(some, whole[:7], rtol=1e-5)
    assert WriteScores(unembedding, []).score(loaded.layers[0]).shape == (D_MLP, 0)


def test_a_neuron_that_writes_nothing_has_no_figure(loaded: LoadedModel, unembedding: Unembedding) -> None:
    from copy import deepcopy

    (part,) = loaded.layers[0].parts
    layer = replace(loaded.layers[0], parts=(replace(part, module=deepcopy(part.module)),))
    weight: Any = layer.module.weight
    with torch.no_grad():
        (weight[4] if weight.shape[0] == D_MLP else weight[:, 4]).zero_()
    found = WriteScores(unembedding, TOKENS).score(layer)
    assert np.isnan(found[4]).all()
    assert np.isfinite(np.delete(found, 4, axis=0)[:, [0, 1, 3]]).all()


# --- the tokens of words ------------------------------------------------------------------------------------


def tiny_tokenizer(tiny_models: Callable[..., Path]) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(tiny_models("gpt2")))


def test_the_first_token_of_a_word_is_the_one_with_the_blank_in_front(tiny_models: Callable[..., Path]) -> None:
    tokenizer = tiny_tokenizer(tiny_models)
    words = ["cat", "Paris", "New York", "zebra", "é"]
    found = first_tokens(words, tokenizer)
    expected = []
    for word in words:
        ids = tokenizer.encode(f" {word}", add_special_tokens=False)
        # where the vocabulary has no piece that begins with the blank, the blank stands alone and is no part of it
        expected.append(ids[1] if tokenizer.decode(ids[:1]) == " " else ids[0])
    assert found.tolist() == expected
    assert tokenizer.decode([found[0]]) == " cat"
    assert len(tokenizer.encode(" zebra", add_special_tokens=False)) > 2
    assert found[0] != tokenizer.encode("cat", add_special_tokens=False)[0]


def trained_tokenizer(kind: str) -> Any:
    """WordPiece as BERT has it, or blanks as a sign of their own as Llama has it."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    if kind == "word pieces":
        inner = Tokenizer(models.WordPiece(unk_token="<unk>"))
        inner.normalizer = normalizers.BertNormalizer(lowercase=True)
        inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer: Any = trainers.WordPieceTrainer(vocab_size=400, special_tokens=["<unk>"], show_progress=False)
    else:
        inner = Tokenizer(models.BPE(unk_token="<unk>"))
        inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>"], show_progress=False)
    inner.train_from_iterator(default_config().texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>")


@pytest.mark.parametrize("kind", ["word pieces", "blanks as signs"])
def test_the_first_token_begins_the_word_with_other_kinds_of_tokenizers(kind: str) -> None:
    tokenizer = trained_tokenizer(kind)
    words = ["dog", "Paris", "lion", "elephant", "banana"]
    for word, id in zip(words, first_tokens(words, tokenizer).tolist(), strict=True):
        piece = tokenizer.convert_ids_to_tokens(id).lstrip("Ġ▁")
        assert piece
        assert word.casefold().startswith(piece.casefold()), (word, piece)


def test_a_word_that_the_vocabulary_does_not_know_has_no_token() -> None:
    tokenizer = word_tokenizer()
    found = first_tokens(["dog", "zebra", "Paris", "paris"], tokenizer)
    # "the " in front is unknown to this one too, and that is not the word's fault
    assert found.tolist() == [*tokenizer.convert_tokens_to_ids(["dog"]), -1, tokenizer.vocab["Paris"], -1]
    assert first_tokens([], tokenizer).tolist() == []


def test_a_category_has_each_first_token_once_and_none_for_unknown_words() -> None:
    tokenizer = word_tokenizer()
    categories = [Category("a", ("lion", "dog", "dog food", "zebra")), Category("b", ("zebra",))]
    first, second = category_tokens(categories, tokenizer)
    assert first.tolist() == sorted(tokenizer.convert_tokens_to_ids(["lion", "dog"]))
    assert second.tolist() == []


# --- in a scan ----------------------------------------------------------------------------------------------


def test_a_scan_has_the_figure_of_every_neuron_and_category(
    loaded: LoadedModel, unembedding: Unembedding, tmp_path: Path
) -> None:
    config = replace(default_config(), categories=CATEGORIES, texts=("The cat and the dog went to Paris.",))
    run = scan(scan_request(loaded.id, config, tmp_path / "run"), loaded=loaded)
    expected = raised(unembedding, loaded)
    for number, category in enumerate(CATEGORIES):  # of words that stand nowhere in the text as well
        ids = first_tokens(category.words, loaded.tokenizer)
        np.testing.assert_allclose(
            run.figure("write")[:, number], expected[:, sorted(set(ids.tolist()))].mean(axis=1), rtol=1e-3, atol=1e-4
        )
    assert run.record.undefined == {}
    assert run.record.unembedding == unembedding.record
    assert unembedding.error <= unembedding.tolerance


def test_where_it_is_not_defined_it_is_empty_and_the_run_says_why(
    tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    loaded = load_model(str(tiny_models("opt", do_layer_norm_before=False)), device="cpu")
    config = replace(default_config(), categories=CATEGORIES, texts=("The cat and the dog went to Paris.",))
    run = scan(scan_request(loaded.id, config, tmp_path / "run"), loaded=loaded)
    assert run.record.state == "complete"
    assert np.isnan(run.figure("write")).all()
    assert "normalizes the residual stream" in run.record.undefined["write"]
    assert run.record.unembedding is None
    assert np.isfinite(run.figure("auroc")[:, :2]).all()
