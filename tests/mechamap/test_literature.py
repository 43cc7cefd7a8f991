"""What ``make literature`` measures in published models, measured in the bundled one, where the truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from benchmarks.literature.compound_words import COMPOUNDS, compound_results
from benchmarks.literature.languages import language_results
from benchmarks.literature.published_neurons import PublishedNeuron, published_neurons
from benchmarks.literature.separation import separation
from benchmarks.literature.texts_by_language import TEXTS
from benchmarks.literature.universal import agreements, excess_correlations, moments, pre_activations, weight_figures
from mechamap.catalog.source import demo_folder
from mechamap.runs.run import Run

TWO = {name: COMPOUNDS[name] for name in ("prime factors", "living room")}


def test_every_published_neuron_has_its_words_or_its_text() -> None:
    compounds, languages, universal = map(published_neurons, ("compound_words", "languages", "universal"))
    assert {neuron.feature for neuron in compounds} == {name.lower().replace(" ", "-") for name in COMPOUNDS}
    assert {neuron.feature for neuron in languages} == {*TEXTS}
    assert max(neuron.index for neuron in compounds) < 3072 and max(neuron.index for neuron in languages) < 2048
    assert {neuron.name for neuron in compounds} >= {"L1.N1611"} and {n.name for n in languages} >= {"L3.N609"}
    for neuron in universal:  # the table's own identity
        assert neuron.figures["kurt"] >= neuron.figures["skew"] ** 2 + 1 - 1e-3


def test_a_threshold_of_one_half_is_judged_on_the_other() -> None:
    values = np.array([0, 1, 2, 3, 0.5, 1.75, 2.5, 3.5], np.float32)
    positive = np.array([False, False, True, True] * 2)
    half = np.array([False] * 4 + [True] * 4)
    found = separation(values, positive, half)
    assert (found.f1, found.auroc, found.positives, found.negatives) == (0.8, 1.0, 2, 2)  # 1.75 is above 1.5
    assert separation(-values, positive, half).auroc == 0.0


def test_compound_words_are_told_by_the_neuron_that_reads_them_best(tmp_path: Path) -> None:
    neurons = [PublishedNeuron(1, index, "prime-factors", {"f1": 1.0}) for index in range(3)]
    results = list(compound_results(demo_folder(), tuple(neurons), tmp_path / "run", compounds=TWO))
    run = Run.open(tmp_path / "run")
    ap = run.column("ap", "prime factors")
    for result in results:
        assert result.of == 640
        assert result.as_good == int((ap[run.layer_rows(1).rows] >= ap[run.row_of(result.neuron.name)]).sum())
        assert (result.separation.positives, result.separation.negatives) == (4, 16)


def test_languages_are_told_by_the_means_of_windows(tmp_path: Path) -> None:
    neurons = tuple(PublishedNeuron(0, index, "el", {"f1": 1.0}) for index in range(2))
    results = list(language_results(demo_folder(), neurons, tmp_path / "run"))
    assert len(results) == 2 and all(1 <= result.as_good <= result.of == 640 for result in results)
    first, second = results
    assert (first.as_good < second.as_good) == (first.separation.auroc > second.separation.auroc)
    assert 3 < first.separation.positives < first.separation.negatives


def test_weights_are_those_of_the_activation_itself() -> None:
    """At the input that a neuron's folded weights point to, the activation is as large as they say."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(demo_folder()).eval()
    neurons = [PublishedNeuron(layer, index, "", {}) for layer, index in ((0, 3), (3, 509))]
    figures = weight_figures(model, neurons)
    for place, neuron in enumerate(neurons):
        block = model.transformer.h[neuron.layer]
        folded = block.ln_2.weight * block.mlp.c_fc.weight[:, neuron.index]
        towards = folded - folded.mean()
        residual = torch.stack([torch.zeros_like(towards), 1e4 * towards / towards.norm()])  # [2, d_model]
        with torch.no_grad():
            nothing, most = block.mlp.c_fc(block.ln_2(residual))[:, neuron.index].tolist()
        assert figures["input_bias"][place] == pytest.approx(nothing, abs=1e-5)
        assert figures["w_in_norm"][place] * len(towards) ** 0.5 == pytest.approx(most - nothing, rel=1e-4)
    assert np.abs(figures["in_out_sim"]).max() < 1


def test_moments_and_excess_correlations() -> None:
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, size=(12, 4000)).astype(np.float32) - 1
    found = moments(values[0])
    assert found["skew"] == pytest.approx(stats.skew(values[0]), rel=1e-4)
    assert found["kurt"] == pytest.approx(stats.kurtosis(values[0], fisher=False), rel=1e-4)
    assert found["sparsity"] == (values[0] > 0).mean()
    other = np.concatenate([rng.standard_normal((196, 4000), np.float32), values[:4]])
    excess = excess_correlations(values, other, 200)
    assert excess[:4].min() > 0.4 and np.abs(excess[4:]).max() < 0.1


def test_pre_activations_go_into_the_non_linearity() -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(demo_folder()).eval()
    windows = torch.arange(32).view(2, 16)
    found = pre_activations(model, windows, [3])[3]  # [d_mlp, tokens]
    seen: list[torch.Tensor] = []
    handle = model.transformer.h[3].mlp.c_proj.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    with torch.no_grad():
        model(windows)
    handle.remove()
    after = model.transformer.h[3].mlp.act(torch.tensor(found)).T  # [tokens, d_mlp]
    assert torch.allclose(after, seen[0].flatten(0, 1), atol=1e-5)


def test_agreement_is_of_ranks_and_of_the_largest_difference() -> None:
    published = [PublishedNeuron(0, place, "", {"var": float(place)}) for place in range(4)]
    (same,) = agreements(published, {"var": np.array([0.0, 1.5, 2.5, 9.0])})
    assert (same.rank_correlation, same.largest_difference, same.neurons) == (pytest.approx(1.0), 6.0, 4)
