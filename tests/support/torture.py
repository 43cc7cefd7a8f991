"""Thousands of damaged inputs through what reads them: each is read, or refused in our own words, soon and shortly."""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pytest

from mechamap.catalog.source import resolve
from mechamap.cli import main as command_line
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.schema import configs_folder, default_config, load_config, with_overrides
from mechamap.csv_files.run import read_csv
from mechamap.engine.methods import METHODS
from mechamap.engine.server import Engine
from mechamap.errors import MechaMapError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.query.evaluate import matching, sorted_rows
from mechamap.runs.run import Run
from mechamap.scan.corpus.corpus_scan import scan_corpus
from mechamap.scan.corpus.part import Part
from mechamap.scan.prepare import ScanRequest
from support.corpus_text import documents, write_corpus
from support.damage import damage_run, damaged_json, damaged_text
from support.damaged_parts import damage_part
from support.recorded_run import checked_run
from support.torture_figures import peak_of_memory

__all__ = ["Torture"]


SECONDS = 2.0  # of CPU, for one input
MEMORY = 500_000_000  # bytes that may be resident beyond what was before, for one input
LONGEST_MESSAGE = 5_000  # characters
RUN_COMMANDS = (
    ("runs", "show", "{run}"),
    ("export", "{run}", "--wide"),
    ("export", "{run}", "--format", "json"),
    ("export", "{run}", "--format", "md"),
    ("export", "{run}", "--where", "reads.food > 0.5 or best == food or apple", "--sort", "-strength.food,layer"),
    ("interpret", "{run}", "--format", "json"),
    ("interpret", "{run}", "--by", "reads"),
    ("compare", "{run}", "{run}", "--format", "json"),
)


