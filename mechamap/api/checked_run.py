"""The checks of a run from Python: confirming, second texts, random models, ablation. They load its model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Self

from mechamap.api.held_model import HeldModel
from mechamap.api.progress import following
from mechamap.api.python_words import in_python_words
from mechamap.api.read_run import ReadRun
from mechamap.api.shown.displayed import DisplayedTable
from mechamap.config.choices import RANDOMIZE
from mechamap.errors import UsageError
from mechamap.runs.run import Run
from mechamap.wording.suggest import unknown_name

if TYPE_CHECKING:
    from mechamap.checks.causes.relevance import Method
    from mechamap.models.loaded import LoadedModel
    from mechamap.protocol.messages import Ablation

__all__ = ["CheckedRun"]


class CheckedRun(ReadRun):
    """A run whose findings can be checked; its model is kept until :meth:`release`.

    Args:
        data: the run's record and arrays.
        loaded: its model, where it is in memory already.
        progress: whether a bar is drawn.
    """

    def __init__(self, data: Run, loaded: LoadedModel | None = None, *, progress: bool = True) -> None:
        super().__init__(data)
        self._progress = progress
        self._model = HeldModel(loaded, show=progress)

    @in_python_words
    def model(self, model: str | None = None, device: str | None = None) -> LoadedModel:
        """Its model, loaded when first asked for and kept.

        Args:
            model: where it lies now, if it has moved since the scan.
            device: where to put it.

        Raises:
            MechaMapError: it cannot be loaded, or the run has none, as a CSV.
        """
        return self._model.of(self.data, model, device)

    def release(self) -> None:
        """Give the model's memory back; it is loaded again when something needs it."""
        self._model.release()

    @in_python_words
    def confirm(
        self,
        *,
        text: Mapping[str, str] | None = None,
        candidates: int = 20,
        permutations: int = 200,
        splits: int = 4,
        seed: int = 0,
        randomize: Sequence[str] = (),
        hard_auroc: float | None = None,
    ) -> Self:
        """Check every finding on held-out words in carrier sentences, and keep that in the run; loads the model.

        The arguments are the flags of ``mechamap confirm``, with its defaults. A run that is confirmed is not confirmed
        again where there is a ``text`` or ``randomize``.

        Args:
            text: second texts to look at, by what to call them: ``{"news": Path("news.txt").read_text()}``.
            candidates: neurons of each category for a second look.
            permutations: how often word labels are shuffled, at least 20.
            splits: random halvings of the words.
            seed: of shuffling, halving and randomizing.
            randomize: ways to make the model random, in which the same search should find nothing: ``weights``,
                ``layers``, ``basis``, or ``all``.
            hard_auroc: against matched words and near relatives, from which a neuron is confirmed; None: the config's.

        Returns:
            This run, with the new figures.

        Raises:
            UsageError: a number that makes no sense, or no such way.
            Cancelled: it was interrupted; what is complete is kept.
        """
        least = {"permutations": (permutations, 20), "splits": (splits, 1), "candidates": (candidates, 1)}
        for key, (number, smallest) in least.items():
            if number < smallest:
                raise UsageError(f"{key} is {number}; it must be at least {smallest}.")
        ways = _ways([randomize] if isinstance(randomize, str) else randomize)
        from mechamap.checks.confirm import confirm_run
        from mechamap.checks.confirmation_pass import ConfirmSettings
        from mechamap.checks.second_text import score_second_text
        from mechamap.scan.randomized import search_randomized

        loaded = self.model()
        with following("confirming", show=self._progress) as (tell, cancel):
            if not (text or ways) or not self.data.record.confirmation:
                settings = ConfirmSettings(permutations, splits, seed, hard_auroc)
                self.data = confirm_run(self.data, loaded, settings, tell, cancel)
            for name, content in (text or {}).items():
                second = (name, content)
                self.data = score_second_text(self.data, loaded, second, candidates, on_event=tell, cancel=cancel)
            if ways:
                self.data = search_randomized(self.data, loaded, ways, seed, on_event=tell, cancel=cancel)
        return self

    @in_python_words
    def ablate(
        self,
        neurons: Sequence[str] = (),
        *,
        set: str | None = None,
        category: str | Sequence[str] = (),
        top: int = 2,
        mode: Literal["zero", "mean"] = "zero",
        controls: int = 8,
        seed: int = 0,
        method: Method | None = None,
        text: str | None = None,
    ) -> DisplayedTable:
        """What the model loses without neurons, beside random ones; loads the model.

        Without ``neurons`` or ``set``, the effects of all are estimated, and the strongest of each category measured.

        Args:
            neurons: their names; the effect of each is kept in the run.
            set: a set of :attr:`sets`, ablated as one; its effect is not kept.
            category: whose strongest neurons, one or several; none: of all.
            top: how many of each; 0: only estimate.
            mode: hold them at zero or at their mean.
            controls: random neurons of about the same activation, for each; of a set, other sets.
            seed: of the choice of controls.
            method: of the estimate, ``gradient`` or ``relp``; None: what the run's was made by, else the gradient.
            text: to read instead of the run's own.

        Raises:
            UsageError: a neuron that the run does not have, two ways of choosing, or a run without a text where none is
                given.
            Cancelled: it was interrupted.
        """
        from mechamap.tables.of_neuron import ablation_table

        categories = (category,) if isinstance(category, str) else tuple(category)
        if sum((bool(neurons), set is not None, bool(categories))) > 1:
            raise UsageError("neurons, set and category each choose what is ablated.", "Give one of them.")
        if top < 0 or controls < 0 or seed < 0:
            raise UsageError("top, controls and seed must be at least 0.")
        if text is None and (reason := self.data.why_not_rerun()):
            raise UsageError(reason, "Give a text to ablate over: text=...")
        for name in categories:
            self.data.category_index(name)
        how = (mode, controls, seed)
        if set is not None:
            return DisplayedTable(ablation_table(self.data, [self._without_set(set, how, text)]))
        ablations = self._without_each(neurons, (categories, top, method), how, text)
        return DisplayedTable(ablation_table(self.data, ablations))

    def _without_set(self, name: str, how: tuple[Literal["zero", "mean"], int, int], text: str | None) -> Ablation:
        from mechamap.query.neuron_choice import kept_set
        from mechamap.steering.set_effects import ablate_set

        members, (mode, controls, seed) = kept_set(self.data, name), how
        loaded = self.model()
        run, mean = self._over(text, loaded)(self.data), mode == "mean"
        with following("ablating", show=self._progress) as (tell, cancel):
            return ablate_set(
                run, loaded, members, mean=mean, controls=controls, seed=seed, on_event=tell, cancel=cancel
            )

    def _without_each(
        self,
        neurons: Sequence[str],
        strongest: tuple[Sequence[str], int, Method | None],
        how: tuple[Literal["zero", "mean"], int, int],
        text: str | None,
    ) -> list[Ablation]:
        """The effects of some neurons; where none are named, of those that categories seem to need most."""
        categories, top, method = strongest
        rows = [self.data.row_of(name) for name in neurons]
        loaded = self.model()
        from mechamap.checks.causes.ablation import AblateSettings, ablate_run
        from mechamap.checks.causes.strongest_effects import measure_strongest

        over, settings = self._over(text, loaded), AblateSettings(*how)
        run = over(self.data)
        with following("ablating", show=self._progress) as (tell, cancel):
            if rows:
                self.data, ablations = ablate_run(run, loaded, rows, settings, on_event=tell, cancel=cancel)
            else:
                self.data, ablations = measure_strongest(
                    run,
                    loaded,
                    settings,
                    categories,
                    top,
                    method=method,
                    over=over,
                    listen=lambda doing: tell,
                    cancel=cancel,
                )
        return ablations

    def _over(self, text: str | None, loaded: LoadedModel) -> Callable[[Run], Run]:
        """What makes of a run one over the text that was given; the run itself where none was."""
        if text is None:
            return lambda run: run
        from mechamap.checks.causes.other_text import OtherText

        return OtherText.read(self.data, loaded, "text", text).in_place


def _ways(named: Sequence[str]) -> tuple[str, ...]:
    for way in named:
        if way != "all" and way not in RANDOMIZE:
            raise UsageError(*unknown_name("way", way, [*RANDOMIZE, "all"]))
    return tuple(way for way in RANDOMIZE if way in named or "all" in named)
