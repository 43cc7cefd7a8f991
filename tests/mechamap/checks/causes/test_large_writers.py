"""Neurons that write a large share of the residual stream are found, and measured as any ablation measures them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.by_name import load_model, scan_request
from torch import nn

from mechamap.checks.causes import large_writers
from mechamap.checks.causes.ablation import AblateSettings, ablate_run, strongest
from mechamap.checks.causes.attribution import estimate_causes
from mechamap.checks.causes.large_writers import measure_large_writers, written_shares
from mechamap.config.schema import config_from_dict
from mechamap.errors import Cancelled
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.scan.scan import scan

CONFIG = config_from_dict(
    {
        "texts": ["The cat and the dog ate an apple. A horse went to Paris by train.", "A bird sang to the cat."],
        "categories": {"animal": ["cat", "dog", "horse", "bird"], "place": ["Paris"]},
    },
    "test",
)


def scanned(folder: Path, model: Path) -> tuple[Run, LoadedModel]:
    loaded = load_model(str(model), device="cpu")
    return scan(scan_request(loaded.id, CONFIG, folder / "run"), loaded=loaded), loaded


def test_the_share_is_that_of_the_blocks_output(tiny_models: Callable[..., Path], tmp_path: Path) -> None:
    run, loaded = scanned(tmp_path, tiny_models("gpt2"))
    model: Any = loaded.model
    shares = written_shares(run, loaded)
    inputs: list[torch.Tensor] = []

    def before(_module: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        inputs.append(args[0][0])

    squares = []
    for _, start, length in run.record.tokens.windows:
        handle = model.transformer.h[1].mlp.c_proj.register_forward_pre_hook(before)
        with torch.inference_mode():
            hidden = model(
                input_ids=torch.tensor([run.record.tokens.ids[start : start + length]]), output_hidden_states=True
            ).hidden_states
        handle.remove()
        stream = hidden[2][0].norm(dim=1)  # [length], behind block 1
        for place in range(length):
            if start + place not in run.excluded:
                written = inputs[-1][place, :, None] * model.transformer.h[1].mlp.c_proj.weight  # [d_mlp, d_model]
                squares.append((written.norm(dim=1) / stream[place]).square())
    expected = torch.stack(squares).mean(dim=0).sqrt().detach().numpy()
    np.testing.assert_allclose(shares[run.layer_rows(1).rows], expected, rtol=1e-4)


def test_those_that_write_most_are_measured_once(
    tiny_models: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, loaded = scanned(tmp_path, tiny_models("llama"))
    monkeypatch.setattr(large_writers, "MOST", 5)
    monkeypatch.setattr(large_writers, "LARGE", 0.02)
    shares = written_shares(run, loaded)
    largest = np.argsort(-shares, kind="stable")[:5].tolist()
    assert shares[largest].min() > 0.02
    run, _ = ablate_run(run, loaded, [largest[0]], AblateSettings(controls=0))
    known = np.array(run.figure("cause_measured"))
    run = estimate_causes(run, loaded)
    run = measure_large_writers(run, loaded)
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in loaded.model.modules())
    measured = np.array(run.figure("cause_measured"))
    assert np.flatnonzero(np.isfinite(measured).all(axis=1)).tolist() == sorted(largest)
    np.testing.assert_array_equal(measured[largest[0]], known[largest[0]])
    assert strongest(run, "animal", 1)[0] == np.nanargmin(
        np.where(np.isnan(measured[:, 0]), run.figure("cause")[:, 0], measured[:, 0])
    )
    again, _ = ablate_run(run, loaded, largest[1:3], AblateSettings(controls=0))
    np.testing.assert_allclose(again.figure("cause_measured")[largest], measured[largest], atol=1e-5)
    assert measure_large_writers(again, loaded) is again  # nothing is left to measure


def test_a_cancelled_measurement_leaves_the_run_as_it_was(tiny_models: Callable[..., Path], tmp_path: Path) -> None:
    run, loaded = scanned(tmp_path, tiny_models("gpt2"))
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        measure_large_writers(run, loaded, cancel=cancel)
    assert not Run.open(tmp_path / "run").has("cause_measured")


def test_neurons_of_experts_are_not_judged(tiny_models: Callable[..., Path], tmp_path: Path) -> None:
    run, loaded = scanned(tmp_path, tiny_models("qwen2_moe"))
    shares = written_shares(run, loaded)
    for rows in run.layers:
        assert (shares[rows.rows] > 0).all() == (not rows.experts)
