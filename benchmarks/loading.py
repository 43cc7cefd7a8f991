"""What is done between loading a model and scanning it, and what seeing into routed experts costs."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.figures import Figure, environment, paired, ratio, seconds
from benchmarks.scan import bare_body
from mechamap.capture.hooked_pass import PassSettings, capture_parts
from mechamap.catalog.source import resolve
from mechamap.config.schema import default_config
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.load import load_model
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.scan import scan
from mechamap.text.tokenize import tokenize

__all__ = ["loading_figures"]

PROOF_SHARE = 0.05

_LOAD_AND_PROVE = """
import json, sys, time
started = time.perf_counter()
from mechamap.catalog.source import resolve
from mechamap.models.loading.load import load_model
from mechamap.models.proof import prove
loaded = load_model(resolve(sys.argv[1]))
first = time.perf_counter() - started
started = time.perf_counter()
proofs = prove(loaded)
proof = time.perf_counter() - started
again = []
for _ in range(3):
    started = time.perf_counter()
    load_model(resolve(sys.argv[1]))
    again.append(time.perf_counter() - started)
print(json.dumps({
    "load": first, "proof": proof, "again": sorted(again)[1], "parts": len(proofs),
    "error": max(its.largest_error or 0.0 for its in proofs),
}))
"""


def loading_figures(model_path: Path, rounds: int) -> list[Figure]:
    """The proof as a share of the load it follows, in processes of its own; and the pass over a mixture of experts."""
    return [*_proof(model_path, rounds), *_experts(model_path, rounds)]


def _proof(model_path: Path, rounds: int) -> list[Figure]:
    command = [sys.executable, "-c", _LOAD_AND_PROVE, str(model_path)]
    found: list[dict[str, Any]] = []
    for _ in range(rounds + 1):
        answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment())
        found.append(json.loads(answer.stdout))
    found = found[1:]  # the first one reads the files from the disk
    shares = sorted(its["proof"] / its["load"] for its in found)
    share = statistics.median(shares)
    load, proof, again = (statistics.median(its[name] for its in found) for name in ("load", "proof", "again"))
    return [
        Figure(
            "capture proof / load, torch and transformers imported",
            f"{share:.1%}",
            f"<= {PROOF_SHARE:.0%}",
            share <= PROOF_SHARE,
            f"load {load:.2f} s, proof of {found[0]['parts']} parts {proof:.3f} s, largest error "
            f"{max(its['error'] for its in found):.1g}; {rounds} processes, {shares[0]:.1%} to {shares[-1]:.1%}",
        ),
        Figure(
            "capture proof / another load in the same process",
            f"{proof / again:.1%}",
            "-",
            None,
            f"load {again:.2f} s: the files are in memory and nothing is imported",
        ),
    ]


def _experts(model_path: Path, rounds: int) -> list[Figure]:
    """The pass over random experts, of the sizes of a small OLMoE, against transformers' own ways of computing them."""
    with tempfile.TemporaryDirectory() as folder:
        loaded = load_model(resolve(str(_random_experts(model_path, Path(folder) / "olmoe"))))
        tokenized = tokenize(default_config().texts, loaded.tokenizer, default_config(), loaded.context)

        def capture() -> None:
            capture_parts(
                loaded,
                tokenized,
                loaded.layers,
                lambda layer, parts: None,
                PassSettings(position_mask=tokenized.scored),
            )

        capture()
        config: Any = loaded.model.config
        ours = config._experts_implementation
        bare = bare_body(loaded, tokenized)

        def by(implementation: str) -> Callable[[], float]:
            def timed() -> float:
                config._experts_implementation = implementation
                try:
                    return seconds(bare)
                finally:
                    config._experts_implementation = ours

            return timed

        figures = [
            ratio(
                f"capture of routed experts / bare body, experts computed by transformers' {implementation}",
                paired(lambda: seconds(capture), by(implementation), rounds),
                1.2,
                ("capture", "forward"),
            )
            for implementation in ("grouped_mm", "eager")
        ]
        return [*figures, _whole_pass(loaded, Path(folder), by("grouped_mm"), rounds)]


def _whole_pass(loaded: LoadedModel, folder: Path, bare: Callable[[], float], rounds: int) -> Figure:
    numbers = iter(range(10_000))

    def scanned() -> float:
        run = scan(ScanRequest(resolve(loaded.id), default_config(), folder / f"run{next(numbers)}"), loaded=loaded)
        return run.record.timings["pass"]

    pairs = paired(scanned, bare, rounds)
    layer = loaded.layers[0]
    figure = ratio("hooked pass over experts, all scores and rows written / bare body", pairs, 3, ("pass", "forward"))
    detail = f"{len(loaded.layers)} layers of {layer.experts} experts, {layer.width:,} neurons each; {figure.detail}"
    return Figure(figure.name, figure.value, "-", None, detail)


def _random_experts(model_path: Path, folder: Path) -> Path:
    from transformers import AutoTokenizer, OlmoeConfig, OlmoeForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(model_path)
    config = OlmoeConfig(
        vocab_size=len(tokenizer),
        hidden_size=512,
        intermediate_size=512,
        num_hidden_layers=8,
        num_attention_heads=8,
        num_key_value_heads=8,
        num_experts=16,
        num_experts_per_tok=4,
    )
    torch.manual_seed(0)
    OlmoeForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
