"""Where ``mechamap compare`` gets two models' activations: those that the runs kept, or the models run again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mechamap.cli.compare_options import ClosestOptions, CompareOptions
from mechamap.cli.loading import CheckProgress, ModelOptions, model_of_run
from mechamap.cli.narration import Narration
from mechamap.cli.text_argument import read_text_argument
from mechamap.errors import MechaMapError, ModelNotFound
from mechamap.wording.amounts import duration

if TYPE_CHECKING:
    from mechamap.compare.closest.closest import Closest
    from mechamap.compare.comparison import Comparison
    from mechamap.compare.words.activations import ModelWords
    from mechamap.models.loaded import LoadedModel
    from mechamap.runs.run import Run

__all__ = ["closest_or_why"]


def closest_or_why(comparison: Comparison, options: CompareOptions, narration: Narration) -> tuple[Closest | None, str]:
    """The closest neurons of the two runs of a comparison, or a sentence that says why there are none.

    For different models, the search runs by default where the runs kept their activations of the same text.
    """
    a, b = comparison.runs
    usual = comparison.of_different_models
    closest, requested = options.closest, options.closest.asked
    from mechamap.compare.closest.closest import closest_of
    from mechamap.compare.closest.settings import cannot_match, kept_of_one_text, usual_words

    if why := cannot_match(a, b, text_given=closest.text is not None):
        if any(run.record.corpus is not None for run in (a, b)):
            why += " Name a text for both to read: --text FILE."
        return None, f"Closest neurons cannot be searched for: {why}" if requested else ""
    has_activations = kept_of_one_text(a, b)
    if not requested and not (has_activations and usual):
        return None, _offer(a, b) if usual else ""
    device = _checked_device(closest.device)
    try:
        first, second = _words(a, b, closest, narration)
        words = closest.words
        if words is None and device is None:
            words = usual_words(a.neurons, b.neurons)
        matches = closest_of(
            first,
            second,
            replace(closest.settings, words=words),
            specialised=comparison.specialised,
            device=device,
            on_event=CheckProgress(narration, "closest neurons"),
        )
    except MechaMapError as error:
        return None, f"Closest neurons were not found: {error.message} {error.hint}".strip()
    finally:
        narration.clear()
    return matches, ""


def _checked_device(device: str | None) -> str | None:
    """A device that is there; None: the CPU. Where runs kept their activations, no model is loaded that would ask."""
    if device in (None, "auto", "cpu"):
        return None
    from mechamap.models.loading.devices import check_names, pick_device

    check_names("auto", device)
    return str(pick_device(device))


def _words(a: Run, b: Run, options: ClosestOptions, narration: Narration) -> tuple[ModelWords, ModelWords]:
    """Both over the same text: the one that is given, else that of A."""
    from mechamap.compare.closest.both_words import Source, words_of_both

    models = {id(a): ("a", options.models[0]), id(b): ("b", options.models[1])}
    source = Source(
        load=lambda run: _loaded(run, *models[id(run)], narration),
        kept=lambda run: narration.progress(f"reading the activations that {run.name} kept"),
        listener=lambda run: CheckProgress(narration, f"reading with {run.label}"),
    )
    texts = None if options.text is None else [read_text_argument(options.text)]
    return words_of_both(a, b, source, texts=texts)


def _loaded(run: Run, letter: str, model: ModelOptions, narration: Narration) -> LoadedModel:
    """The model of a run; an error says with which flag to name it."""
    try:
        return model_of_run(run, model, narration)
    except ModelNotFound as error:
        hint = f"If the model of {run.name} has moved, name it with --model-{letter}."
        raise ModelNotFound(error.message, f"{error.hint} {hint}".strip()) from None


def _offer(a: Run, b: Run) -> str:
    seconds = sum(run.record.timings.get(name, 0.0) for run in (a, b) for name in ("load", "pass"))
    took = f", which took {duration(seconds)} when they were scanned" if seconds else ""
    return f"Closest neurons were not searched for: `--match` runs both models again for them{took}."
