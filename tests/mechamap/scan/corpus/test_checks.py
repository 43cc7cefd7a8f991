"""Checks of a run over a corpus: what needs the model alone works, what needs a text says so or takes one."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from mechamap.checks.causes.ablation import AblateSettings, ablate_run
from mechamap.checks.causes.attribution import estimate_causes
from mechamap.checks.causes.other_text import OtherText
from mechamap.checks.confirm import confirm_run
from mechamap.checks.confirmation_pass import ConfirmSettings
from mechamap.checks.natural_look import look_in_natural_text
from mechamap.checks.timed_reading import TimeLimit
from mechamap.compare.closest.settings import cannot_match
from mechamap.compare.words.word_pass import read_words
from mechamap.errors import RunError
from mechamap.figures.second_text import natural_look
from mechamap.runs.run import Run

TEXT = "He said that the king of the north and she of the south were one. They sat by the fire and he sang."


@pytest.fixture
def run(whole_run, tmp_path) -> Run:
    """A copy, which a test may add to."""
    shutil.copytree(whole_run.path, tmp_path / "run")
    return Run.open(tmp_path / "run")


def test_it_can_be_confirmed(run, demo):
    confirmed = confirm_run(run, demo, ConfirmSettings(permutations=20, splits=1))
    assert confirmed.record.confirmation is not None
    assert confirmed.record.corpus == run.record.corpus
    assert np.isfinite(confirmed.column("p", "person")).any()
    assert len(confirmed.record.tokens.ids) == run.record.corpus.kept_tokens


def test_its_first_neurons_are_looked_at_in_the_natural_text(run, demo):
    looked_at = look_in_natural_text(run, demo, TimeLimit(seconds=None, tokens_per_second=1, started=0.0, tokens=400))
    look = natural_look(looked_at)
    assert look is not None
    assert look.tokens > 0


def test_ablating_needs_a_text(run, demo):
    with pytest.raises(RunError, match="keeps the contexts of its neurons, not the whole corpus"):
        ablate_run(run, demo, [0])
    with pytest.raises(RunError, match="not the whole corpus"):
        estimate_causes(run, demo)


def test_effects_over_a_text_are_added_to_the_run_with_its_name(run, demo):
    text = OtherText.read(run, demo, "notes.txt", TEXT)
    assert {occurrence[0] for occurrence in text.occurrences} == {0, 1}
    estimated = estimate_causes(text.in_place(run), demo)
    measured, ablations = ablate_run(text.in_place(estimated), demo, [3, 700], AblateSettings(controls=1))
    assert measured.record.corpus == run.record.corpus, "still the run over its corpus"
    assert measured.record.causes.text == "notes.txt"
    effects = ablations[0].categories["person"]
    assert effects.occurrences == sum(occurrence[0] == 1 for occurrence in text.occurrences)
    assert measured.column("cause_measured", "person")[3] == pytest.approx(effects.effect, rel=1e-5)
    assert np.isfinite(measured.column("cause", "person")).all()


def test_effects_over_another_text_take_the_place_of_those_before(run, demo):
    first = OtherText.read(run, demo, "one.txt", TEXT)
    run, _ = ablate_run(
        first.in_place(estimate_causes(first.in_place(run), demo)), demo, [3], AblateSettings(controls=0)
    )
    again, _ = ablate_run(first.in_place(run), demo, [5], AblateSettings(controls=0))
    assert np.isfinite(again.column("cause_measured", "person")[[3, 5]]).all(), "over one text they add up"
    second = OtherText.read(run, demo, "two.txt", f"{TEXT} {TEXT}")
    other, _ = ablate_run(second.in_place(again), demo, [7], AblateSettings(controls=0))
    assert other.record.causes.text == "two.txt"
    assert np.flatnonzero(np.isfinite(other.column("cause_measured", "person"))).tolist() == [7]
    assert np.isnan(other.column("cause", "person")).all()
    assert list(other.record.causes.ablations) == ["L1.N7 zero"]


def test_closest_neurons_are_searched_for_over_a_text_that_is_given(run, demo):
    assert "Neither run keeps a whole text" in cannot_match(run, run)
    assert cannot_match(run, run, text_given=True) == ""
    with pytest.raises(RunError, match="not the whole corpus"):
        read_words(run, demo)
    words = read_words(run, demo, [TEXT])
    assert len(words.numbers) > 15


def test_a_csv_still_has_no_model(run):
    csv = Run(replace(run.record, source="csv"), path=run.path)
    assert "is a CSV" in cannot_match(csv, run, text_given=True)
    assert "is a CSV" in csv.why_no_model()
