"""What is known of the neurons of runs of other kinds: over a corpus, limited, with kept activations, of encoders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.by_name import load_model, scan_request
from support.corpus_text import documents, write_corpus
from support.plain_steering import plain_log_ps, plainly_steered_expert

from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.catalog.source import resolve
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.schema import config_from_dict, default_config
from mechamap.errors import UsageError
from mechamap.runs.neuron_names import NeuronName, parse_neuron
from mechamap.scan.corpus.corpus_scan import scan_corpus
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.scan import scan
from mechamap.steering.generation import Sampling
from mechamap.steering.hooks import NeuronChange
from mechamap.steering.ladder import LadderSettings, steer
from mechamap.steering.subject import Subject
from mechamap.text.tokenize import tokenize

SETTINGS = LadderSettings((-1.0, 1.0), controls=3, sampling=Sampling(2))
CONFIG = {
    "texts": ["The cat and the dog ate an apple. A horse went to Paris by train, and the bird sang in London all day."],
    "categories": {"animal": ["cat", "dog", "horse", "bird"], "place": ["Paris", "London"]},
}


def test_scales_of_a_run_over_a_corpus_are_those_of_its_histogram(tmp_path: Path) -> None:
    loaded = load_model("demo", device="cpu")
    texts = documents()[:40]
    corpus = CorpusSettings((str(write_corpus(tmp_path / "passages.jsonl", texts)),), seq_len=48, contexts=4)
    config = replace(default_config(), corpus=corpus, layers="1,3")
    run = scan_corpus(ScanRequest(resolve("demo"), config, tmp_path / "run"), loaded=loaded)[0]
    subject = Subject.of_run(run, loaded)
    tokenized = tokenize(texts, loaded.tokenizer, replace(config, window=48), loaded.context, partial=True)
    seen: list[np.ndarray] = []
    settings = PassSettings(position_mask=tokenized.scored & (tokenized.offsets[:, 0] >= 0))
    layer = next(each for each in loaded.layers if each.layer == 3)
    capture_layers(loaded, tokenized, [layer], lambda _layer, values: seen.append(values.float().numpy()), settings)
    exact = np.quantile(np.abs(seen[0]), 0.999, axis=0)  # [neurons]
    scales = subject.layer(3).scales
    assert (np.abs(scales / exact - 1) < 0.5).all()
    ladder = steer(subject, [NeuronName(3, 17)], "The little girl went to the", SETTINGS)
    assert ladder.neurons[0].scale == pytest.approx(scales[17])
    with pytest.raises(UsageError, match="Layer 0 is not in this run"):
        steer(subject, [NeuronName(0, 17)], "The little girl went to the", SETTINGS)


def test_kept_activations_give_the_same_scales(tmp_path: Path) -> None:
    loaded = load_model("demo", device="cpu")
    changed = {"always": replace(default_config(), keep_activations="always", layers="2")}
    changed["never"] = replace(default_config(), keep_activations="never", layers="2")
    runs = {
        name: scan(scan_request("demo", config, tmp_path / name), loaded=loaded) for name, config in changed.items()
    }
    scales = {name: Subject.of_run(run, loaded).layer(2).scales for name, run in runs.items()}
    np.testing.assert_allclose(scales["always"], scales["never"], rtol=2e-3)
    assert not (tmp_path / "always" / "scales").exists()
    assert (tmp_path / "never" / "scales" / "L2.npy").exists()


def test_of_a_limited_scan_of_experts_those_that_it_has_are_steered(
    tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    loaded = load_model(str(tiny_models("qwen2_moe")), device="cpu", dtype="float32")
    config = replace(config_from_dict(CONFIG, "test"), limit_neurons=9, keep_activations="never")
    run = scan(scan_request(loaded.id, config, tmp_path / "run"), loaded=loaded)
    subject = Subject.of_run(run, loaded)
    layer = subject.layer(1)
    full = Subject(loaded, config).layer(1)
    for place in range(len(layer.scales)):
        other = full.place_of(layer.name_at(place))
        assert layer.norms[place] == pytest.approx(full.norms[other])
        assert layer.scales[place] == pytest.approx(full.scales[other], rel=1e-5, nan_ok=True)
    known = [place for place in range(len(layer.scales)) if layer.experts[place] >= 0 and layer.scales[place] > 0]
    name = layer.name_at(known[0])
    ladder = steer(subject, [name], "The cat and the dog", SETTINGS)
    assert all(parse_neuron(chosen[0]).expert == name.expert for chosen in ladder.controls)
    assert all(parse_neuron(chosen[0]).index < 9 for chosen in ladder.controls)
    (neuron,) = ladder.neurons
    assert neuron.scale is not None and neuron.path == ""
    ids = torch.tensor([ladder.ids])
    change = NeuronChange(name, neuron.sign * neuron.scale, True)
    base = plain_log_ps(loaded, ids)
    with plainly_steered_expert(loaded, change, slice(ladder.front, None)):
        steered = plain_log_ps(loaded, ids)
    kl = float((base.exp() * (base - steered)).sum(dim=1)[-1])
    assert ladder.rows[1].kl == pytest.approx(kl, abs=1e-4)
    with pytest.raises(UsageError, match=r"L1\.E0\.N20 is not here"):
        steer(subject, [NeuronName(1, 20, 0)], "The cat", SETTINGS)


def test_a_layer_too_small_for_all_controls_says_so(tiny_models: Callable[..., Path], tmp_path: Path) -> None:
    loaded = load_model(str(tiny_models("gpt2")), device="cpu", dtype="float32")
    config = replace(config_from_dict(CONFIG, "test"), limit_neurons=3)
    run = scan(scan_request(loaded.id, config, tmp_path / "run"), loaded=loaded)
    ladder = steer(Subject.of_run(run, loaded), [NeuronName(1, 0)], "The cat", SETTINGS)
    assert len(ladder.controls) == 2
    assert any("2 of 3 controls" in note for note in ladder.notes)


def test_a_dead_neuron_has_no_unit(tiny_models: Callable[..., Path], tmp_path: Path) -> None:
    loaded = load_model(str(tiny_models("gpt2")), device="cpu", dtype="float32")
    config = config_from_dict(CONFIG, "test")
    with torch.no_grad():
        fc = loaded.model.get_submodule("transformer.h.1.mlp.c_fc")
        fc.weight[:, 5], fc.bias[5] = 0, 0  # GELU of zero
    run = scan(scan_request(loaded.id, config, tmp_path / "run"), loaded=loaded)
    subject = Subject.of_run(run, loaded)
    with pytest.raises(UsageError, match=r"L1\.N5 is zero at every token of the text"):
        steer(subject, [NeuronName(1, 5)], "The cat", SETTINGS)
    steer(subject, [NeuronName(1, 5)], "The cat", replace(SETTINGS, mode="zero"))


@pytest.mark.parametrize("model_type", ["gemma3_text", "gpt_neox", "phi"])
def test_other_architectures_are_steered(tiny_models: Callable[..., Path], model_type: str) -> None:
    loaded = load_model(str(tiny_models(model_type)), device="cpu", dtype="float32")
    subject = Subject(loaded, config_from_dict(CONFIG, "test"))
    ladder = steer(subject, [NeuronName(1, 2)], "The cat and the", SETTINGS)
    assert all(row.kl is not None and row.text for row in ladder.rows)
