"""The probe against the bare model: the time from a key to the coloured sentence, and what turning round takes.

``python -m benchmarks --only probe``; on the CPU, with as many threads as torch takes by itself.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import torch

from benchmarks.figures import Figure, environment, paired, ratio, seconds

if TYPE_CHECKING:
    from mechamap.models.loaded import LoadedModel
    from mechamap.runs.run import Run

__all__ = ["probe_figures"]


SENTENCE = (
    "When the children came home from school they ate bread and cheese in the kitchen, and the dog under the table "
    "waited for what fell down, as it did every day of the week"
)
REST = 0.060  # seconds that the bound allows for waiting until no key comes
ROUNDS = 4  # for each of those that are asked for: one key takes a moment


def probe_figures(model: Path, rounds: int) -> list[Figure]:
    """Figures of a run of ``model`` that is scanned first."""
    from mechamap.catalog.source import resolve
    from mechamap.config.schema import default_config
    from mechamap.models.loading.load import load_model
    from mechamap.models.loading.load_settings import load_settings
    from mechamap.probe.prompt import read_prompt
    from mechamap.scan.prepare import ScanRequest
    from mechamap.scan.scan import scan

    config = default_config()
    loaded = load_model(resolve(str(model)), load_settings(config))
    ids = torch.from_numpy(read_prompt(f"{SENTENCE}abcde", loaded, config).tokenized.ids).long()[None]

    def bare() -> float:
        with torch.inference_mode():
            return seconds(lambda: loaded.model(input_ids=ids))

    with tempfile.TemporaryDirectory() as folder:
        run = scan(ScanRequest(resolve(str(model)), config, out=Path(folder) / "run"), loaded=loaded)
        assert run.path is not None
        neuron = str(run.neuron_name(int(run.layers[-1].rows.stop - 1)))  # of the last layer: the whole forward
        bare()
        pairs = _keys(Path(folder), run.path, neuron, bare, rounds * ROUNDS)
        turned = _turned(loaded, run, rounds, bare)
    words = ("key to colours, less 60 ms", "bare forward")
    length = f"{ids.shape[1]} tokens"
    allowed = [(max(ours - REST, 0.0), theirs) for ours, theirs in pairs]
    whole = statistics.median(ours for ours, _ in pairs)
    keyed = ratio(f"a key to the coloured sentence, less 60 ms / the forward ({length})", allowed, 1.3, words)
    return [
        Figure(keyed.name, keyed.value, keyed.bound, keyed.kept, f"{keyed.detail}; with them {1000 * whole:.0f} ms"),
        ratio("all neurons of a token, and next tokens / the forward", turned, 1.3, ("asked", "bare forward")),
    ]


def _keys(folder: Path, run: Path, neuron: str, bare: Callable[[], float], rounds: int) -> list[tuple[float, float]]:
    """Keys and bare forwards in turn: seconds of each."""
    process = pexpect.spawn(
        sys.executable,
        ["-m", "benchmarks.probe_driver", str(folder), str(run), neuron, SENTENCE],
        dimensions=(45, 160),
        timeout=1,
        env=environment(TERM="xterm-256color", COLORTERM="truecolor", MECHAMAP_HOME=str(folder / "home")),
    )
    process.delaybeforesend = None

    def wait(file: Path) -> None:
        while not file.exists():
            if not process.isalive():
                raise RuntimeError("the explorer ended before it was typed into")
            try:
                process.read_nonblocking(1 << 16, timeout=0.05)  # a terminal takes what is painted
            except (pexpect.TIMEOUT, pexpect.EOF):
                time.sleep(0.01)

    numbers = iter(range(10**6))

    def key() -> float:
        number = next(numbers)
        (folder / f"go-{number}").touch()
        wait(folder / f"done-{number}")
        return float((folder / f"done-{number}").read_text(encoding="ascii"))

    try:
        wait(folder / "ready")
        key()
        pairs = paired(key, bare, rounds)
    finally:
        (folder / "end").touch()
        process.close(force=True)
    return pairs


def _turned(loaded: LoadedModel, run: Run, rounds: int, bare: Callable[[], float]) -> list[tuple[float, float]]:
    """The question turned round, in this process, and the bare forward, in turn."""
    from mechamap.probe.prompt import read_prompt
    from mechamap.probe.reference_pass import reference_of
    from mechamap.probe.sentence import Wanted, probe_sentence
    from mechamap.probe.subject import RunSubject

    subject = RunSubject(loaded, run.config, run, reference_of(run, loaded))
    prompt = read_prompt(f"{SENTENCE}abcde", loaded, run.config)

    def asked() -> float:
        return seconds(lambda: probe_sentence(subject, prompt, Wanted(position=-1, outliers=200, next=12)))

    asked()
    return paired(asked, bare, rounds * ROUNDS)
