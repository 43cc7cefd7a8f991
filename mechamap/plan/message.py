"""A plan as the message that the engine answers and the command line prints as JSON."""

from __future__ import annotations

from mechamap.plan.corpus.compiled import is_fast
from mechamap.plan.corpus.memory import worker_bytes
from mechamap.plan.scan_plan import ScanPlan
from mechamap.plan.situation import PlanInputs
from mechamap.protocol.planned import Planned, PlannedCorpus, PlannedText, PlannedWeights

__all__ = ["plan_message"]


def plan_message(plan: ScanPlan) -> Planned:
    """The whole plan: bytes, seconds and counts; None where unknown."""
    scan = plan.scan
    shape, weights = scan.shape, scan.weights
    return Planned(
        model=scan.files.source.name,
        label=scan.files.source.label,
        architecture=shape.architecture,
        kind=shape.kind,
        parameters=shape.parameters,
        d_model=shape.d_model,
        layers=len(shape.layers),
        layers_scanned=tuple(layer.number for layer in scan.layers),
        neurons=shape.neurons(),
        neurons_scanned=scan.neurons,
        experts=shape.experts,
        dtype=weights.dtype,
        dtype_from=weights.why,
        packed=weights.packed or None,
        device=str(scan.places.device),
        text=_text(scan),
        weights=PlannedWeights(whole=weights.total, loaded=scan.loaded, stored=weights.stored),
        memory=plan.memory,
        run=plan.run,
        disk=plan.disk,
        seconds=plan.seconds,
        fits=plan.fits,
        lacking=plan.lacking,
        would_fit=plan.would_fit,
        notes=plan.notes,
        corpus=_corpus(scan),
    )


def _text(scan: PlanInputs) -> PlannedText:
    text, size = scan.text, scan.corpus
    if size is None:
        return PlannedText(text.positions, text.scored, text.windows, text.is_counted)
    read = size.here
    if read is None:
        return PlannedText(None, None, None, counted=False)
    return PlannedText(round(read.positions), round(read.scored), round(read.windows), size.counted)


def _corpus(scan: PlanInputs) -> PlannedCorpus | None:
    size, settings = scan.corpus, scan.config.corpus
    if size is None or settings is None:
        return None
    read, whole, ray = size.here, size.whole, scan.ray
    workers = (scan.local_workers or ray.workers) if ray is not None else None
    return PlannedCorpus(
        sources=settings.sources,
        documents=None if read is None else round(read.documents),
        tokens=None if read is None else round(read.tokens),
        tokens_whole=None if whole is None else round(whole.tokens),
        seq_len=size.seq_len,
        batch_tokens=size.batch,
        batches=None if read is None else round(read.batches),
        shards=size.shards,
        shards_here=size.shards_here,
        part=None if scan.part is None else str(scan.part),
        workers=workers,
        shards_of_worker=None if workers is None or read is None else size.busiest(workers)[0],
        worker_memory=None if ray is None else worker_bytes(scan),
        compiled=is_fast(),
    )
