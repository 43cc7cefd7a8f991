"""Confirming what a scan found: on words that did not choose it, in sentences that are the same for all words.

Every word of every category, and words of none, are put into the same carrier sentences
(:mod:`mechamap.text.carrier_words`). A neuron's reading of a category is its AUROC over those occurrences against all
other words'; :mod:`mechamap.scores.carriers` says how it is checked: ``p`` and ``p_matched`` against shuffled labels,
``held_out_auroc`` on halves of the words that did not choose its sign, ``specificity`` and ``near_auroc`` against words
that are alike in all but meaning. ``write_p`` does for its writing what ``p`` does for its reading.
"""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mechamap.capture.rerun import layers_of_run
from mechamap.checks.confirmation_pass import ConfirmationPass, ConfirmSettings
from mechamap.config.scan_config import ScanConfig
from mechamap.config.schema import with_default_controls
from mechamap.errors import ConfigError
from mechamap.events import Listener, Stage, StageEntered
from mechamap.figures.catalogue import SIGNIFICANT
from mechamap.figures.findings import meets
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.trouble import translated
from mechamap.runs.additions import add_to_run
from mechamap.runs.checked import CategoryConfirmation, Confirmation
from mechamap.runs.run import Run
from mechamap.scores.carriers.explained import feature_auroc
from mechamap.system.event_log import logged
from mechamap.text.carrier_words import carrier_words
from mechamap.text.carriers import Carriers, carry
from mechamap.words.features import FEATURES
from mechamap.words.matching import feature_levels

__all__ = ["confirm_run"]


