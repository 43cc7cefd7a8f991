"""How a run came to be: the commands that make it again, its config, versions, and what was taken for granted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from mechamap.page.content import Block, Code, Folded, Lines
from mechamap.runs.proof_record import token_verdict, verdict
from mechamap.runs.run import Run
from mechamap.tables.table import Column, Table

__all__ = ["facts_table", "making_blocks"]


CONFIG_FILE = "scan.yaml"
_LARGEST = 200_000  # characters of a config; one with more has a text that does not belong on a page


def facts_table(run: Run) -> Table:
    """Which model, which run, when."""
    record, model = run.record, run.record.model
    facts = [("model", f"{model.id or model.name} {model.revision or ''}".strip())]
    if model.parameters:
        facts.append(("", f"{model.architecture}, {model.parameters:,} parameters, {model.dtype}"))
    facts.append(("run", f"{run.name}, {run.neurons:,} neurons in {len(run.layers)} layers"))
    if record.created:
        facts.append(("scanned", record.created[:16].replace("T", " ")))
    facts.append(("categories", ", ".join(run.categories)))
    if record.exclusions is not None and record.exclusions.scored:
        facts.append(("text", f"{record.exclusions.scored:,} scored positions"))
    if record.corpus is not None:
        from mechamap.runs.corpus.words import corpus_facts

        facts += [(name, fact) for name, fact in corpus_facts(record.corpus, None) if name in ("corpus", "read")]
    return Table("facts", "", (Column("fact", ""), Column("value", "")), tuple(facts))


def making_blocks(run: Run, neurons: Sequence[str], out: str) -> Iterator[Block]:
    """What stands at the end of a page.

    Args:
        neurons: that the page is about.
        out: the page's file, by its name.
    """
    config = _config(run)
    yield Code("Commands", "\n".join(_commands(run, neurons, out)), "console")
    if config is not None:
        yield Folded(Code(f"{CONFIG_FILE}, the settings of the scan", config, "yaml"))
    yield Lines("What was assumed", tuple(_assumptions(run)))
    if run.record.versions:
        rows = tuple((name, version) for name, version in run.record.versions.items())
        yield Table("versions", "Versions", (Column("package", "package"), Column("version", "version")), rows)


def _config(run: Run) -> str | None:
    """The config as YAML; None where the run does not say, or it is too long for a page."""
    if run.record.config is None:
        return None
    from mechamap.config.scan_config import config_to_dict
    from mechamap.config.yaml_writing import dump

    text = dump(config_to_dict(run.record.config))
    return text if len(text) <= _LARGEST else None


def _commands(run: Run, neurons: Sequence[str], out: str) -> Iterator[str]:
    record = run.record
    if record.config is None:
        yield f"# {run.name} is a CSV, which does not say how it was made."
    else:
        yield shlex.join(["mechamap", "scan", record.model.name, "--config", CONFIG_FILE])
    if (about := record.confirmation) is not None:
        settings = ["--permutations", str(about.permutations), "--splits", str(about.splits), "--seed", str(about.seed)]
        yield shlex.join(["mechamap", "confirm", run.name, *settings])
    if record.randomized.searches:
        ways = ",".join(search.way for search in record.randomized.searches)
        yield shlex.join(["mechamap", "confirm", run.name, "--randomize", ways])
    if by := record.causes.estimated_by:
        yield shlex.join(["mechamap", "ablate", run.name, "--top", "0", "--method", by])
    for ablation in record.causes.ablations.values():
        if ablation.neuron in neurons:
            mean = ["--mean"] if ablation.mode == "mean" else []
            controls = ["--controls", str(len(ablation.controls))]
            yield shlex.join(["mechamap", "ablate", run.name, "--neuron", ablation.neuron, *mean, *controls])
    named = [word for name in neurons for word in ("--neuron", name)]
    yield shlex.join(["mechamap", "report", run.name, *named, "--out", out])


def _assumptions(run: Run) -> Iterator[str]:
    record, model = run.record, run.record.model
    yield "A category is its list of words, and the figures are about those words in that text."
    if record.exclusions is not None and record.exclusions.summary:
        yield f"Positions: {record.exclusions.summary}"
    if record.config is not None:
        yield f"A word of several tokens counts by pooling: {record.config.pooling}."
    if record.proof:
        damaged = any(rows.damaged for rows in record.layers)
        yield from map(str, verdict(record.proof, model.dtype, damaged=damaged))
        yield token_verdict(record.token_proof)
    for what in (f"weights in {model.packing}" if model.packing else "", model.attention):
        if what:
            yield f"The model was run with {what}."
    if model.adapter:
        yield "An adapter was merged into the weights."
    if record.confirmation is None:
        yield (
            f"Nothing was confirmed: of {run.neurons:,} neurons and {len(run.categories)} categories, some pairs are "
            "strong by chance."
        )
    for figure, reason in record.undefined.items():
        yield f"{figure} is not defined for this model: {reason}"
    said = token_verdict(record.token_proof) if record.proof else ""
    yield from (problem for problem in record.problems if problem not in said)
