"""What a run is asked beside another one, and its model about sentences: comparing, probing, similar, steering."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mechamap.api.checked_run import CheckedRun
from mechamap.api.progress import following
from mechamap.api.python_words import in_python_words
from mechamap.api.shown.displayed import DisplayedReport
from mechamap.errors import UsageError

if TYPE_CHECKING:
    from mechamap.api.steering import DisplayedLadder
    from mechamap.compare.alignment.relation import CompareAs
    from mechamap.protocol.steering import Mode, Where

__all__ = ["AskedRun"]


class AskedRun(CheckedRun):
    """A run whose model can be asked; it is kept until :meth:`release`."""

    @in_python_words
    def compare(
        self,
        *others: CheckedRun,
        by: str | None = None,
        threshold: float | None = None,
        relation: CompareAs = "auto",
        match: bool = False,
        text: str | None = None,
        words: int | None = None,
        baseline: Literal["rotation", "shuffle", "none"] = "rotation",
        draws: int = 1,
        seed: int = 0,
        both_ways: bool = False,
        signed: bool = False,
    ) -> DisplayedReport:
        """This run beside others, of the same model or of other ones, see docs/compare.md.

        Args:
            by: the figure that neurons are judged by.
            threshold: from which a neuron counts.
            relation: whether a neuron's name means the same in all (``--as``); ``auto`` finds out.
            match: find each neuron's closest one in the other model, of two runs; loads the models, one after the
                other, where the runs did not keep their activations. What follows is about that search.
            text: for both models to read; None: the runs' own.
            words: over how many of its words; 0: all; None: what takes some ten seconds on two cores.
            baseline: what correlations must exceed.
            draws, seed: of the baseline.
            both_ways: also what the neurons of the other run exceed.
            signed: a neuron that falls where the other rises is not close.

        Raises:
            UsageError: no other run; closest neurons of other than two, or of runs without activations or a model.
            Cancelled: it was interrupted.
        """
        from mechamap.api.comparing import compared
        from mechamap.compare.closest.settings import MatchSettings

        settings = MatchSettings(baseline, draws, seed, signed, both_ways, words) if match else None
        return DisplayedReport(
            compared([self, *others], by, threshold, relation, match=settings, text=text, progress=self._progress)
        )

    @in_python_words
    def probe(
        self,
        *texts: str,
        neurons: Sequence[str] = (),
        token: int | None = None,
        compare: bool = False,
        top: int = 20,
        next: int = 0,
    ) -> DisplayedReport:
        """What neurons do with a sentence, as ``mechamap probe``; loads the model.

        Args:
            texts: one, or several; two with ``compare``.
            neurons: whose activations at each token, and where these stand among those over the run's text.
            token: at which those neurons are looked for that are furthest out of their own usual range; counted from 0,
                -1: the last one.
            compare: instead, which neurons two texts move apart, position by position.
            top: how many neurons stand out, or move most.
            next: how many of the most probable next tokens behind ``token`` (not given: behind the last one).

        Returns:
            The tables ``tokens``, ``outliers``, ``next``; or ``moves`` and ``pairs``: those that were asked for.

        Raises:
            UsageError: nothing is asked, no such neuron or token, or ``compare`` with other than two texts.
            Cancelled: it was interrupted.
        """
        from mechamap.api.probing import Asked, probed

        asked = Asked(texts, tuple(neurons), token, compare, top, next)
        for name in asked.checked().neurons:
            self.data.row_of(name)
        loaded = self.model()
        with following("probing", show=self._progress) as (tell, cancel):
            return DisplayedReport(probed(self.data, loaded, asked, tell, cancel))

    @in_python_words
    def similar(self, neuron: str, top: int = 20) -> DisplayedReport:
        """The neurons whose activations over the run's text are most like those of one; loads the model.

        Args:
            neuron: its name.
            top: how many.

        Returns:
            The table ``similar``: Pearson's r, and whether chance gives as much.

        Raises:
            RunError: the run keeps no text that a model could be run over, or too short a one.
            UsageError: the run has no such neuron.
            Cancelled: it was interrupted.
        """
        from mechamap.probe.similar import similar_neurons
        from mechamap.probe.tables import similar_report

        if top < 1:
            raise UsageError(f"top is {top}; it must be at least 1.")
        self.data.row_of(neuron)
        loaded = self.model()
        with following("similar neurons", show=self._progress) as (tell, cancel):
            similar = similar_neurons(self.data, loaded, neuron, top, on_event=tell, cancel=cancel)
        return DisplayedReport(similar_report(f"{self.name}, {similar.neuron}", similar))

    @in_python_words
    def steer(
        self,
        text: str,
        *,
        neurons: Sequence[str] = (),
        set: str | None = None,
        where: str | None = None,
        marked: bool = False,
        strengths: str | Sequence[float] = "-2:2:9",
        mode: Mode = "add",
        from_: Where = "all",
        controls: int = 8,
        category: str | None = None,
        generate: int = 20,
        sample: float = 0.0,
        seed: int = 0,
        top: int = 5,
        strength: float | None = None,
        control_vector: Path | str | None = None,
        overwrite: bool = False,
    ) -> DisplayedLadder:
        """What the model says with neurons turned up, down or off, beside controls, as ``mechamap steer``; loads it.

        Args:
            text: the prompt.
            neurons: their names; all of them, and those of ``set``, ``where`` and ``marked``, are steered as one.
            set: a set of :attr:`sets`.
            where: a filter: the neurons that it is true for.
            marked: the neurons that are marked in the run.
            strengths: in units of each neuron's scale; ``first:last:number``, or the numbers.
            mode: ``add`` to the activation, ``set`` it, hold it at ``zero`` or at its ``mean``.
            from_: from which token of the prompt on, counted from 0; ``all``; or ``last``, the prompt's last one alone.
            controls: sets of control neurons.
            category: what the verdict is about; None: what the neurons read best.
            generate: tokens of text at each strength.
            sample: temperature at which the text is drawn; 0: greedy.
            seed: of controls and text.
            top: how many of the most probable next tokens.
            strength: of the control vector; None: the last one.
            control_vector: a GGUF file to write with what is added, for llama.cpp.
            overwrite: replace that file.

        Raises:
            UsageError: no neuron or prompt, or a setting that makes no sense.
            Cancelled: it was interrupted.
        """
        from mechamap.api.steering import checked_vector, ladder_settings, steered
        from mechamap.query.neuron_choice import chosen_of_run

        choice = chosen_of_run(self.data, neurons, set=set, where=where, marked=marked)
        if not choice.neurons:
            raise UsageError("No neuron was named.", "Give neurons=, set=, where= or marked=True.")
        settings = ladder_settings(
            strengths, mode, from_, controls=controls, category=category, generate=generate, sample=sample, seed=seed,
            top=top, name=choice.name,
        )  # fmt: skip
        vector = None if control_vector is None else checked_vector(control_vector, settings, overwrite=overwrite)
        loaded = self.model()
        from mechamap.steering.subject import Subject

        with following("steering", show=self._progress) as (tell, cancel):
            subject = Subject.of_run(self.data, loaded)
            shown = steered(subject, choice.neurons, text, settings, on_event=tell, cancel=cancel)
        if vector is not None:
            shown.write_control_vector(vector, loaded, strength, overwrite=overwrite)
        return shown