def confirm_run(
    run: Run,
    loaded: LoadedModel,
    settings: ConfirmSettings = ConfirmSettings(),
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> Run:
    """Confirm every neuron of a run's complete layers for every category, and add what was found to the run.

    Args:
        run: on disk; its own config gives categories, templates and contrast words.
        loaded: the model that the run is about.
        settings: how thoroughly.
        on_event: called with stages and layers.
        cancel: set it to stop; the run stays as it was.

    Returns:
        The run with what :meth:`mechamap.checks.confirmation_pass.ConfirmationPass.figures` gives.

    Raises:
        Cancelled: ``cancel`` was set.
        ConfigError: there are no other words to compare a category with.
        MechaMapError: the model is not the run's, a template does not fit, the run cannot be written.
    """
    on_event = logged(on_event, "confirm")
    folder = run.folder_with_model()
    layers = layers_of_run(run, loaded)
    config = with_default_controls(run.config)
    if settings.hard_auroc is not None:
        config = replace(config, hard_auroc=settings.hard_auroc)
    words = carrier_words(config, loaded.tokenizer)
    carriers = carry(words, config, loaded.tokenizer, loaded.context, loaded.kind)
    _check_contrast(carriers, config)
    sentences = len(carriers.tokenized.windows)
    on_event(StageEntered(Stage.CARRIERS, f"{sentences:,} sentences"))
    check = ConfirmationPass(run, config, loaded, carriers, settings, on_event)
    on_event(StageEntered(Stage.PASS, f"{len(layers)} layers, {len(carriers.tokenized.ids):,} tokens"))
    with translated(loaded.id):
        check.read(layers, cancel)
        on_event(StageEntered(Stage.PASS, "writes"))
        check.write(layers, cancel)
    on_event(StageEntered(Stage.WRITE, str(folder)))
    figures = check.figures()
    return add_to_run(folder, figures, confirmation=_record(check, figures))


def _check_contrast(carriers: Carriers, config: ScanConfig) -> None:
    members = carriers.words.members[: carriers.words.plain]
    for number, category in enumerate(config.categories):
        if members[:, number].all() and len(members):
            raise ConfigError(
                f"Every word is in the category {category.name}, so its words have no others to be compared with.",
                "List words of no category under `contrast:`.",
            )


def _record(check: ConfirmationPass, figures: dict[str, NDArray[np.float32]]) -> Confirmation:
    """How the run was confirmed, for ``run.json``."""
    needed = check.read_null.auroc_at(SIGNIFICANT)  # [categories]
    empty = {"write_p": check.undefined, "direction": check.yardstick.undefined}
    words = check.carriers.words
    return Confirmation(
        permutations=check.settings.permutations,
        splits=check.settings.splits,
        seed=check.settings.seed,
        templates=check.config.templates,
        words=len(check.carriers.words.words),
        neurons=int(np.isfinite(check.arrays["read"]).any(axis=1).sum()),
        skipped=dict(check.carriers.skipped),
        null_auroc=check.read_null.typical_auroc(),
        null_tail={} if (tail := check.read_null.maxima().tail) is None else tail.summary(),
        undefined={name: reason for name, reason in empty.items() if reason},
        seconds={name: round(value, 3) for name, value in check.seconds.items()},
        categories={
            category.name: _category_record(check, number, figures, float(needed[number]))
            for number, category in enumerate(check.config.categories)
        },
        hard_auroc=check.config.hard_auroc,
        contrast=tuple(words.words[row] for row in np.flatnonzero(words.contrast)),
    )


def _category_record(
    check: ConfirmationPass, number: int, figures: dict[str, NDArray[np.float32]], needed: float
) -> CategoryConfirmation:
    """How one category was confirmed; ``needed`` is the AUROC that p < 0.05 takes."""
    read = check.arrays["read"][:, number]
    chosen, by_mean = check.held_out.choices(number), check.held_out.choices_by_mean(number)
    words, skipped = check.config.categories[number].words, check.carriers.skipped
    usable = [word for word in words if word not in skipped]
    matched, near = (
        int(marked[:, number].sum()) for marked in (check.carriers.words.matched, check.carriers.words.near)
    )
    p, alike, hard = (figures[name][:, number] for name in ("p", "p_matched", "hard_auroc"))
    confirmed = meets(p, alike, hard, check.config.hard_auroc if matched or near else None)
    confirmation = CategoryConfirmation(
        words=len(usable),
        skipped=tuple(word for word in words if word in skipped),
        needed=needed if np.isfinite(needed) else None,
        confirmed=int(confirmed.sum()),
        writers=int((figures["write_p"][:, number] < SIGNIFICANT).sum()),
        reason="",
        significant=int((p < SIGNIFICANT).sum()),
        explained=_explained(figures["explained"][~confirmed, number]),
        matched=matched,
        near=near,
        features=_features_alone(check, number),
    )
    if not usable:
        confirmation = replace(confirmation, reason="none of its words can be read")
    elif not chosen:
        confirmation = replace(confirmation, reason="too few words to split into halves")
    else:
        confirmation = replace(
            confirmation,
            held_out_auroc=float(np.mean([choice.auroc for choice in chosen])),
            held_out_auroc_lowest=min(choice.auroc for choice in chosen),
            held_out_ap=float(np.mean([choice.ap for choice in chosen])),
            by_mean=float(np.mean([choice.auroc for choice in by_mean])),
            chosen=tuple(str(check.run.neuron_name(choice.row)) for choice in chosen),
            chosen_by_mean=tuple(str(check.run.neuron_name(choice.row)) for choice in by_mean),
            direction=check.yardstick.reading(number),
        )
    if np.isfinite(read).any():
        by = figures["strength"][:, number] if "strength" in figures else np.abs(read)
        best = int(np.nanargmax(by if np.isfinite(by).any() else np.abs(read)))
        confirmation = replace(confirmation, best=str(check.run.neuron_name(best)), best_reads=float(2 * read[best]))
    return confirmation


def _explained(numbers: NDArray[np.float32]) -> dict[str, int]:
    """How many of these readings each feature explains, the most frequent first; features that explain none are not
    named."""
    counts = np.bincount(numbers[np.isfinite(numbers)].astype(np.intp), minlength=len(FEATURES))
    return {
        FEATURES[feature]: int(counts[feature]) for feature in np.argsort(-counts, kind="stable") if counts[feature]
    }


def _features_alone(check: ConfirmationPass, number: int) -> dict[str, float]:
    """The AUROC of each feature alone at telling a category's words from those that it is compared with."""
    words = check.carriers.words
    if not 0 < words.members[: words.plain, number].sum() < words.plain:
        return {}
    levels = feature_levels(words.features.take(np.arange(words.plain)))
    aurocs = (feature_auroc(level, words.members[: words.plain, number]) for level in levels)
    return {name: round(auroc, 4) for name, auroc in zip(FEATURES, aurocs, strict=True)}
