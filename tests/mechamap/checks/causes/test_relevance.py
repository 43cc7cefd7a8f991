"""Estimates of causes by relevance patching: on every kind of architecture, beside the gradient's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.by_name import load_model, scan_request
from torch import nn

from mechamap.checks.causes.attribution import estimate_causes
from mechamap.config.schema import config_from_dict
from mechamap.models.loaded import LoadedModel
from mechamap.runs.checked import Causes
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from mechamap.system.plain_values import from_plain_values

CONFIG = config_from_dict(
    {
        "texts": ["The cat and the dog ate an apple. A horse went to Paris by train, and a bird sang."],
        "categories": {"animal": ["cat", "dog", "horse", "bird"]},
    },
    "test",
)
GATED = {"gpt2": 0, "gptj": 0, "gpt_neox": 0, "llama": 2, "phi3": 2, "gemma3_text": 2, "qwen2_moe": 4, "gpt_oss": 2}


def scanned(tiny_models: Callable[..., Path], architecture: str, folder: Path) -> tuple[Run, LoadedModel]:
    loaded = load_model(str(tiny_models(architecture)), device="cpu")
    return scan(scan_request(loaded.id, CONFIG, folder / "run"), loaded=loaded), loaded


@pytest.mark.parametrize("architecture", sorted(GATED))
def test_the_rules_change_the_estimate_and_nothing_that_is_computed(
    architecture: str, tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    run, loaded = scanned(tiny_models, architecture, tmp_path)
    run = estimate_causes(run, loaded)
    gradient, known = np.array(run.figure("cause")), run.record.causes
    assert (known.method, known.rules, known.estimated_by) == ("gradient", {}, "gradient")
    run = estimate_causes(run, loaded, method="relp")
    relevance, causes = np.array(run.figure("cause")), run.record.causes
    assert causes.estimated_by == "relp"
    assert causes.log_p == known.log_p
    assert causes.rules["gates"] == GATED[architecture]  # of layers behind the first: the graph begins at its neurons
    assert causes.rules["norms"] >= 4
    assert np.isfinite(relevance).all()
    assert 1e-3 < np.abs(relevance - gradient).max() / np.abs(gradient).max() < 10
    untouched(loaded.model)


def untouched(model: nn.Module) -> None:
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_where_no_rule_can_be_applied_the_gradient_is_used(
    tiny_models: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, loaded = scanned(tiny_models, "gpt2", tmp_path)
    gradient = np.array(estimate_causes(run, loaded).figure("cause"))
    monkeypatch.setattr("mechamap.checks.causes.relevance.find_norms", lambda loaded: {})
    run = estimate_causes(run, loaded, method="relp")
    assert run.record.causes.estimated_by == "gradient"
    np.testing.assert_array_equal(run.figure("cause"), gradient)


def test_runs_of_earlier_versions_were_estimated_by_the_gradient() -> None:
    before = from_plain_values(Causes, {"positions": "the scored positions", "seconds": 1.5}, "causes")
    assert before.estimated_by == "gradient"
    assert not from_plain_values(Causes, {"positions": "the scored positions"}, "causes").estimated_by
