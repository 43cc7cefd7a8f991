"""The lens of a neuron: its most promoted and most suppressed tokens, against the whole product of its weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.by_name import load_model

from mechamap.checks.lens import neuron_lens
from mechamap.errors import UnsupportedModel, UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.models.unembedding_search import find_unembedding
from mechamap.runs.neuron_names import NeuronName
from mechamap.scores.writes import WriteScores


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def loaded(request: pytest.FixtureRequest, tiny_models: Callable[..., Path]) -> LoadedModel:
    return load_model(str(tiny_models(request.param)), device="cpu")


def raised_by(loaded: LoadedModel, layer: int, neuron: int) -> torch.Tensor:
    """What a neuron adds to each token's logit per unit of activation, by the architecture's own formula."""
    model: Any = loaded.model
    with torch.no_grad():
        if loaded.architecture == "gpt2":
            rows = model.transformer.wte.weight * model.transformer.ln_f.weight
            rows = rows - rows.mean(dim=1, keepdim=True)
            return rows @ model.transformer.h[layer].mlp.c_proj.weight[neuron]
        rows = model.lm_head.weight * model.model.norm.weight
        return rows @ model.model.layers[layer].mlp.down_proj.weight[:, neuron]


def test_the_tokens_are_those_whose_logits_the_neuron_raises_and_lowers_most(loaded: LoadedModel) -> None:
    lens = neuron_lens(loaded, NeuronName(1, 7), 6)
    raised = raised_by(loaded, 1, 7)
    values = (raised - raised.mean()) / raised.std(correction=0)
    assert lens.neuron == "L1.N7"
    for side, sign in ((lens.promoted, 1), (lens.suppressed, -1)):
        order = (-sign * values).argsort()[:6]
        assert [token for token, _ in side] == [loaded.tokenizer.decode([id]) for id in order.tolist()]
        assert [value for _, value in side] == pytest.approx(values[order].tolist(), rel=1e-4)
    assert lens.promoted[0][1] > 1 > -1 > lens.suppressed[0][1]
    assert lens.spread == pytest.approx(float(raised.std(correction=0)), rel=1e-4)


def test_its_values_are_what_the_write_figure_is_the_mean_of(loaded: LoadedModel) -> None:
    lens = neuron_lens(loaded, NeuronName(2, 3), loaded.vocabulary)
    assert len(lens.promoted) == len(lens.suppressed) == len(loaded.tokenizer)  # all there are, and no more
    assert sorted(lens.promoted) == sorted(lens.suppressed)
    value_of = {token: value for token, value in lens.promoted if "\ufffd" not in token}
    ids = [id for id in range(20, 300, 9) if loaded.tokenizer.decode([id]) in value_of]
    assert len(ids) > 10
    writes = WriteScores(find_unembedding(loaded), [torch.tensor(ids).numpy()])
    mean = sum(value_of[loaded.tokenizer.decode([id])] for id in ids) / len(ids)
    assert float(writes.score(loaded.layers[2])[3, 0]) == pytest.approx(mean, abs=1e-3)


@pytest.mark.parametrize(
    ("neuron", "said"),
    [
        (NeuronName(3, 0), "has layers 0 to 2"),
        (NeuronName(1, 80), "layer 1 has neurons N0 to N79"),
        (NeuronName(1, 5, expert=2), r"L1\.E2\.N5 does not exist"),
    ],
)
def test_a_neuron_that_does_not_exist_is_refused(loaded: LoadedModel, neuron: NeuronName, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        neuron_lens(loaded, neuron)


def test_a_model_whose_weights_do_not_tell_is_refused_with_the_reason(tiny_models: Callable[..., Path]) -> None:
    loaded = load_model(str(tiny_models("opt", do_layer_norm_before=False)), device="cpu")
    with pytest.raises(UnsupportedModel, match="normalizes the residual stream"):
        neuron_lens(loaded, NeuronName(0, 0))
