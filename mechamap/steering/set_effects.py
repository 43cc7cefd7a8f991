"""What a model loses without a set of neurons, held as one: in the log probability of each category's words.

The same is done to control sets, of neurons that are about as large as those whose places they take. It is what
:mod:`mechamap.checks.causes.ablation` measures of single neurons, over the same words of the run's text.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mechamap.capture.batches import batch_tokens, window_batches
from mechamap.capture.rerun import layers_of_run, text_of_run
from mechamap.checks.causes.ablated_window import AblatedWindow
from mechamap.checks.causes.target_words import log_probabilities, logits_at, word_targets
from mechamap.errors import RunError, UsageError
from mechamap.events import Listener, Stage, StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.kinds import refuse_repeated, refuse_undefined
from mechamap.models.loading.trouble import translated
from mechamap.protocol.messages import Ablation, Effect
from mechamap.protocol.steering import Mode
from mechamap.runs.run import Run
from mechamap.runs.sets.neuron_sets import NeuronSet
from mechamap.steering.amounts import changes_of
from mechamap.steering.controls import control_sets
from mechamap.steering.hooks import Reach, Reading, steered
from mechamap.steering.next_token import Changes, stop_if_cancelled
from mechamap.steering.subject import Subject

__all__ = ["ablate_set"]


def ablate_set(
    run: Run,
    loaded: LoadedModel,
    members: NeuronSet,
    *,
    mean: bool = False,
    controls: int = 8,
    seed: int = 0,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> Ablation:
    """The effect of a set on every category, beside those of control sets; the run stays as it is.

    Args:
        members: neurons of the run.
        mean: hold each at its mean activation instead of at zero, wherever positions are scored.
        controls: how many control sets.
        seed: of their choice.

    Raises:
        Cancelled: ``cancel`` was set.
        RunError: the text has no word of a category, or the model is not the run's.
        UnsupportedModel: the model gives words no probability that a neuron could change.
        UsageError: the run lacks a neuron.
    """
    run.folder_to_rerun()
    refuse_undefined(loaded, "cause")
    refuse_repeated(loaded)
    complete = {rows.layer for _, rows in layers_of_run(run, loaded)}
    for name in members.neurons:
        if int(run.layer_of[run.row_of(name)]) not in complete:
            raise UsageError(f"{name} is in a layer that is not complete.", "Wait for the scan, or resume it.")
    targets = word_targets(run)
    if not len(targets.positions):
        raise RunError(f"The text of {run.name} contains no word of any category.", "Scan a text that contains some.")
    mode: Mode = "mean" if mean else "zero"
    subject = Subject.of_run(run, loaded)
    layers = {number: subject.layer(number) for number in sorted({name.layer for name in members.neurons})}
    drawn = control_sets(members.neurons, layers, controls, seed)
    rows: list[Changes] = [(), *(changes_of(names, layers, mode, 0.0) for names in (members.neurons, *drawn))]
    text = text_of_run(run)
    predicts = np.zeros(len(text.ids), np.bool_)
    predicts[targets.positions - 1] = True
    batches = [batch for batch in window_batches(text, predicts, 1, loaded.device) if len(batch.take)]
    log_p = np.zeros((len(rows), len(targets.positions)))
    with translated(loaded.id):
        for done, batch in enumerate(batches):
            on_event(StageEntered(Stage.ABLATE, f"{members.name}, {done} of {len(batches)} texts"))
            window = AblatedWindow.of(batch, text, targets)
            log_p[:, window.targets] = _log_p(loaded, window, rows, cancel)
    means, errors = targets.means(log_p[1:] - log_p[0])  # [1 + controls, categories] each
    effects = {
        name: Effect(
            float(means[0, c]),
            float(errors[0, c]) if np.isfinite(errors[0, c]) else None,
            int(targets.occurrences[c]),
            tuple(means[1:, c].tolist()),
        )
        for c, name in enumerate(run.categories)
        if targets.occurrences[c]
    }
    return Ablation(members.name, "mean" if mean else "zero", tuple(_named(names) for names in drawn), effects)


def _log_p(
    loaded: LoadedModel, window: AblatedWindow, rows: Sequence[Changes], cancel: threading.Event | None
) -> NDArray[np.float64]:
    """Log probabilities of a window's words, ``[rows, targets of the window]``.

    Each forward has the untouched model in its first row, with which the others of it are compared.
    """
    length = window.ids.shape[1]
    reach = Reach(int(window.scored[0])) if len(window.scored) else Reach(length)
    room = max(batch_tokens(loaded.device.type) // length - 1, 1)
    known = np.zeros((len(rows), len(window.words)))
    for first in range(1, len(rows), room):
        stop_if_cancelled(cancel)
        chunk = [rows[0], *rows[first : first + room]]
        take = (window.take + length * torch.arange(len(chunk), device=window.take.device)[:, None]).ravel()
        ids, mask = (each.expand(len(chunk), -1) for each in (window.ids, window.mask))
        with torch.inference_mode(), steered(loaded, chunk, reach, Reading(0, length)), logits_at(loaded, take):
            answer = loaded.model(input_ids=ids, attention_mask=mask, use_cache=False)
            read = log_probabilities(answer.logits, window.words.repeat(len(chunk))).cpu().double().numpy()
        by_row = read.reshape(len(chunk), -1)
        if first == 1:
            known[0] = by_row[0]
        known[first : first + room] = by_row[1:] - by_row[0] + known[0]
    return known


def _named(names: Sequence[object]) -> str:
    return " ".join(map(str, names))
