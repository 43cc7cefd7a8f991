"""Corpus scans of other kinds of models: gated, encoders, encoder-decoders, experts; and other poolings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.by_name import load_model
from support.corpus_text import documents, write_corpus
from support.plain_corpus import differences
from support.tiny_models import save_tiny_model

from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.catalog.source import resolve
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config
from mechamap.scan.corpus.corpus_scan import scan_corpus
from mechamap.scan.prepare import ScanRequest
from mechamap.text.tokenize import tokenize

CATEGORIES = (Category("small", ("the", "and", "of")), Category("long", ("little girl", "he said", "she")))


def corpus_config(corpus, **changes):
    settings = CorpusSettings((str(corpus),), seq_len=32, contexts=4, sample=100_000, occurrences=100_000)
    pooling = changes.pop("pooling", "last")
    config = replace(default_config(), categories=CATEGORIES, pooling=pooling, second_text="never")
    return replace(config, corpus=replace(settings, **changes))


@pytest.mark.parametrize("model_type", ["llama", "bert", "olmoe", "qwen2_moe"])
def test_figures_are_those_of_all_activations(tmp_path, model_type):
    folder = save_tiny_model(tmp_path / "model", model_type)
    texts = documents(6, 40)
    corpus = write_corpus(tmp_path / "corpus.jsonl", texts)
    loaded = load_model(str(folder))
    config = corpus_config(corpus)
    run = scan_corpus(ScanRequest(resolve(str(folder)), config, tmp_path / "run"), loaded=loaded)[0]
    tokenized = tokenize(texts, loaded.tokenizer, replace(config, window=32), loaded.context, loaded.kind)
    scored = tokenized.scored & (tokenized.offsets[:, 0] >= 0)
    assert run.record.corpus.scored == int(scored.sum())

    def compare(layer, activations):
        values = activations.float().numpy().astype(np.float64)  # [scored, neurons], zero where a token was not routed
        rows = run.layer_rows(layer.layer).rows
        np.testing.assert_allclose(run.figure("mean_all")[rows], values.mean(axis=0), rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(run.figure("std_all")[rows], values.std(axis=0), rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(run.figure("fire")[rows], (values > 0).mean(axis=0), atol=2 / len(values))
        assert (run.figure("histogram")[rows].sum(axis=1) == len(values)).all()
        routed = np.where(values == 0, -np.inf, values).max(axis=0)
        there = np.isfinite(routed)
        np.testing.assert_allclose(run.figure("max")[rows][there], routed[there], rtol=1e-3, atol=1e-5)

    capture_layers(loaded, tokenized, loaded.layers, compare, PassSettings(position_mask=scored))
    cut = scan_corpus(
        ScanRequest(resolve(str(folder)), corpus_config(corpus, shard_tokens=60, batch_tokens=40), tmp_path / "cut"),
        loaded=loaded,
    )[0]
    if not any(rows.experts for rows in run.layers):
        # Neurons of a random encoder hardly vary, so that nothing but rounding is left of their third moments.
        assert set(differences(run, cut)) <= ({"skew", "kurtosis"} if model_type == "bert" else set())
        return
    # How many tokens an expert is given together depends on the batch, and so does the last bit of their activations.
    for name in ("mean_all", "std_all", "fire", "mean", "max", "min", "auroc"):
        np.testing.assert_allclose(run.figure(name), cut.figure(name), rtol=2e-2, atol=2e-2, err_msg=name)


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_words_of_several_tokens_are_pooled(demo, corpus_file, tmp_path, pooling):
    config = corpus_config(corpus_file, pooling=pooling)
    request = ScanRequest(resolve("demo"), replace(config, layers="1"), tmp_path / "run")
    run = scan_corpus(request, loaded=demo)[0]
    last = scan_corpus(
        ScanRequest(resolve("demo"), replace(config, layers="1", pooling="last"), tmp_path / "last"), loaded=demo
    )[0]
    lengths = {word.tokens for coverage in run.record.coverage.values() for word in coverage.found.values()}
    assert max(lengths) > 1
    assert np.isfinite(run.figure("auroc")).all()
    assert not np.allclose(run.figure("mean"), last.figure("mean"))
    if pooling == "max":
        assert (run.figure("mean") >= last.figure("mean") - 1e-6).all()
