"""The gradient estimate of every neuron's effect, against a plain differentiation and against small real changes."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.by_name import load_model, scan_request
from torch import Tensor, nn

from mechamap.checks.causes.attribution import GRAPH_TOKENS, estimate_causes
from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config
from mechamap.errors import Cancelled, RunError
from mechamap.events import StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.scan.scan import scan

CATEGORIES = (
    Category("animal", ("cat", "dog", "horse")),
    Category("food", ("apple", "bread")),
    Category("nothing", ("xylophone",)),
)
TEXTS = (
    "The cat sat on the mat and ate an apple. A dog and a horse went to Paris by train.",
    "In New York a cat saw the bread.",
    "A train went to the mat. It was on time.",  # no word in it
    "The dog ate bread, an apple and bread again.",
)


@dataclass(frozen=True)
class Scanned:
    loaded: LoadedModel
    run: Run


@pytest.fixture(scope="module", params=["gpt2", "llama", "gptj"])
def scanned(
    request: pytest.FixtureRequest, tiny_models: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Scanned:
    loaded = load_model(str(tiny_models(request.param)), device="cpu")
    return Scanned(loaded, run_of(loaded, tmp_path_factory.mktemp(request.param) / "run"))


def run_of(loaded: LoadedModel, folder: Path, **changes: Any) -> Run:
    config = replace(default_config(), categories=CATEGORIES, texts=TEXTS, **changes)
    return scan(scan_request(loaded.id, config, folder), loaded=loaded)


@pytest.fixture
def copied(scanned: Scanned, tmp_path: Path) -> Run:
    assert scanned.run.path is not None
    shutil.copytree(scanned.run.path, tmp_path / "run")
    return Run.open(tmp_path / "run")


def mean_log_p(model: Any, run: Run, paths: Sequence[str], scales: Sequence[Tensor], category: int) -> Tensor:
    """Mean log probability of a category's words, window by window, with neurons scaled wherever it is scored."""
    record = run.record
    found = []
    for _, start, length in record.tokens.windows:
        scored = torch.tensor([float(position not in run.excluded) for position in range(start, start + length)])

        def hook_of(scale: Tensor, scored: Tensor = scored) -> Callable[..., tuple[Any, ...]]:
            def before(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
                factor = 1 + scored[:, None].to(scale.dtype) * (scale - 1)  # [length, d_mlp]
                return ((args[0].reshape(factor.shape) * factor).reshape(args[0].shape), *args[1:])

            return before

        handles = [
            model.get_submodule(path).register_forward_pre_hook(hook_of(scale))
            for path, scale in zip(paths, scales, strict=True)
        ]
        ids = torch.tensor([record.tokens.ids[start : start + length]])
        log_p = torch.log_softmax(model(input_ids=ids).logits[0], dim=-1)
        for handle in handles:
            handle.remove()
        for number, _, first, _ in record.occurrences:
            if number == category and start < first < start + length:
                found.append(log_p[first - 1 - start, record.tokens.ids[first]])
    return torch.stack(found).mean()


def test_it_is_the_gradient_by_each_neurons_scale(scanned: Scanned, copied: Run) -> None:
    loaded = scanned.loaded
    run = estimate_causes(copied, loaded)
    cause = run.figure("cause")
    assert (cause.dtype, cause.shape) == (np.float32, (run.neurons, 3))
    paths = [layer.path for layer in loaded.layers]
    for category in (0, 1):
        scales = [torch.ones(layer.width, requires_grad=True) for layer in loaded.layers]
        mean = mean_log_p(loaded.model, run, paths, scales, category)
        expected = -torch.cat(torch.autograd.grad(mean, scales)).numpy()
        np.testing.assert_allclose(cause[:, category], expected, rtol=1e-3, atol=1e-5)
        assert np.abs(expected).max() > 0.005
        assert run.record.causes.log_p[run.categories[category]] == pytest.approx(float(mean.detach()), abs=1e-4)
    assert np.isnan(cause[:, 2]).all()
    assert run.record.causes.occurrences == {"animal": 5, "food": 5, "nothing": 0}
    assert "nothing" not in run.record.causes.log_p


def test_a_small_real_change_does_what_the_estimate_says(scanned: Scanned, copied: Run) -> None:
    cause = estimate_causes(copied, scanned.loaded).figure("cause")
    model = deepcopy(scanned.loaded.model).double()
    for layer in scanned.loaded.layers:
        rows = scanned.run.layer_rows(layer.layer).rows
        strongest = int(np.abs(cause[rows, 0]).argmax())
        for neuron in {strongest, 7}:
            means = []
            for scale in (0.999, 1.001):
                factor = torch.ones(layer.width).double()
                factor[neuron] = scale
                with torch.no_grad():
                    means.append(float(mean_log_p(model, scanned.run, [layer.path], [factor], 0)))
            slope = (means[1] - means[0]) / 0.002
            assert cause[rows.start + neuron, 0] == pytest.approx(-slope, rel=2e-3, abs=2e-5)


def test_the_size_of_a_part_changes_nothing(scanned: Scanned, copied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.array(estimate_causes(copied, scanned.loaded).figure("cause"))
    monkeypatch.setitem(GRAPH_TOKENS, "cpu", 1)  # a window at a time, without padding
    told: list[str] = []
    parts = estimate_causes(
        copied, scanned.loaded, lambda event: told.append(event.detail) if isinstance(event, StageEntered) else None
    )
    np.testing.assert_allclose(parts.figure("cause"), whole, rtol=1e-3, atol=1e-5)
    assert told[:3] == [f"{done} of 3 parts of the text" for done in range(3)]  # one window has no word


def test_only_neurons_of_the_run_are_estimated_and_the_same_as_in_the_whole(scanned: Scanned, tmp_path: Path) -> None:
    part = run_of(scanned.loaded, tmp_path / "part", layers="1,2", limit_neurons=9)
    whole = estimate_causes(copy_of(scanned.run, tmp_path / "whole"), scanned.loaded)
    part = estimate_causes(part, scanned.loaded)
    rows = [whole.row_of(part.neuron_name(row)) for row in range(part.neurons)]
    np.testing.assert_allclose(part.figure("cause"), whole.figure("cause")[rows], rtol=1e-3, atol=1e-6)


def copy_of(run: Run, folder: Path) -> Run:
    assert run.path is not None
    shutil.copytree(run.path, folder)
    return Run.open(folder)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_cancelled_estimate_leaves_run_and_model_as_they_were(
    scanned: Scanned, copied: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GRAPH_TOKENS, "cpu", 1)
    before, cancel = files_of(tmp_path / "run"), threading.Event()

    def listen(event: Any) -> None:
        if isinstance(event, StageEntered) and event.detail.startswith("1 of"):
            cancel.set()

    with pytest.raises(Cancelled):
        estimate_causes(copied, scanned.loaded, listen, cancel)
    assert files_of(tmp_path / "run") == before
    untouched(scanned.loaded.model)


def test_the_model_keeps_no_hook_and_no_gradient(scanned: Scanned, copied: Run) -> None:
    estimate_causes(copied, scanned.loaded)
    untouched(scanned.loaded.model)


def untouched(model: nn.Module) -> None:
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in model.modules())
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in model.parameters())


def test_a_text_without_words_is_refused(scanned: Scanned, tmp_path: Path) -> None:
    config = replace(default_config(), categories=CATEGORIES, texts=("A train went to the mat. It was on time.",))
    run = scan(scan_request(scanned.loaded.id, config, tmp_path / "run"), loaded=scanned.loaded)
    with pytest.raises(RunError, match="contains no word of any category"):
        estimate_causes(run, scanned.loaded)
