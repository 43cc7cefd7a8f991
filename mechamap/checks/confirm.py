"""Confirming what a scan found: on words that did not choose it, in sentences that are the same for all words.

Every word of every category, and words of none, are put into the same carrier sentences. A neuron's reading of a
category is its AUROC over those occurrences against all other words'; ``p`` compares it with the largest that shuffled
labels reach anywhere in the model (:mod:`mechamap.scores.null`), ``held_out_auroc`` measures it on halves of the words
that did not choose its sign (:mod:`mechamap.scores.held_out`), and ``write_p`` does for its writing what ``p`` does for
its reading.
"""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mechamap.capture.rerun import layers_of_run
from mechamap.checks.confirmation_pass import ConfirmationPass, ConfirmSettings
from mechamap.config.scan_config import ScanConfig
from mechamap.errors import ConfigError
from mechamap.events import Listener, Stage, StageEntered
from mechamap.figures.catalogue import SIGNIFICANT
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.trouble import translated
from mechamap.runs.additions import add_to_run
from mechamap.runs.checked import CategoryConfirmation, Confirmation
from mechamap.runs.run import Run
from mechamap.system.event_log import logged
from mechamap.text.carriers import Carriers, carrier_words, carry

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
        The run with ``held_out_auroc``, ``held_out_ap``, ``p``, ``write_p`` and, where it has ``ap``, ``carrier_ap``
        and ``strength``.

    Raises:
        Cancelled: ``cancel`` was set.
        ConfigError: there are no other words to compare a category with.
        MechaMapError: the model is not the run's, a template does not fit, the run cannot be written.
    """
    on_event = logged(on_event, "confirm")
    folder = run.folder_to_rerun()
    layers = layers_of_run(run, loaded)
    config = run.config
    carriers = carry(carrier_words(config), config, loaded.tokenizer, loaded.context, loaded.kind)
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
    members = carriers.words.members
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
    return Confirmation(
        permutations=check.settings.permutations,
        splits=check.settings.splits,
        seed=check.settings.seed,
        templates=check.config.templates,
        words=len(check.carriers.words.words),
        neurons=int(np.isfinite(check.arrays["read"]).any(axis=1).sum()),
        skipped=dict(check.carriers.skipped),
        null_auroc=check.read_null.typical_auroc(),
        null_tail={} if (tail := check.read_null.tail()) is None else tail.summary(),
        undefined={name: reason for name, reason in empty.items() if reason},
        seconds={name: round(value, 3) for name, value in check.seconds.items()},
        categories={
            category.name: _category_record(check, number, figures, float(needed[number]))
            for number, category in enumerate(check.config.categories)
        },
    )


def _category_record(
    check: ConfirmationPass, number: int, figures: dict[str, NDArray[np.float32]], needed: float
) -> CategoryConfirmation:
    """How one category was confirmed; ``needed`` is the AUROC that p < 0.05 takes."""
    read = check.arrays["read"][:, number]
    chosen, by_mean = check.held_out.choices(number), check.held_out.choices_by_mean(number)
    words, skipped = check.config.categories[number].words, check.carriers.skipped
    usable = [word for word in words if word not in skipped]
    confirmation = CategoryConfirmation(
        words=len(usable),
        skipped=tuple(word for word in words if word in skipped),
        needed=needed if np.isfinite(needed) else None,
        confirmed=int((figures["p"][:, number] < SIGNIFICANT).sum()),
        writers=int((figures["write_p"][:, number] < SIGNIFICANT).sum()),
        reason="",
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
