"""The size on disk of a run over a corpus, and of what it gathers while it runs."""

from __future__ import annotations

from mechamap.plan.corpus.figures import figure_rows, kept_tokens
from mechamap.plan.corpus.gathered import DOCUMENT_BYTES, sample_bytes, shard_bytes, statistics_bytes, text_bytes
from mechamap.plan.disk_need import HEADER, PROOF_BYTES
from mechamap.plan.situation import PlanInputs
from mechamap.protocol.planned import PlannedRun
from mechamap.runs import record as run_record
from mechamap.runs.corpus.record import CategoryCounts, CorpusFile, CorpusRecord
from mechamap.runs.corpus.tokens import KEPT_FILES
from mechamap.runs.record import CORPUS_FORMAT, LayerRows, ModelRecord, RunRecord

__all__ = ["corpus_run_size"]


TOKEN_BYTES = 8  # of a kept token beside its text: its id and the length of its text
WINDOW_BYTES = 32  # of a stretch of kept tokens
OTHERS_BYTES = 4_000  # of run.json: how often each word occurs, times, numbers
STATE_BYTES = 4_000  # of a layer's file of statistics beside them


def corpus_run_size(inputs: PlanInputs) -> PlannedRun:
    """The size of the run that a scan leaves, and what it takes beside that while it runs."""
    config, rows = inputs.config, inputs.neurons
    assert config.corpus is not None
    figures = sum(HEADER + rows * each for each in figure_rows(config).values())
    record = _record_bytes(inputs)
    tokens = _kept_bytes(inputs)
    statistics = statistics_bytes(inputs) + STATE_BYTES * len(inputs.layers)
    # Statistics, figures and tokens are written beside those that are there, which then go.
    gathered = 2 * statistics + sample_bytes(inputs) + text_bytes(inputs)
    working = gathered + figures + tokens
    if inputs.ray is not None:  # what each worker here has read of a shard, and what one has passed on
        working += shard_bytes(inputs) * (inputs.local_workers + 1)
    # What a part has gathered stays until the parts are put together.
    stays = gathered - statistics if inputs.part is not None else 0
    return PlannedRun(
        figures, record, 0, figures + record + tokens + stays, tokens=tokens, gathered=stays, working=working - stays
    )


def _kept_bytes(inputs: PlanInputs) -> int:
    """The tokens that the run keeps; without a corpus of known size, as many as there can be."""
    read, settings = inputs.corpus.here if inputs.corpus is not None else None, inputs.config.corpus
    assert settings is not None
    if read is None or not read.tokens:
        return len(KEPT_FILES) * HEADER
    kept = kept_tokens(inputs.neurons, settings, read)
    share = kept / read.tokens
    text = read.text_bytes / read.tokens
    others = (read.windows * WINDOW_BYTES + read.documents * DOCUMENT_BYTES + read.name_bytes) * share
    return round(kept * (TOKEN_BYTES + text) + others) + len(KEPT_FILES) * HEADER


def _record_bytes(inputs: PlanInputs) -> int:
    """What run.json takes, about."""
    shape, config, size = inputs.shape, inputs.config, inputs.corpus
    model = ModelRecord("m" * 20, "m" * 20, "m" * 40, "r" * 40, shape.architecture, shape.parameters, "float32", "cpu")
    names = tuple(category.name for category in config.categories)
    counts = CategoryCounts(10_000, 512, 1_000_000, 4_096)
    files = tuple(CorpusFile(name, 1_000) for name in (size.files if size is not None else ()))
    record = RunRecord(
        model=model,
        categories=names,
        layers=tuple(
            LayerRows(layer.number, 0, layer.neurons(config.limit_neurons), layer.neurons()) for layer in inputs.layers
        ),
        figures=tuple(figure_rows(config)),
        config=config,
        format=CORPUS_FORMAT,
        corpus=CorpusRecord(files=files, stream="0" * 16, categories=dict.fromkeys(names, counts), kept="tokens-1"),
    )
    return len(run_record.dump(record).encode()) + PROOF_BYTES * len(inputs.layers) + OTHERS_BYTES
