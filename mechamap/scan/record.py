"""What a scan writes into ``run.json``, and into which folder."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mechamap.config.scan_config import ScanConfig
from mechamap.errors import RunError
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.unembedding import Unembedding
from mechamap.runs.coverage import Coverage
from mechamap.runs.figure_names import CATEGORY_FIGURES, LATER_FIGURES, NEURON_FIGURES, ROUTED_FIGURES, TOKEN_FIGURES
from mechamap.runs.library import check_run_folder, new_run_folder
from mechamap.runs.proof_record import token_note
from mechamap.runs.record import LayerRows, ModelRecord, RunRecord
from mechamap.runs.run import Run
from mechamap.runs.scanned import LayerProof
from mechamap.text.occurrences import Occurrence
from mechamap.text.token_record import token_record
from mechamap.text.tokenize import TokenizedText
from mechamap.wording.advice import Advice, Setting

__all__ = [
    "ScanInputs",
    "changed_settings",
    "figures_of",
    "keeps_activations",
    "new_record",
    "refuse_changed",
    "run_folder",
]


# What `keep_activations: auto` keeps at most. Above it, the engine computes a layer's when they are looked at.
KEEP_BYTES = 64 * 2**20

_VERSIONS = ("mechamap", "torch", "transformers", "tokenizers", "numpy")

_FIGURES = (*CATEGORY_FIGURES, *NEURON_FIGURES, *TOKEN_FIGURES)

# Settings that may differ between the start of a run and its resumption.
_FREE_TO_CHANGE = frozenset(
    {
        "device", "threshold", "keep_activations", "trust_remote_code", "templates", "contrast", "hard_auroc",
        "second_text",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScanInputs:
    """All that a pass starts from."""

    name: str
    config: ScanConfig
    loaded: LoadedModel
    layers: tuple[NeuronLayer, ...]
    tokenized: TokenizedText
    occurrences: tuple[Occurrence, ...]
    coverage: Mapping[str, Coverage]
    proof: tuple[LayerProof, ...]
    created: str
    unembedding: Unembedding | None = None
    undefined: Mapping[str, str] = field(default_factory=dict)
    label: str = ""  # in place of the model's own

    def width(self, layer: NeuronLayer) -> int:
        """Neurons scanned in a layer."""
        return layer.limited(self.config.limit_neurons)

    @property
    def keeps_activations(self) -> bool:
        """Whether the run keeps every activation."""
        neurons = sum(self.width(layer) for layer in self.layers)
        return keeps_activations(self.config, neurons, len(self.tokenized.ids))


def keeps_activations(config: ScanConfig, neurons: int, positions: int) -> bool:
    """Whether a run of that size keeps every activation, ``[neurons, positions]`` float16."""
    if config.keep_activations != "auto":
        return config.keep_activations == "always"
    return neurons * positions * 2 <= KEEP_BYTES


def new_record(inputs: ScanInputs, kept: Mapping[int, LayerRows], folder: Path) -> RunRecord:
    """The record at the start of the pass; ``kept`` are layers of an earlier attempt that stay as they are.

    Where all of them are kept, what was checked after that attempt stays too: it is still about the same neurons.
    """
    loaded, tokenized = inputs.loaded, inputs.tokenized
    layers = []
    first_row = 0
    for layer in inputs.layers:
        rows = _rows(inputs, layer, first_row)
        layers.append(kept.get(layer.layer, rows))
        first_row += rows.width
    later, checked = _checked(folder) if kept and len(kept) == len(inputs.layers) else ((), {})
    return RunRecord(
        model=ModelRecord(
            name=inputs.name,
            label=inputs.label or loaded.label,
            id=loaded.id,
            revision=loaded.revision,
            architecture=loaded.architecture,
            parameters=loaded.parameters,
            dtype=str(loaded.dtype).removeprefix("torch."),
            device=str(loaded.device),
            layers=loaded.n_layers,
            context=loaded.context,
            packing=loaded.packing,
            adapter=loaded.adapter,
            attention=loaded.attention,
            own_code=loaded.own_code,
        ),
        categories=tuple(category.name for category in inputs.config.categories),
        layers=tuple(layers),
        figures=(*figures_of(inputs.layers), *later),
        config=inputs.config,
        tokens=token_record(tokenized),
        occurrences=tuple((o.category, o.word, o.first, o.last) for o in inputs.occurrences),
        coverage=inputs.coverage,
        exclusions=tokenized.exclusions,
        proof=inputs.proof,
        token_proof=loaded.token_proof,
        unembedding=inputs.unembedding.record if inputs.unembedding is not None else None,
        undefined=inputs.undefined,
        versions={name: _version(name) for name in _VERSIONS} | {"python": platform.python_version()},
        problems=_remarks(loaded),
        state="running",
        created=inputs.created,
        **checked,
    )


def _remarks(loaded: LoadedModel) -> tuple[str, ...]:
    """What is to be known of how the model was loaded."""
    tokens = token_note(loaded.token_proof) if loaded.token_proof is not None else ""
    return (tokens, *loaded.notes) if tokens else loaded.notes


def figures_of(layers: Sequence[NeuronLayer] | Sequence[LayerRows]) -> tuple[str, ...]:
    """What a scan of these layers computes."""
    return (*_FIGURES, *ROUTED_FIGURES) if any(layer.experts for layer in layers) else _FIGURES


def _rows(inputs: ScanInputs, layer: NeuronLayer, first_row: int) -> LayerRows:
    limit = inputs.config.limit_neurons
    pairs = zip(layer.parts, layer.widths(limit), strict=True)
    return LayerRows(
        layer=layer.layer,
        first_row=first_row,
        width=layer.limited(limit),
        d_mlp=layer.width,
        experts=layer.experts,
        shared=sum(width for part, width in pairs if not part.experts) if layer.experts else 0,
        side=layer.side,
    )


def _checked(folder: Path) -> tuple[tuple[str, ...], dict[str, Any]]:
    """What was added to a run after its scan: its later figures, and the members of the record about them."""
    record = Run.open(folder).record
    members = ("confirmation", "causes", "second_looks", "randomized")
    later = tuple(name for name in record.figures if name in LATER_FIGURES)
    return later, {name: getattr(record, name) for name in members}


def run_folder(out: Path | None, resume: bool, inputs: ScanInputs) -> tuple[Path, dict[int, LayerRows]]:
    """Where the run goes, and which of its layers are there already (by layer, only when resuming).

    Raises:
        RunError: the folder holds a run and resuming was not asked for, or one that this scan does not continue.
    """
    if out is None:
        if resume:
            raise RunError("No run folder to resume was given.", Advice.of("Name one with {}.", Setting("out", "DIR")))
        return new_run_folder(inputs.label or inputs.loaded.label), {}
    folder = out.absolute()
    if (folder / "run.json").exists():
        check_run_folder(folder, resume=resume)
        return folder, _kept(Run.open(folder), inputs)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be created: {error.strerror or error}.", "Choose another folder.") from None
    return folder, {}


def _kept(run: Run, inputs: ScanInputs) -> dict[int, LayerRows]:
    """The complete layers of a run that this scan continues."""
    changed = changed_settings(run, inputs.config)
    if run.record.model.id != inputs.loaded.id or run.record.model.revision != inputs.loaded.revision:
        changed.insert(0, "model")
    if run.record.tokens.ids != tuple(inputs.tokenized.ids.tolist()):
        proof = inputs.loaded.token_proof
        if not changed and run.record.token_proof is None and proof is not None and proof.replaced:
            raise RunError(
                f"{run.path} was started by a version that took the tokens of transformers' {proof.tokenizer}, which "
                "are not those of the model's tokenizer.json.",
                "Scan into another folder.",
            )
        changed.append("tokens")
    refuse_changed(run, changed)
    if not set(run.record.figures) >= set(figures_of(inputs.layers)):
        return {}  # of an older version, which computed less: its layers are scanned again
    return {layer.layer: layer for layer in run.complete_layers}


def changed_settings(run: Run, config: ScanConfig) -> list[str]:
    """The keys of a config that keep a scan with it from going on with a run."""
    before = run.record.config
    return sorted(
        field.name
        for field in fields(config)
        if field.name not in _FREE_TO_CHANGE and _scanned_with(before, field.name) != _scanned_with(config, field.name)
    )


def _scanned_with(config: ScanConfig | None, key: str) -> object:
    """A setting as far as a scan depends on it: the other lists of words are for its checks."""
    if key == "categories" and config is not None:
        return [(category.name, category.words) for category in config.categories]
    return getattr(config, key, None)


def refuse_changed(run: Run, changed: Sequence[str]) -> None:
    """Raise the RunError for a run that cannot be resumed because something changed; do nothing otherwise."""
    if changed:
        raise RunError(
            f"{run.path} was started with different settings: {', '.join(changed)}.",
            "Resume with the settings it was started with, or scan into another folder.",
        )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
