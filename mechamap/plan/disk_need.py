"""How large the run of a scan is on disk: a row of every figure for each neuron, its record, and what it keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mechamap.plan.situation import PlanInputs
from mechamap.runs import record as run_record
from mechamap.runs.figure_names import CATEGORY_FIGURES, NEURON_FIGURES, TOKEN_FIGURES
from mechamap.runs.record import LayerRows, ModelRecord, RunRecord
from mechamap.text.occurrences import coverage
from mechamap.text.token_record import token_record

__all__ = ["RunSize", "run_size"]


HEADER = 128  # bytes of a .npy file before its numbers
PROOF_BYTES = 330  # of a layer's proof in run.json
TOKEN_BYTES = 22  # of a position in run.json: its id, its piece of text, a few marks


@dataclass(frozen=True, slots=True)
class RunSize:
    """Bytes of a run's files."""

    figures: int
    record: int
    activations: int

    @property
    def total(self) -> int:
        return self.figures + self.record + self.activations


def run_size(it: PlanInputs) -> RunSize:
    """The size of the run that a scan leaves."""
    config, layers, rows = it.config, it.layers, it.neurons
    columns = [len(config.categories)] * len(CATEGORY_FIGURES)
    columns += [1] * len(NEURON_FIGURES)
    if any(layer.experts for layer in layers):
        columns += [1, len(config.categories)]  # tokens and occurrences that came to each expert
    columns += [config.top_k_tokens] * len(TOKEN_FIGURES)
    figures = sum(HEADER + rows * each * 4 for each in columns)
    kept = len(layers) * HEADER + rows * it.text.positions * 2 if it.keeps else 0
    return RunSize(figures, _record_bytes(it), kept)


def _record_bytes(it: PlanInputs) -> int:
    """What run.json takes: the record itself where the text was tokenized, else about that."""
    shape, text, config, layers, limit = it.shape, it.text, it.config, it.layers, it.config.limit_neurons
    model = ModelRecord("m" * 20, "m" * 20, "m" * 40, "r" * 40, shape.architecture, shape.parameters, "float32", "cpu")
    record = RunRecord(
        model=model,
        categories=tuple(category.name for category in config.categories),
        layers=tuple(LayerRows(layer.number, 0, layer.neurons(limit), layer.neurons()) for layer in layers),
        figures=(*CATEGORY_FIGURES, *NEURON_FIGURES, *TOKEN_FIGURES),
        config=config,
    )
    tokenized, found = text.tokenized, text.occurrences
    about = PROOF_BYTES * len(layers)
    if tokenized is None:
        return len(run_record.dump(record).encode()) + about + TOKEN_BYTES * text.positions
    tokens = token_record(tokenized)
    record = replace(
        record,
        tokens=tokens,
        occurrences=tuple((o.category, o.word, o.first, o.last) for o in found),
        coverage=coverage(found, tokenized, config.categories),
        exclusions=tokenized.exclusions,
    )
    return len(run_record.dump(record).encode()) + about
