"""The size of a run on disk: a row of every figure for each neuron, the record, and kept activations."""

from __future__ import annotations

from dataclasses import replace

from mechamap.plan.situation import PlanInputs
from mechamap.protocol.planned import PlannedRun
from mechamap.runs import record as run_record
from mechamap.runs.figure_names import CATEGORY_FIGURES, NEURON_FIGURES, TOKEN_FIGURES
from mechamap.runs.record import LayerRows, ModelRecord, RunRecord
from mechamap.text.occurrences import coverage
from mechamap.text.token_record import token_record

__all__ = ["HEADER", "PROOF_BYTES", "text_run_size"]


HEADER = 128  # bytes of a .npy file before its numbers
PROOF_BYTES = 330  # of a layer's proof in run.json
TOKEN_BYTES = 22  # of a position in run.json: its id, its piece of text, a few marks


def text_run_size(inputs: PlanInputs) -> PlannedRun:
    """The size of the run that a scan over a text leaves."""
    config, layers, rows = inputs.config, inputs.layers, inputs.neurons
    columns = [len(config.categories)] * len(CATEGORY_FIGURES)
    columns += [1] * len(NEURON_FIGURES)
    if any(layer.experts for layer in layers):
        columns += [1, len(config.categories)]  # tokens and occurrences routed to each expert
    columns += [config.top_k_tokens] * len(TOKEN_FIGURES)
    figures = sum(HEADER + rows * each * 4 for each in columns)
    activations = len(layers) * HEADER + rows * inputs.text.positions * 2 if inputs.keeps else 0
    record = _record_bytes(inputs)
    return PlannedRun(figures, record, activations, figures + record + activations)


def _record_bytes(inputs: PlanInputs) -> int:
    """What run.json takes: the record itself where the text was tokenized, else about that."""
    shape, text, config, layers, limit = (
        inputs.shape,
        inputs.text,
        inputs.config,
        inputs.layers,
        inputs.config.limit_neurons,
    )
    model = ModelRecord("m" * 20, "m" * 20, "m" * 40, "r" * 40, shape.architecture, shape.parameters, "float32", "cpu")
    record = RunRecord(
        model=model,
        categories=tuple(category.name for category in config.categories),
        layers=tuple(LayerRows(layer.number, 0, layer.neurons(limit), layer.neurons()) for layer in layers),
        figures=(*CATEGORY_FIGURES, *NEURON_FIGURES, *TOKEN_FIGURES),
        config=config,
    )
    tokenized, words = text.tokenized, text.words
    about = PROOF_BYTES * len(layers)
    if tokenized is None or words is None:
        return len(run_record.dump(record).encode()) + about + TOKEN_BYTES * text.positions
    tokens = token_record(tokenized)
    record = replace(
        record,
        tokens=tokens,
        occurrences=tuple((o.category, o.word, o.first, o.last) for o in words.occurrences),
        coverage=coverage(words, config.categories),
        exclusions=tokenized.exclusions,
    )
    return len(run_record.dump(record).encode()) + about
