"""The neurons that each category seems to need most: estimated over all neurons, then measured."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from mechamap.checks.causes.ablation import AblateSettings, ablate_run, strongest
from mechamap.checks.causes.attribution import estimate_causes
from mechamap.checks.causes.large_writers import measure_large_writers
from mechamap.checks.causes.relevance import Method
from mechamap.errors import RunError
from mechamap.events import Listener
from mechamap.models.loaded import LoadedModel
from mechamap.protocol.messages import Ablation
from mechamap.runs.run import Run

__all__ = ["measure_strongest"]


def measure_strongest(
    run: Run,
    loaded: LoadedModel,
    settings: AblateSettings,
    categories: Sequence[str] = (),
    top: int = 2,
    *,
    method: Method | None = None,
    over: Callable[[Run], Run] = lambda run: run,
    listen: Callable[[str], Listener] = lambda doing: lambda event: None,
    cancel: threading.Event | None = None,
) -> tuple[Run, list[Ablation]]:
    """Estimate the effects of all neurons where that is not done, then measure the strongest of each category.

    Args:
        run: over the text that is read.
        loaded: its model.
        settings: of each ablation.
        categories: whose strongest neurons; none: of every one that has words in the text.
        top: how many of each; 0: only estimate.
        method: of the estimate; None: what the run's was made by, else the gradient.
        over: makes a run that was added to one over that text again.
        listen: gives the listener of what is done, in a word or two.
        cancel: set it to stop.

    Returns:
        The run with the new figures, and what was measured.

    Raises:
        Cancelled: ``cancel`` was set; what is complete is kept.
        RunError: the text has no word of a category that was named.
    """
    by = (run.record.causes.estimated_by or "gradient") if run.has("cause") else ""
    chosen_method: Method = method or ("relp" if by == "relp" else "gradient")
    if by != chosen_method or not top:
        run = over(estimate_causes(run, loaded, listen("estimating causes"), cancel, chosen_method))
    if not top:
        return run, []
    run = over(measure_large_writers(run, loaded, listen("ablating"), cancel))
    known = run.record.causes.log_p
    for category in categories:
        if category not in known:
            raise RunError(
                f"The text of {run.name} has no word of {category} that anything comes before.",
                "Scan a text that has such words, or name neurons.",
            )
    chosen = categories or [category for category in run.categories if category in known]
    rows = list(dict.fromkeys(row for name in chosen for row in strongest(run, name, top)))
    if not rows:
        return run, []
    return ablate_run(run, loaded, rows, settings, on_event=listen("ablating"), cancel=cancel)