class Torture:
    """Damages inputs from seeds and gathers what is not as it should be.

    Args:
        folder: an empty one to work in.
        monkeypatch: for the data folder, and to see failures that nobody foresaw.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.wrong: list[str] = []
        self.cpu, self.memory = 0.0, 0  # the most that one input took
        self._doing = ""
        monkeypatch.setenv("MECHAMAP_HOME", str(folder / "home"))
        for module in ("mechamap.system.failures", "mechamap.engine.server"):
            monkeypatch.setattr(f"{module}.record_failure", self._unforeseen)

    def _unforeseen(self, error: BaseException, *_: object, **__: object) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        last = next((frame for frame in reversed(frames) if "/mechamap" in frame.filename), frames[-1])
        self.wrong.append(
            f"{self._doing}: {type(error).__name__} in {Path(last.filename).name}:{last.lineno}: {str(error)[:80]}"
        )

    @contextlib.contextmanager
    def _watched(self, doing: str) -> Iterator[None]:
        """Note what escapes, what takes too long or too much memory, and what is said at length."""
        self._doing = doing
        with peak_of_memory() as peak:
            began = time.process_time()
            try:
                yield
            except MechaMapError as error:
                if len(str(error)) > LONGEST_MESSAGE:
                    self.wrong.append(f"{doing}: a message of {len(str(error)):,} characters")
            except BaseException as error:
                self._unforeseen(error)
            took = time.process_time() - began
        if peak.bytes > MEMORY:
            self.wrong.append(f"{doing}: {peak.bytes / 1e6:.0f} MB")
        if took > SECONDS:
            self.wrong.append(f"{doing}: {took:.1f} s")
        self.cpu, self.memory = max(self.cpu, took), max(self.memory, peak.bytes)

    def runs(self, seeds: Iterable[int]) -> None:
        """Damaged runs through every command that reads one without its model."""
        checked_run(self.folder / "whole")
        self._damaged_runs(seeds)

    def corpora(self, seeds: Iterable[int]) -> None:
        """The same, of a run over a corpus."""
        corpus = write_corpus(self.folder / "corpus.jsonl", documents(8, 30))
        settings = CorpusSettings((str(corpus),), seq_len=48, contexts=4, sample=50, occurrences=10)
        config = with_overrides(default_config(), corpus=settings, layers="1", limit_neurons=48)
        scan_corpus(ScanRequest(resolve("demo"), config, self.folder / "whole"))
        self._damaged_runs(seeds)

    def parts(self, seeds: Iterable[int]) -> None:
        """Two parts of a corpus scan, one of them damaged, put together."""
        corpus = write_corpus(self.folder / "corpus.jsonl", documents(8, 30))
        settings = CorpusSettings((str(corpus),), seq_len=48, contexts=4, sample=50, occurrences=10, shard_tokens=60)
        config = with_overrides(default_config(), corpus=settings, layers="1", limit_neurons=48)
        model = None
        for number in (1, 2):
            request = ScanRequest(resolve("demo"), config, self.folder / f"part{number}", part=Part(number, 2))
            _, model = scan_corpus(request, loaded=model)
        parts, damaged, out = (
            [self.folder / "part1", self.folder / "part2"],
            self.folder / "damaged",
            self.folder / "out",
        )
        self._command("merge", *map(str, parts), "--out", str(out))
        assert (out / "run.json").exists()
        for seed in seeds:
            for folder in (damaged, out):
                shutil.rmtree(folder, ignore_errors=True)
            rng = random.Random(seed)
            place = rng.randrange(2)
            shutil.copytree(parts[place], damaged)
            what = damage_part(damaged, rng)
            given = [damaged if number == place else part for number, part in enumerate(parts)]
            with self._watched(f"part {seed} ({what}), merge"):
                self._command("merge", *map(str, given), "--out", str(out))
            if out.exists():
                with self._watched(f"part {seed} ({what}), export of what was merged"):
                    self._command("export", str(out), "--wide")

    def _damaged_runs(self, seeds: Iterable[int]) -> None:
        whole, run = self.folder / "whole", self.folder / "run"
        for seed in seeds:
            shutil.rmtree(run, ignore_errors=True)
            shutil.copytree(whole, run)
            what = damage_run(run, random.Random(seed))
            for words in RUN_COMMANDS:
                with self._watched(f"run {seed} ({what}), {words[0]}"):
                    self._command(*(word.format(run=run) for word in words))

    def _command(self, *words: str) -> None:
        out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            command_line.main(list(words))
        if len(err.getvalue()) > LONGEST_MESSAGE:
            self.wrong.append(f"{self._doing}: {len(err.getvalue()):,} characters on stderr")

    def configs(self, seeds: Iterable[int]) -> None:
        """Damaged config files."""
        texts = [file.read_text(encoding="utf-8") for file in sorted(configs_folder().glob("*.yaml"))]
        nested = ["[" * 300, "{a: " * 300, "- " * 300, "&a [*a]", "? " * 100, "!!python/object:os.system x", "<<: *x"]
        file = self.folder / "config.yaml"
        for seed in seeds:
            rng = random.Random(seed)
            data = damaged_text(rng.choice(texts), rng)
            if rng.random() < 0.2:
                at = rng.randrange(len(data) + 1)
                data = data[:at] + rng.choice(nested).encode() * rng.choice([1, 300]) + data[at:]
            file.write_bytes(data)
            with self._watched(f"config {seed}"):
                load_config(file)

    def csvs(self, seeds: Iterable[int]) -> None:
        """Damaged CSVs, read and asked for their strongest neurons."""
        run = checked_run(self.folder / "whole")
        texts = []
        for number, request in enumerate((ExportRequest("csv", threshold=0.0), ExportRequest("csv", wide=True))):
            export_run(run, self.folder / f"whole{number}.csv", request)
            texts.append((self.folder / f"whole{number}.csv").read_text(encoding="utf-8"))
        file = self.folder / "damaged.csv"
        for seed in seeds:
            rng = random.Random(seed)
            file.write_bytes(damaged_text(rng.choice(texts), rng))
            with self._watched(f"CSV {seed}"):
                opened = read_csv(file)
                for figure in opened.record.figures:
                    np.asarray(opened.figure(figure))

    def filters(self, seeds: Iterable[int]) -> None:
        """Filters and sort expressions, sensible ones damaged and nonsense."""
        run: Run = checked_run(self.folder / "whole")
        good = ("reads.food > 0.9 and layer >= 1", "-abs(reads.food), layer", "best == food or 'the dog'", "not dead")
        parts = (
            "(",
            ")",
            "-",
            "+ 1",
            "and",
            "or",
            "not ",
            "reads",
            ".food",
            ".",
            "1e999",
            "0x1",
            "'",
            '"',
            "==",
            "<",
            "é",
            "\x00",
            ",",
        )
        for seed in seeds:
            rng = random.Random(seed)
            if rng.random() < 0.5:
                expression = damaged_text(rng.choice(good), rng).decode("utf-8", "surrogateescape")
            else:
                expression = " ".join(
                    rng.choice(parts) * rng.choice([1, 1, 1, 900]) for _ in range(rng.randrange(1, 12))
                )
            for ask in (matching, sorted_rows):
                with self._watched(f"filter {seed}"):
                    ask(run, expression)

    def messages(self, seeds: Iterable[int]) -> None:
        """Damaged messages to the engine, which answers each that has an id, and lives."""
        run = checked_run(self.folder / "whole")
        out = self.folder / "x.csv"
        requests: tuple[dict[str, Any], ...] = (
            {"id": 1, "method": "hello", "params": {"protocol": 1}},
            {"id": 1, "method": "export", "params": {"run": str(run.path), "format": "csv", "out": str(out)}},
            {"id": 1, "method": "interpret", "params": {"run": str(run.path)}},
            {"id": 1, "method": "compare", "params": {"a": str(run.path), "b": str(run.path)}},
            {"id": 1, "method": "plan", "params": {"model": "demo", "config": {"layers": "0"}}},
            {"id": 1, "method": "activations", "params": {"run": str(run.path), "neuron": "L0.N3"}},
            {"id": 1, "method": "cancel", "params": {"id": 5}},
        )  # fmt: skip
        for request in requests:  # what is imported when one of a kind comes first takes seconds
            first = _Conversation(json.dumps(request).encode())
            Engine(cast(BinaryIO, first), first.answers, METHODS).serve()
        for seed in seeds:
            rng = random.Random(seed)
            message = {"jsonrpc": "2.0", **damaged_json(rng.choice(requests), rng, rng.choice([1, 2, 3]))}
            line = json.dumps(message).encode(errors="replace")
            if rng.random() < 0.3:
                line = damaged_text(line.decode(), rng).replace(b"\n", b" ")
            if self._told(seed, line):  # what is imported for it takes seconds, once
                self.wrong.pop()
                self._told(seed, line)

    def _told(self, seed: int, line: bytes) -> bool:
        """Tell a message to an engine; whether all that was wrong is the time that it took."""
        before, conversation = len(self.wrong), _Conversation(line)
        with self._watched(f"message {seed}"):
            Engine(cast(BinaryIO, conversation), conversation.answers, METHODS).serve()
            if not conversation.answered:
                self.wrong.append(f"message {seed}: no answer")
            if b'"version"' not in conversation.answers.getvalue().splitlines()[-1]:
                self.wrong.append(f"message {seed}: the engine does not answer any more")
        return len(self.wrong) == before + 1 and self.wrong[-1].endswith(" s")


class _Conversation:
    """What an engine reads: a line, and when that is answered another, which asks whether it lives."""

    def __init__(self, line: bytes) -> None:
        self.answers = io.BytesIO()
        self.answered = False  # what needs no answer, such as a blank line, counts too
        self._line = line

    def __iter__(self) -> Iterator[bytes]:
        yield self._line + b"\n"
        deadline = time.monotonic() + 30
        while not self.answered and time.monotonic() < deadline:
            lines = self.answers.getvalue().splitlines()
            self.answered = any(b'"result"' in line or b'"error"' in line for line in lines) or not self._line.strip()
            time.sleep(0.002)
        yield b'{"jsonrpc":"2.0","id":99,"method":"hello","params":{}}\n'
