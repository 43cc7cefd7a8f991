"""Similar neurons: correlations as numpy gives them, a planted twin that is found, and what chance gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support.by_name import load_configured, scan_request
from support.scanned_models import CONFIG, TEXT, Scanned, plain_layers
from support.tiny_models import save, tiny_model

from mechamap.config.schema import config_from_dict
from mechamap.errors import RunError, UsageError
from mechamap.probe.similar import SHIFTS, similar_neurons
from mechamap.scan.scan import scan


def test_correlations_are_those_of_numpy_and_so_is_what_chance_gives(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("llama")
    run, loaded = subject.run, subject.loaded
    similar = similar_neurons(run, loaded, "L1.N7", 10)
    tokens = run.record.tokens
    scored = np.setdiff1d(np.arange(len(tokens.ids)), tokens.excluded)
    plain = plain_layers(loaded, np.array(tokens.ids))
    usual = np.concatenate([plain[layer][scored] for layer in sorted(plain)], axis=1).astype(np.float64)
    own = run.row_of("L1.N7")
    others = np.delete(np.arange(run.neurons), own)

    def correlations(chosen: np.ndarray) -> np.ndarray:
        return np.array([np.corrcoef(chosen, usual[:, row])[0, 1] for row in others])

    r = correlations(usual[:, own])
    order = np.argsort(-np.abs(r))[:10]
    assert [run.row_of(other.neuron) for other in similar.neurons] == others[order].tolist()
    assert np.allclose([other.correlation for other in similar.neurons], r[order], atol=1e-5)
    steps = [round(len(scored) * step / (SHIFTS + 1)) for step in range(1, SHIFTS + 1)]
    chance = sorted(np.abs(correlations(np.roll(usual[:, own], step))).max() for step in steps)
    assert np.allclose(similar.chance, chance, atol=1e-5)
    assert similar.searched == run.neurons - 1
    assert similar.shared == int((np.abs(r) > chance[-1]).sum())


@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_twin_is_the_first_and_beyond_chance(tmp_path: Path, sign: int) -> None:
    """The twin in the next layer reads what the neuron has written alone, so it follows it, or its opposite."""
    model = tiny_model("gpt2")
    with torch.no_grad():
        mlp = model.transformer.h[1].mlp
        mlp.c_fc.weight[:, 50] = sign * mlp.c_fc.weight[:, 4]
        mlp.c_fc.bias[50] = sign * mlp.c_fc.bias[4]
    config = config_from_dict({**CONFIG, "texts": [TEXT * 3]}, "test")
    folder = save(model, tmp_path / "model")
    run = scan(scan_request(folder, config, tmp_path / "run"))
    similar = similar_neurons(run, load_configured(folder, config), "L1.N4")
    first = similar.neurons[0]
    assert first.neuron == "L1.N50"
    assert sign * first.correlation > 0.7
    if sign > 0:
        assert first.correlation == pytest.approx(1)
        assert first.correlation > similar.chance[-1]
        assert similar.shared >= 1


def test_an_experts_neuron_can_be_the_chosen_one(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("qwen2_moe")
    run = subject.run
    routed = [
        name
        for name in run.neuron_names(np.arange(run.neurons))
        if ".E" in name and run.figure("tokens")[run.row_of(name)] > 3
    ]
    similar = similar_neurons(run, subject.loaded, routed[0], 5)
    assert len(similar.neurons) == 5
    assert all(-1 <= other.correlation <= 1 for other in similar.neurons)


def test_what_cannot_be_correlated_is_refused(scanned: Callable[..., Scanned], tmp_path: Path) -> None:
    subject = scanned("gpt2")
    with pytest.raises(UsageError, match="Layer 9 is not in this run"):
        similar_neurons(subject.run, subject.loaded, "L9.N1")
    short = scanned("gpt2", texts=("The cat went to Paris.",))
    with pytest.raises(RunError, match="correlations need 32"):
        similar_neurons(short.run, short.loaded, "L1.N1")
