"""The scan against the bare model: the pass, the whole command, peak memory, and the way it was done before."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import torch

from benchmarks.figures import Figure, environment, paired, ratio, seconds
from mechamap.capture.hooked_pass import capture_layers
from mechamap.catalog.source import resolve
from mechamap.config.schema import configs_folder, default_config
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.load import load_model
from mechamap.runs.run import Run
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.scan import scan
from mechamap.text.tokenize import TokenizedText, tokenize

__all__ = ["bare_body", "scan_figures"]

ORIGINAL_NEURONS = 50


def scan_figures(model_path: Path, rounds: int) -> list[Figure]:
    """All figures about scanning ``model_path`` over the master text of the default config."""
    loaded = load_model(resolve(str(model_path)))
    tokenized = tokenize(default_config().texts, loaded.tokenizer, default_config(), loaded.context)
    bare = bare_body(loaded, tokenized)
    figures = [_pass(loaded, bare, rounds), _hooks_alone(loaded, tokenized, bare, rounds), _original(loaded, bare)]
    return figures + _whole_command(model_path, rounds)


def bare_body(loaded: LoadedModel, tokenized: TokenizedText) -> Callable[[], None]:
    """One forward of the model's body over the same windows, padded into one batch."""
    length = max(window.length for window in tokenized.windows)
    ids = torch.zeros(len(tokenized.windows), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, window in enumerate(tokenized.windows):
        span = tokenized.ids[window.start : window.start + window.length]
        ids[row, : window.length] = torch.from_numpy(span.astype("int64"))
        mask[row, : window.length] = 1
    ids, mask = ids.to(loaded.device), mask.to(loaded.device)
    body = cast(torch.nn.Module, loaded.model.base_model)

    def forward() -> None:
        with torch.inference_mode():
            body(input_ids=ids, attention_mask=mask, use_cache=False)
        if loaded.device.type == "cuda":
            torch.cuda.synchronize()

    forward()  # the first one allocates
    return forward


def _pass(loaded: LoadedModel, bare: Callable[[], None], rounds: int) -> Figure:
    def hooked() -> float:
        with tempfile.TemporaryDirectory() as folder:
            run = scan(ScanRequest(resolve(loaded.id), default_config(), Path(folder) / "run"), loaded=loaded)
            return run.record.timings["pass"] - run.record.timings["writes"]

    hooked()
    pairs = paired(hooked, lambda: seconds(bare), rounds)
    return ratio("hooked pass, all reads scored and rows on disk / bare body", pairs, 1.5, ("pass", "forward"))


def _hooks_alone(loaded: LoadedModel, tokenized: TokenizedText, bare: Callable[[], None], rounds: int) -> Figure:
    def hooked() -> float:
        return seconds(lambda: capture_layers(loaded, tokenized, loaded.layers, lambda layer, activations: None))

    pairs = paired(hooked, lambda: seconds(bare), rounds)
    found = ratio("of that, capture alone / bare body", pairs, 1.5, ("capture", "forward"))
    return Figure(found.name, found.value, "-", None, found.detail)


def _original(loaded: LoadedModel, bare: Callable[[], None]) -> Figure:
    """One forward per neuron, as the tool this grew from did, over the first neurons of the first layer."""
    layer = loaded.layers[0]
    started = time.perf_counter()
    for neuron in range(ORIGINAL_NEURONS):
        kept: list[torch.Tensor] = []
        handle = layer.module.register_forward_pre_hook(
            lambda _module, args, n=neuron, kept=kept: kept.append(args[0][..., n].float().cpu())
        )
        bare()
        handle.remove()
        torch.cat(kept).mean()
    each = (time.perf_counter() - started) / ORIGINAL_NEURONS
    neurons = sum(found.width for found in loaded.layers)
    with tempfile.TemporaryDirectory() as folder:
        run = scan(ScanRequest(resolve(loaded.id), default_config(), Path(folder) / "run"), loaded=loaded)
    ours = run.record.timings["pass"]
    times = each * neurons / ours
    return Figure(
        "one forward per neuron / hooked pass",
        f"{times:,.0f} x",
        ">= 10,000 x",
        times >= 10_000,
        f"{each:.3g} s a neuron over {ORIGINAL_NEURONS} neurons, {each * neurons / 3600:.1f} h for {neurons:,}; "
        f"pass {ours:.3g} s",
    )


def _whole_command(model_path: Path, rounds: int) -> list[Figure]:
    """`mechamap scan` against the bare script, as whole processes: wall time and peak memory."""
    here = Path(__file__).parent
    script = [sys.executable, str(here / "bare_script.py"), str(model_path), str(configs_folder() / "default.yaml")]
    ours, without, theirs, memory = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            command = [sys.executable, "-m", "mechamap", "scan", str(model_path), "--out", f"{folder}/{number}"]
            a, a_memory = _process(command)
            b, b_memory = _process(script)
            if number:  # the first pair warms the page cache
                timings = Run.open(f"{folder}/{number}").record.timings
                ours.append(a)
                without.append(a - timings["writes"] - timings["unembedding"])
                theirs.append(b)
                memory.append((a_memory, b_memory))
    pairs = list(zip(without, theirs, strict=True))
    all_in = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    kept = ratio("whole `mechamap scan` / script that loads and runs one forward", pairs, 1.2, ("scan", "script"))
    detail = f"without what writes take, which have a bound of their own; with them {all_in:.2f} x; {kept.detail}"
    extra = statistics.median(a - b for a, b in memory)
    peaks = [statistics.median(side) for side in zip(*memory, strict=True)]
    return [
        Figure(kept.name, kept.value, kept.bound, kept.kept, detail),
        Figure(
            "peak memory above that script's",
            f"{extra:+.0f} MB",
            "<= +300 MB",
            extra <= 300,
            f"scan {peaks[0]:.0f} MB, script {peaks[1]:.0f} MB; {len(memory)} pairs",
        ),
    ]


def _process(command: Sequence[str]) -> tuple[float, float]:
    """Wall seconds and peak resident MB of a command, by the operating system's account of it."""
    reporter = (
        "import resource, subprocess, sys; "
        "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode; "
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", reporter, *command], capture_output=True, text=True, check=True, env=environment()
    )
    wall = time.perf_counter() - started
    code, peak = (int(part) for part in done.stdout.split())
    if code:
        raise RuntimeError(f"{' '.join(command)} exited with {code}")
    per_mb = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss counts bytes there, kilobytes elsewhere
    return wall, peak / per_mb
