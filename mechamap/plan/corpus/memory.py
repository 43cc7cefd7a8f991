"""How much memory a scan over a corpus takes, of one process and of workers on this machine together.

A process holds the model, the statistics of all neurons on the devices of their layers, one batch on its way through
the model, and the texts of two chunks. Nothing of that grows with the corpus. The process that writes the run holds its
figures, and the tokens that it keeps, while it writes them. Each worker holds the model and statistics of its own, and
what its shard has gathered when that is on its way to the process that writes the run.
"""

from __future__ import annotations

from mechamap.plan.corpus.compiled import compiler_bytes
from mechamap.plan.corpus.figures import figure_bytes, kept_tokens
from mechamap.plan.corpus.gathered import shard_bytes, statistics_bytes
from mechamap.plan.memory_need import PROCESS_WITH_CUDA, base_process, planned_memory, working_memory
from mechamap.plan.second_text import second_text_bytes
from mechamap.plan.situation import PlanInputs
from mechamap.protocol.planned import PlannedMemory
from mechamap.scan.corpus.shard_pass import BATCHES_OF_CHUNK

__all__ = ["corpus_memory_needs", "worker_bytes"]


CHUNKS = 2  # in memory: the one that is read, and the next one
TOKEN_TEXT = 500  # bytes of a chunk's token: its piece of text and that of its document, offsets, windows, words
KEPT_TOKEN = 60  # bytes of a token that the run keeps, in parts and joined, while it is written
RAY = 700_000_000  # bytes of Ray's own processes
PASSED = 1 << 22  # most activations that are looked at at once where the statistics are not compiled
PASSED_BYTES = 48  # of each of them: sorted by document, with places and bins


def corpus_memory_needs(inputs: PlanInputs) -> tuple[PlannedMemory, ...]:
    """What a scan over a corpus needs of this machine, the device that computes first; workers on it are in it.

    Workers on other machines are not: each needs :func:`worker_bytes`.
    """
    places = inputs.places
    loaded = inputs.loaded
    if places.spread:
        loaded = max(inputs.weights.blocks) if inputs.weights.blocks else 0
    on_card = places.device.type != "cpu"
    workers = inputs.local_workers
    batch, text, publication = _batch(inputs), _text(inputs), _publication(inputs)
    scanned = inputs.corpus.here.scored if inputs.corpus is not None and inputs.corpus.here is not None else 0
    second = second_text_bytes(inputs, scanned)
    statistics, process = statistics_bytes(inputs), _process(inputs)
    passed = shard_bytes(inputs) * (1 + 2 * workers) if workers else 0  # here, in each worker, and in Ray's store
    held = statistics * (2 + workers if inputs.ray is not None else 1)  # here also those of a shard that is merged
    remote = inputs.ray is not None and not workers  # other machines read
    if not on_card or places.device.type == "mps":
        # This process reads nothing where workers do, but has the model for the logits and merges what they gather.
        each, publication = batch + text, max(publication, second)
        activations = max(each, publication) if inputs.ray is None else each * workers + max(publication, passed)
        return (
            planned_memory(
                places.compute,
                loaded * (1 + workers),
                activations,
                process * (1 + workers) + (RAY if workers else 0),
                held,
            ),
        )
    # Each worker has a GPU of its own; the first is also this process'.
    sharing = 2 if workers else 1
    first = planned_memory(
        places.compute, loaded * sharing, 0 if remote else batch, process * sharing, statistics * sharing
    )
    passing = inputs.loaded if inputs.weights.cast and not inputs.weights.packed and not places.spread else 0
    host = planned_memory(
        places.host,
        passing * (1 + workers),
        text * max(workers, 1) + max(publication, passed, second),
        PROCESS_WITH_CUDA * (1 + workers) + (RAY if workers else 0),
    )
    return first, host


def worker_bytes(inputs: PlanInputs) -> int:
    """Bytes that one worker takes on the device that it computes on."""
    text = _text(inputs) if inputs.places.device.type == "cpu" else 0
    return inputs.loaded + _batch(inputs) + text + statistics_bytes(inputs) + _process(inputs)


def _process(inputs: PlanInputs) -> int:
    """Libraries, on the device that computes."""
    return base_process(inputs) + (compiler_bytes() if inputs.places.device.type == "cpu" else 0)


def _batch(inputs: PlanInputs) -> int:
    """One batch on its way through the model and into the statistics, or the work on output weights before all."""
    working = working_memory(inputs)
    values = inputs.text.positions * max(layer.values(inputs.config.limit_neurons) for layer in inputs.layers)
    # Those of routed experts are put together into a table with zeros for the tokens that did not come.
    routed = [layer.neurons(inputs.config.limit_neurons) for layer in inputs.layers if layer.experts]
    table = 4 * inputs.text.positions * max(routed, default=0)
    added = table + values * (inputs.weights.item + 4) + min(values, PASSED) * PASSED_BYTES
    return max(working.forward + added, working.writing)


def _text(inputs: PlanInputs) -> int:
    return CHUNKS * inputs.text.positions * BATCHES_OF_CHUNK * TOKEN_TEXT


def _publication(inputs: PlanInputs) -> int:
    """What is held while the run is written: every figure by layer and together, and the tokens that are kept."""
    config = inputs.config
    assert config.corpus is not None
    kept = 0
    if inputs.corpus is not None and inputs.corpus.here is not None:
        kept = kept_tokens(inputs.neurons, config.corpus, inputs.corpus.here)
    return 2 * inputs.neurons * figure_bytes(config) + kept * KEPT_TOKEN
