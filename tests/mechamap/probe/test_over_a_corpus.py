"""Sentences asked of a run over a corpus: its histograms tell what is usual, its kept tokens what goes together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.by_name import load_model
from support.corpus_text import documents, write_corpus

from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.catalog.source import resolve
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.schema import default_config
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.probe.reference_pass import FILE, reference_of
from mechamap.probe.sentence import Wanted, probe_sentence
from mechamap.probe.similar import similar_neurons
from mechamap.probe.subject import RunSubject
from mechamap.runs.neuron_names import NeuronName
from mechamap.scan.corpus.corpus_scan import scan_corpus
from mechamap.scan.prepare import ScanRequest
from mechamap.text.tokenize import tokenize

DOCUMENTS = documents()[:40]


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> RunSubject:
    """Two layers of the bundled model over a small corpus."""
    folder = tmp_path_factory.mktemp("corpus")
    loaded = load_model("demo")
    corpus = CorpusSettings((str(write_corpus(folder / "passages.jsonl", DOCUMENTS)),), seq_len=48, contexts=4)
    config = replace(default_config(), corpus=corpus, layers="1,3")
    run = scan_corpus(ScanRequest(resolve("demo"), config, folder / "run"), loaded=loaded)[0]
    return RunSubject(loaded, run.config, run, reference_of(run, loaded))


def usual(subject: RunSubject) -> np.ndarray:
    """``[scored positions of the corpus, neurons of the run]``, each document in windows as the scan cut them."""
    loaded, run = subject.loaded, subject.run
    config = replace(run.config, window=48)
    tokenized = tokenize(DOCUMENTS, loaded.tokenizer, config, loaded.context, partial=True)
    scored = tokenized.scored & (tokenized.offsets[:, 0] >= 0)
    layers = [layer for layer in loaded.layers if layer.layer in (1, 3)]
    seen: list[np.ndarray] = []

    def keep(_layer: NeuronLayer, values: torch.Tensor) -> None:
        seen.append(values.float().numpy().copy())

    capture_layers(loaded, tokenized, layers, keep, PassSettings(position_mask=scored))
    return np.concatenate(seen, axis=1)


def test_percentiles_are_those_of_the_corpus_within_a_bin_of_the_histogram(subject: RunSubject) -> None:
    assert subject.run.path is not None
    assert not (subject.run.path / FILE).exists()
    activations = usual(subject)
    assert subject.reference.positions == len(activations)
    name = NeuronName(3, 17)
    prompt = subject.read("The little girl went to the garden with a dog.")
    answer = probe_sentence(subject, prompt, Wanted((name,))).neurons[0]
    column = activations[:, subject.run.row_of(str(name))]
    for value, percentile in zip(answer.values, answer.percentiles, strict=True):
        assert value is not None
        assert percentile is not None
        width = max(abs(value) / 2, 2.0**-8)
        assert 100 * (column < value - width).mean() - 0.1 <= percentile <= 100 * (column <= value + width).mean() + 0.1
    assert answer.low == pytest.approx(column.min(), abs=1e-4)
    assert answer.high == pytest.approx(column.max(), abs=1e-4)


def test_outliers_are_counted_against_the_corpus(subject: RunSubject) -> None:
    activations = usual(subject)
    prompt = subject.read("Zyzzyva quartz 999 lambda!")
    probed = probe_sentence(subject, prompt, Wanted(position=4, outliers=2000))
    outliers = probed.outliers
    assert outliers is not None
    assert outliers.searched == subject.run.neurons == activations.shape[1]
    beyond = {neuron.neuron for neuron in outliers.neurons if neuron.share == 0}
    assert len(beyond) == outliers.beyond
    for neuron in outliers.neurons:
        column = activations[:, subject.run.row_of(neuron.neuron)]
        is_beyond = not column.min() - 1e-5 <= neuron.value <= column.max() + 1e-5
        if is_beyond:
            assert neuron.neuron in beyond
    assert any("histograms" in note for note in probed.notes)


def test_similar_neurons_are_those_over_kept_tokens_and_it_is_said(subject: RunSubject) -> None:
    similar = similar_neurons(subject.run, subject.loaded, "L3.N17", 5)
    assert len(similar.neurons) == 5
    assert "around its contexts" in similar.reference
    assert any("not over typical text" in note for note in similar.notes)
