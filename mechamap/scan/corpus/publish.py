"""From what a corpus scan has gathered to a run that can be opened: while it goes on, and when it is complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.config.scan_config import ScanConfig
from mechamap.corpus.corpus import Corpus
from mechamap.errors import RunError
from mechamap.runs.corpus.record import CorpusFile, CorpusRecord
from mechamap.runs.corpus.writing import publish_run, write_run
from mechamap.runs.record import CORPUS_FORMAT, RunRecord
from mechamap.runs.run import Run
from mechamap.runs.scanned import Exclusions
from mechamap.scan.corpus.figures import category_counts, layer_figures
from mechamap.scan.corpus.gate.ledger import damage_in_words
from mechamap.scan.corpus.kept_text import KeptTokens, Surroundings, joined, kept_paths, needed_tokens
from mechamap.scan.corpus.shard_pass import CorpusFolders
from mechamap.scan.corpus.shards import Shards
from mechamap.scan.corpus.state import CorpusState
from mechamap.scan.prepare import PreparedModel, ScanRequest
from mechamap.scores.writes import WriteScores, category_tokens
from mechamap.wording.amounts import quantity

__all__ = ["Publication", "missing_problem", "without_findings"]


_MISSING = "Not in this run"


@dataclass(frozen=True, slots=True, eq=False)
class Publication:
    """Makes a run of a state.

    Attributes:
        folder: the run's, which the caller has locked.
        record: of the run before anything is known of the corpus.
        writes: ``[neurons, categories]``, the direct logit attributions, which need no text.
        around: how many tokens around each context are kept.
        files: what the corpus consists of.
        shards: how many shards it has.
        part: which of them are asked for, as in ``3/16``; empty: all.
    """

    folder: Path
    record: RunRecord
    writes: NDArray[np.float32]
    around: Surroundings
    files: tuple[CorpusFile, ...]
    shards: int
    part: str = ""

    @classmethod
    def of_scan(
        cls, request: ScanRequest, model: PreparedModel, record: RunRecord, *, folder: Path, shards: Shards
    ) -> Publication:
        """That of a scan which begins, or goes on."""
        settings = request.config.corpus
        assert settings is not None
        writes = _writes(request.config, model, record.neurons)
        around = Surroundings.for_settings(record.neurons, settings)
        part = str(request.part) if request.part is not None else ""
        return cls(folder, record, writes, around, _files(shards.corpus), shards.count or 0, part)

    @property
    def config(self) -> ScanConfig:
        """Of the scan."""
        assert self.record.config is not None
        return self.record.config

    def publish(
        self,
        state: CorpusState,
        folders: CorpusFolders,
        *,
        run_state: str,
        finished: str | None,
        timings: Mapping[str, float],
    ) -> Run:
        """Write the run that a state makes, and open it.

        Args:
            state: what was gathered.
            folders: of its files.
            run_state: running, complete, cancelled or failed.
            finished: when it ended, if it did.
            timings: seconds by stage.

        Raises:
            RunError: the disk is full or gone, or a file of the state is damaged.
        """
        try:
            tokens = self._tokens(state, folders)
            figures = self._figures(state, folders, tokens)
        except (OSError, ValueError, LookupError) as error:
            raise RunError(
                f"{folders.root} is damaged: {damage_in_words(error)}.",
                "Remove the run's folder and scan again, or restore it from a copy.",
            ) from None
        config = self.config
        occurrences = state.tallies.occurrences(config.categories)
        tallies = state.tallies
        corpus = CorpusRecord(
            files=self.files,
            documents=tallies["documents"],
            tokens=tallies["tokens"],
            windows=tallies["windows"],
            scored=tallies["scored"],
            shards=self.shards,
            merged=len(state.shards),
            part=self.part,
            first_ids=tallies.first_ids,
            stream=f"{tallies.stream:016x}",
            categories=category_counts(state, self.record.categories, occurrences),
            kept_tokens=len(tokens),
            whole_windows=self.around.before is None,
        )
        bad = {layer.layer: _not_finite(state, number) for number, layer in enumerate(self.record.layers)}
        record = replace(
            self.record,
            format=CORPUS_FORMAT,
            layers=tuple(
                replace(layer, complete=True, flags=("not finite",) if bad[layer.layer] else ())
                for layer in self.record.layers
            ),
            problems=(*self.record.problems, *_problems(bad, self.record)),
            figures=tuple(figures),
            coverage=tallies.coverage(config.categories),
            exclusions=_exclusions(self.record.exclusions or Exclusions(), state),
            corpus=corpus,
            state=run_state,
            finished=finished,
            timings=dict(timings),
        )
        write = write_run if run_state == "complete" else publish_run
        write(self.folder, record, figures, _token_arrays(tokens))
        return Run.open(self.folder)

    def _tokens(self, state: CorpusState, folders: CorpusFolders) -> KeptTokens:
        """The tokens around all contexts that are held."""
        contexts = state.contexts()
        parts = []
        for path in kept_paths(folders.text, state.shards):
            tokens = KeptTokens.load(path)
            parts.append(tokens.select(needed_tokens(tokens, contexts, self.around)))
        tokens = joined(parts)
        if (tokens.keys[1:] <= tokens.keys[:-1]).any():
            raise ValueError("the tokens of its shards do not follow each other")
        return tokens

    def _figures(self, state: CorpusState, folders: CorpusFolders, tokens: KeptTokens) -> dict[str, NDArray[Any]]:
        top_k = self.config.top_k_tokens
        layers = [
            layer_figures(state, number, folders.samples, tokens.keys, top_k) for number in range(len(state.layers))
        ]
        figures = {name: np.concatenate([layer[name] for layer in layers]) for name in layers[0]}
        return figures | {"write": self.writes}


def _writes(config: ScanConfig, model: PreparedModel, neurons: int) -> NDArray[np.float32]:
    """Direct logit attributions of all neurons, ``[neurons, categories]``; they need no text."""
    if model.unembedding is None:
        return np.full((neurons, len(config.categories)), np.nan, np.float32)
    scores = WriteScores(model.unembedding, category_tokens(config.categories, model.loaded.tokenizer))
    return np.concatenate([scores.score(layer, config.limit_neurons) for layer in model.layers])


def _files(corpus: Corpus) -> tuple[CorpusFile, ...]:
    files = tuple(CorpusFile(file.name, file.documents) for file in corpus.inventory.files)
    stream = corpus.inventory.stream
    return files if stream is None else (*files, CorpusFile(stream.name, -1))


def _token_arrays(tokens: KeptTokens) -> dict[str, NDArray[Any]]:
    """The files of the tokens that a run keeps."""
    cut = tokens.begins | (np.diff(tokens.keys, prepend=-2) != 1)
    starts = np.flatnonzero(cut)
    lengths = np.diff(np.append(starts, len(tokens)))
    keys = tokens.keys[starts]
    names = "\n".join(name.replace("\n", " ") for name in tokens.names).encode("utf-8", "replace")
    return {
        "ids": tokens.ids,
        "sizes": tokens.sizes,
        "text": tokens.text,
        "windows": np.stack([keys >> 32, starts, lengths, keys & 0xFFFFFFFF], axis=1).reshape(-1, 4),
        "documents": tokens.documents,
        "names": np.frombuffer(names, np.uint8),
    }


def _not_finite(state: CorpusState, number: int) -> int:
    return int(state.layers[number].moments.not_finite.sum())


def _problems(bad: Mapping[int, int], record: RunRecord) -> list[str]:
    """What is wrong with layers, in sentences."""
    widths = {layer.layer: layer.width for layer in record.layers}
    return [
        f"Layer {layer}: {count:,} of {widths[layer]:,} neurons have activations that are NaN or infinite; they are "
        "left out. Load the model in another number format, such as float32 or bfloat16."
        for layer, count in bad.items()
        if count
    ]


def _exclusions(policy: Exclusions, state: CorpusState) -> Exclusions:
    """The policy of the scan with the numbers of the corpus."""
    tallies = state.tallies
    summary = policy.summary.partition("; ")[2]
    return replace(
        policy,
        summary=f"{tallies['scored']:,} of {tallies['positions']:,} positions scored"
        + (f"; {_without_numbers(summary)}" if summary else ""),
        windows=tallies["windows"],
        positions=tallies["positions"],
        scored=tallies["scored"],
        first_positions=tallies["first_positions"],
        special_positions=tallies["special_positions"],
        excluded=tallies["excluded"],
    )


def missing_problem(missing: Sequence[int]) -> str:
    """The sentence about shards, counted from 0, that a run lacks."""
    named = ", ".join(f"{shard + 1:,}" for shard in missing[:5]) + (", …" if len(missing) > 5 else "")
    return f"{_MISSING}: {quantity(len(missing), 'shard')} of the corpus ({named})."


def without_findings(record: RunRecord) -> RunRecord:
    """A record without what was found in some part of a corpus, so that it can be of another part."""
    problems = tuple(problem for problem in record.problems if not problem.startswith(("Layer ", _MISSING)))
    empty = RunRecord(record.model, record.categories, record.layers, ())
    return replace(
        record,
        figures=(),
        tokens=empty.tokens,
        problems=problems,
        confirmation=empty.confirmation,
        causes=empty.causes,
        second_looks=empty.second_looks,
        randomized=empty.randomized,
    )


def _without_numbers(summary: str) -> str:
    return summary.replace(" (0)", "")
