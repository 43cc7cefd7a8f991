"""In every architecture words have the same activations behind shared prefixes as in their whole sentences."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from support.architecture_matrix import causal_types
from support.by_name import load_model
from support.shared_prefixes import run_both_ways, sentences
from support.tiny_models import save_tiny_model

from mechamap.errors import MechaMapError

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(3600)]


@pytest.mark.filterwarnings("ignore")
def test_every_architecture_gives_the_same_behind_shared_prefixes(tmp_path: Path, capsys) -> None:
    counts: Counter[str] = Counter()
    for model_type in causal_types():
        try:
            folder = save_tiny_model(tmp_path / model_type, model_type)
        except Exception:  # transformers cannot build it: docs/architectures.md names it
            continue
        try:
            loaded = load_model(str(folder), device="cpu")
        except MechaMapError:  # likewise
            continue
        outcome = run_both_ways(loaded, sentences(loaded))
        assert outcome.difference <= 1e-4, f"{model_type}: {outcome}"
        assert outcome.shared or outcome.difference == 0, f"{model_type}: {outcome}"
        assert outcome.shared or outcome.reason or loaded.kind != "decoder", f"{model_type}: {outcome}"
        counts["shared" if outcome.shared else "whole"] += 1
    with capsys.disabled():
        print(f"\nshared prefixes: {counts['shared']}, whole sentences: {counts['whole']}", end=" ")
    assert counts["shared"] > 100
