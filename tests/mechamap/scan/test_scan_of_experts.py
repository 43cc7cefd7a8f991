"""Scans of mixtures of experts against a plain loop over tokens and their experts, from the raw weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from support.by_name import load_model, scan_request
from torch import Tensor, nn
from torch.nn import functional as F

from mechamap.capture.hooked_pass import PassSettings, capture_layers, capture_parts
from mechamap.config.schema import config_from_dict
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from mechamap.text.tokenize import TokenizedText, tokenize

TEXT = "The cat and the dog ate an apple. A horse went to Paris by train, and the bird sang in London all day. " * 3
CONFIG = {
    "texts": [TEXT],
    "categories": {
        "animal": ["cat", "dog", "horse", "bird"],
        "place": ["Paris", "London"],
        "nothing": ["xylophone"],
    },
    "top_k_tokens": 5,
    "window": 40,  # several windows, of different lengths
}


def config(**changes: object) -> Any:
    return config_from_dict({**CONFIG, **changes}, "test")


@contextmanager
def keeping_arguments(module: nn.Module) -> Iterator[list[tuple[Any, ...]]]:
    seen: list[tuple[Any, ...]] = []
    handle = module.register_forward_pre_hook(
        lambda _module, args, kwargs: seen.append((*args, *kwargs.values())), with_kwargs=True
    )
    yield seen
    handle.remove()


def gated(up: Tensor, act: Callable[[Tensor], Tensor]) -> Tensor:
    gate, linear = up.chunk(2, dim=-1)
    return act(gate) * linear


def gpt_oss(up: Tensor) -> Tensor:
    """Gates and linear parts take turns; both are clamped (gpt-oss's model card)."""
    gate, linear = up[..., ::2].clamp(max=7.0), up[..., 1::2].clamp(-7.0, 7.0)
    return (linear + 1) * gate * torch.sigmoid(1.702 * gate)


def naive(loaded: LoadedModel, tokenized: TokenizedText, layer: NeuronLayer) -> dict[tuple[int, int], Tensor]:
    """(position, expert) -> the expert's neurons at that token, ``[width]``; one token at a time."""
    part = next(part for part in layer.parts if part.experts)
    module: Any = part.module
    found = {}
    for window in tokenized.windows:
        ids = torch.from_numpy(tokenized.ids[window.start : window.start + window.length].astype(np.int64))[None]
        with torch.no_grad(), keeping_arguments(module) as given:
            loaded.model(input_ids=ids, use_cache=False)
        hidden, index, _ = given[0]
        for place in range(window.length):
            for expert in index.reshape(window.length, -1)[place].tolist():
                x = hidden.reshape(window.length, -1)[place]
                if loaded.architecture == "gpt_oss":
                    neurons = gpt_oss(x @ module.gate_up_proj[expert] + module.gate_up_proj_bias[expert])
                elif loaded.architecture == "dbrx":
                    w1, v1 = (
                        w.view(module.num_experts, part.width, -1)[expert] for w in (module.mlp.w1, module.mlp.v1)
                    )
                    neurons = F.silu(w1 @ x) * (v1 @ x)
                else:
                    neurons = gated(module.gate_up_proj[expert] @ x, F.silu)
                found[window.start + place, expert] = neurons.detach()
    return found


@pytest.mark.parametrize("model_type", ["olmoe", "qwen2_moe", "deepseek_v3", "gpt_oss", "dbrx"])
def test_every_experts_figures_run_over_the_tokens_that_came_to_it(
    tiny_models: Callable[..., Path], tmp_path: Path, model_type: str
) -> None:
    folder = tiny_models(model_type)
    run = scan(scan_request(str(folder), config(), tmp_path / "run"))
    loaded = load_model(str(folder), device="cpu")
    tokenized = tokenize(config().texts, loaded.tokenizer, config(), loaded.context)
    scored = set(np.flatnonzero(tokenized.scored).tolist())
    last = {
        name: [o[3] for o in run.record.occurrences if o[0] == number] for number, name in enumerate(run.categories)
    }
    layer = next(layer for layer in loaded.layers if layer.experts)
    truth = naive(loaded, tokenized, layer)
    checked = 0
    for expert in range(layer.experts):
        positions = sorted(at for at, e in truth if e == expert and at in scored)
        for index in (0, 7, layer.parts[-1].width - 1):
            row = run.row_of(f"L{layer.layer}.E{expert}.N{index}")
            assert run.column("tokens")[row] == len(positions)
            if not positions:
                assert np.isnan(run.column("max")[row])
                continue
            values = np.array([float(truth[at, expert][index]) for at in positions])
            assert run.column("max")[row] == pytest.approx(values.max(), abs=1e-4)
            assert run.column("mean_all")[row] == pytest.approx(values.mean(), abs=1e-4)
            assert run.column("fire")[row] == pytest.approx((values > 0).mean())
            top = run.top_tokens(row)
            assert next(hit.position for hit in top if hit.value > values.max() - 1e-5) in positions
            checked += _check_categories(run, row, last, positions, values)
    assert checked > 10
    assert np.isnan(run.column("auroc", "nothing")).all()


def _check_categories(
    run: Run, row: int, last: dict[str, list[int]], positions: list[int], values: np.ndarray[Any, Any]
) -> int:
    checked = 0
    for name, ends in last.items():
        inside = {at for o in run.record.occurrences if run.categories[o[0]] == name for at in range(o[2], o[3] + 1)}
        is_word = np.array([at in ends for at in positions])
        counts = np.array([at in ends or at not in inside for at in positions])
        assert run.column("occurrences", name)[row] == is_word.sum()
        auroc, mean = run.column("auroc", name)[row], run.column("mean", name)[row]
        if not is_word.any():
            assert np.isnan(auroc)
            assert np.isnan(mean)
            continue
        assert mean == pytest.approx(values[is_word].mean(), abs=1e-4)
        if (~is_word[counts]).any():
            assert auroc == pytest.approx(roc_auc_score(is_word[counts], values[counts]), abs=1e-5)
            checked += 1
    return checked


@pytest.mark.parametrize("model_type", ["llama4_text", "jetmoe"])
def test_modules_without_the_registry_show_their_neurons_too(tiny_models: Callable[..., Path], model_type: str) -> None:
    loaded = load_model(str(tiny_models(model_type)), device="cpu")
    ids = torch.tensor([loaded.tokenizer.encode("The dog ate an apple in Paris.")])
    layer = next(layer for layer in loaded.layers if layer.experts)
    part = next(part for part in layer.parts if part.experts)
    seen: list[Activations] = []
    handle = part.watch(seen.append)
    mlp = loaded.model.get_submodule(part.path.rpartition(".")[0])
    with torch.no_grad(), keeping_arguments(mlp) as given:
        loaded.model(input_ids=ids, use_cache=False)
    handle.remove()
    hidden = given[0][0].reshape(ids.shape[1], -1)  # [tokens, d_model]
    module: Any = mlp
    top_k = loaded.model.config.num_experts_per_tok
    assert seen[0].tokens is not None
    pairs = zip(seen[0].tokens.tolist(), seen[0].experts().tolist(), seen[0].values, strict=True)
    found = {(token, expert): values for token, expert, values in pairs}
    assert len(found) == ids.shape[1] * top_k
    for (token, expert), values in found.items():
        if model_type == "jetmoe":
            up = module.input_linear.weight[expert] @ hidden[token]
            chosen = module.router.layer(hidden[token]).topk(top_k).indices
            expected = gated(up, F.silu)
        else:
            logits = module.router(hidden[token][None])[1][0]
            chosen = logits.topk(top_k).indices
            up = (hidden[token] * torch.sigmoid(logits[expert])) @ module.experts.gate_up_proj[expert]
            expected = gated(up, F.silu)
        assert expert in chosen.tolist()
        assert torch.allclose(values, expected, atol=1e-4)


@pytest.mark.parametrize("model_type", ["olmoe", "qwen2_moe", "longcat_flash", "inkling_text"])
def test_it_does_not_matter_how_the_text_is_cut_into_batches(tiny_models: Callable[..., Path], model_type: str) -> None:
    loaded = load_model(str(tiny_models(model_type)), device="cpu")
    tokenized = tokenize(config().texts, loaded.tokenizer, config(), loaded.context)
    found: list[list[Tensor]] = []
    for size in (40, 100_000):
        layers: list[Tensor] = []
        capture_layers(
            loaded,
            tokenized,
            loaded.layers,
            lambda layer, values, layers=layers: layers.append(values.clone()),
            PassSettings(position_mask=tokenized.scored, batch_tokens=size),
        )
        found.append(layers)
    for layer, one, other in zip(loaded.layers, *found, strict=True):
        assert one.shape == (int(tokenized.scored.sum()), layer.width)
        assert torch.allclose(one, other, atol=1e-4 * float(other.abs().max()))


def test_limits_take_the_first_neurons_of_each_expert(tiny_models: Callable[..., Path], tmp_path: Path) -> None:
    folder = tiny_models("qwen2_moe")
    whole = scan(scan_request(str(folder), config(), tmp_path / "whole"))
    some = scan(scan_request(str(folder), config(limit_neurons=5), tmp_path / "some"))
    layer = next(rows for rows in some.layers if rows.experts)
    assert (layer.shared, layer.width) == (5, 5 + 5 * layer.experts)
    for row in range(layer.first_row, layer.first_row + layer.width):
        same = whole.row_of(some.neuron_name(row))
        for figure in ("auroc", "write", "max", "tokens"):
            np.testing.assert_allclose(some.figure(figure)[row], whole.figure(figure)[same], rtol=1e-4, atol=1e-5)


def test_names_of_experts_neurons_lead_to_rows_and_back(tiny_models: Callable[..., Path], tmp_path: Path) -> None:
    run = scan(scan_request(str(tiny_models("deepseek_v3")), config(), tmp_path / "run"))
    names = [str(run.neuron_name(row)) for row in range(run.neurons)]
    assert len(set(names)) == run.neurons
    assert [run.row_of(name) for name in names] == list(range(run.neurons))
    assert names == [
        str(name)
        for name in sorted(map(run.neuron_name, range(run.neurons)), key=lambda n: (n.layer, n.expert, n.index))
    ]
    dense = run.layers[0]
    assert dense.experts == 0
    assert (run.column("tokens")[dense.rows] == run.record.exclusions.scored).all()


def test_the_scan_leaves_no_hook_and_the_same_outputs(tiny_models: Callable[..., Path]) -> None:
    loaded = load_model(str(tiny_models("olmoe")), device="cpu")
    ids = torch.tensor([loaded.tokenizer.encode("The dog ate an apple in Paris.")])
    with torch.no_grad():
        before = loaded.model(input_ids=ids).logits
    tokenized = tokenize(config().texts, loaded.tokenizer, config(), loaded.context)
    capture_parts(loaded, tokenized, loaded.layers, lambda layer, parts: None)
    with torch.no_grad():
        after = loaded.model(input_ids=ids).logits
    assert torch.allclose(before, after, atol=1e-4)
    assert all(not part.module.__dict__["_neuron_hooks"] for layer in loaded.layers for part in layer.parts)
