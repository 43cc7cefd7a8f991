"""A confirmation finds the same whether sentences share their beginnings or each is run whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from support.by_name import load_model, scan_request
from support.shared_prefixes import few_words, sentences

from mechamap.capture.hooked_pass import capture_layers
from mechamap.checks import confirmation_pass
from mechamap.checks.confirm import confirm_run
from mechamap.checks.confirmation_pass import ConfirmSettings
from mechamap.runs.run import Run
from mechamap.scan.scan import scan

QUICK = ConfirmSettings(permutations=39, splits=2)


def test_figures_are_those_of_whole_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_model("demo", device="cpu")
    config = few_words(6, pooling="mean", layers="1-2")
    scan(scan_request("demo", config, tmp_path / "shared"), loaded=loaded)
    shutil.copytree(tmp_path / "shared", tmp_path / "whole")
    tokens: list[int] = []
    handle = loaded.layers[1].module.register_forward_pre_hook(lambda _m, args: tokens.append(args[0][..., 0].numel()))
    try:
        shared = confirm_run(Run.open(tmp_path / "shared"), loaded, QUICK)
    finally:
        handle.remove()
    assert sum(tokens) < 0.5 * len(sentences(loaded, config).tokenized.ids)
    monkeypatch.setattr(confirmation_pass, "capture_sharing_prefixes", capture_layers)
    whole = confirm_run(Run.open(tmp_path / "whole"), loaded, QUICK)
    assert shared.record.figures == whole.record.figures
    for name in ("held_out_auroc", "held_out_ap", "carrier_ap", "strength", "p"):
        one, other = shared.figure(name), whole.figure(name)
        # rounding turns a pair of words round here and there
        assert np.isclose(one, other, rtol=1e-5, equal_nan=True).mean() > 0.99, name
        np.testing.assert_allclose(one, other, atol=0.06, equal_nan=True, err_msg=name)
