"""The tables of closest neurons: what they count is what numpy finds over the same words, and links lead there."""

from __future__ import annotations

import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.comparisons import compared
from support.recorded_run import CATEGORIES, checked_run, recorded_run

from mechamap.compare.closest.closest import Closest, closest_of
from mechamap.compare.closest.settings import MatchSettings, cannot_match, kept_of_one_text, usual_words
from mechamap.compare.comparison import prepare
from mechamap.compare.words.activations import aligned, kept_words
from mechamap.csv_files.run import read_csv
from mechamap.errors import UsageError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.query.evaluate import matching
from mechamap.runs.run import Run
from mechamap.runs.writer import write_activations
from mechamap.tables.table import Report, Table

THRESHOLD = 0.3


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """3 layers of 16 neurons and 4 of 20; half of the first model's neurons are in the second, every other turned."""
    folder = tmp_path_factory.mktemp("runs")
    a, b = recorded_run(folder / "a"), recorded_run(folder / "b", layers=4, width=20, seed=1)
    rng = np.random.default_rng(5)
    positions = len(a.record.tokens.pieces)
    first = rng.normal(0, 1, (a.neurons, positions))
    second = rng.normal(0, 1, (b.neurons, positions))
    second[40:64] = 3 * first[:24] + 0.1 * rng.normal(0, 1, (24, positions))
    second[41:64:2] *= -1
    first[30] = 1.5  # never varies
    for run, values in ((a, first), (b, second)):
        for layer in run.layers:
            write_activations(Path(str(run.path)), layer.layer, values[layer.rows].astype(np.float16))
    return a, b


@pytest.fixture(scope="module")
def closest(runs: tuple[Run, Run]) -> Closest:
    first, second = (kept_words(run, placements=True) for run in runs)
    return closest_of(first, second, specialised=0.5)


@pytest.fixture(scope="module")
def report(runs: tuple[Run, Run], closest: Closest) -> Report:
    return compared(runs, "reads", THRESHOLD, closest=closest)


def test_the_report_has_the_tables_of_closest_neurons(report: Report) -> None:
    assert [table.key for table in report.tables] == [
        "overview", "matches_summary", "specialised", "depth", "profiles", "matches", "universal_categories",
        "match_layers", "settings",
    ]  # fmt: skip


def test_the_summary_counts_what_numpy_finds(runs: tuple[Run, Run], closest: Closest, report: Report) -> None:
    correlation = _correlations(closest)
    one, other = _rows(report, "matches_summary")
    assert (one["neurons"], one["varying"], other["varying"]) == (48, 47, 80)
    there = np.isfinite(correlation).any(axis=1)
    filled = np.nan_to_num(correlation, nan=-1.0)
    assert one["correlation"] == pytest.approx(np.median(filled.max(axis=1)[there]), abs=1e-4)
    assert other["correlation"] == pytest.approx(np.median(filled.max(axis=0)), abs=1e-4)
    first, second = filled.argmax(axis=1), filled.argmax(axis=0)
    mutual = int((there & (second[first] == np.arange(48))).sum())
    assert one["mutual"] == other["mutual"] == mutual >= 24
    excess = closest.matches.excess
    assert one["excess"] == pytest.approx(np.nanmedian(excess), abs=1e-6)
    assert one["universal"] == (excess > 0.5).sum()


def test_the_share_of_universal_neurons_is_of_those_that_vary(runs: tuple[Run, Run], closest: Closest) -> None:
    """Over so few words chance reaches nearly everything, so the baseline is set to nothing."""
    matches = replace(closest.matches, baseline=np.zeros_like(closest.matches.baseline))
    row = _rows(compared(runs, closest=replace(closest, matches=matches)), "matches_summary")[0]
    assert row["universal"] == (np.abs(matches.correlation) > 0.5).sum() >= 24
    assert row["share"] == pytest.approx(row["universal"] / 47)


def test_links_lead_to_the_neurons_that_are_counted(runs: tuple[Run, Run], report: Report) -> None:
    followed = 0
    for key in ("matches_summary", "universal_categories"):
        table = _table(report, key)
        for at, row in enumerate(table.rows):
            for column, cell in enumerate(row):
                if link := table.link(at, column):
                    assert matching(runs[link.run], link.where, link.category).sum() == cell
                    followed += 1
    assert followed >= 8


def test_planted_neurons_are_listed_with_their_counterparts(runs: tuple[Run, Run], report: Report) -> None:
    a, b = runs
    rows = {row["neuron"]: row for row in _rows(report, "matches")}
    assert len(rows) == 47
    for at in range(24):
        row = rows[str(a.neuron_name(at))]
        assert row["closest"] == str(b.neuron_name(40 + at))
        assert row["correlation"] == pytest.approx(-1 if at % 2 else 1, abs=0.02)
        assert row["mutual"] is True
        assert row["excess"] == pytest.approx(abs(row["correlation"]) - row["baseline"], abs=1e-5)
        strongest = np.abs(a.figure("selectivity")[at]).argmax()
        assert row["category_a"] == CATEGORIES[strongest]
        assert row["value_a"] == pytest.approx(float(a.figure("selectivity")[at, strongest]))
    excess = [row["excess"] for row in rows.values()]
    assert excess == sorted(excess, reverse=True)


def test_a_small_p_is_no_fall(tmp_path: Path) -> None:
    runs = checked_run(tmp_path / "a"), checked_run(tmp_path / "b")
    activations = np.random.default_rng(3).normal(0, 1, (48, len(runs[0].record.tokens.pieces)))
    for run in runs:
        for layer in run.layers:
            write_activations(Path(str(run.path)), layer.layer, activations[layer.rows].astype(np.float16))
    closest = closest_of(*(kept_words(run) for run in runs))
    rows = {row["neuron"]: row for row in _rows(compared(runs, by="p", closest=closest), "matches")}
    for neuron, falls in (("L1.N7", False), ("L2.N11", True)):  # what they do on food and on color
        row = rows[neuron]
        assert (row["closest"], row["value_a"]) == (neuron, pytest.approx(0.005))
        token = runs[0].top_tokens(runs[0].row_of(neuron), lowest=falls)[0].piece.strip()
        assert row["tokens_a"][0] == row["tokens_b"][0] == token


def test_layers_of_the_closest_add_up(runs: tuple[Run, Run], closest: Closest, report: Report) -> None:
    a, b = runs
    for row in _rows(report, "match_layers"):
        best = closest.matches.best[a.layer_of == row["layer"]]
        best = best[best >= 0]
        for layer in range(4):
            assert row[f"layer_{layer}"] == pytest.approx((b.layer_of[best] == layer).mean())


def test_categories_among_the_closest_are_counted(runs: tuple[Run, Run], closest: Closest, report: Report) -> None:
    a, b = runs
    best = closest.matches.best
    for row in _rows(report, "universal_categories"):
        counts = np.abs(a.column("selectivity", row["category"])) >= np.float32(THRESHOLD)
        too = counts & (best >= 0)
        too[too] = np.abs(b.column("selectivity", row["category"]))[best[too]] >= np.float32(THRESHOLD)
        assert (row["neurons"], row["same"]) == (counts.sum(), too.sum())
        assert row["universal"] == (counts & (closest.matches.excess > 0.5)).sum()


def test_shares_have_intervals_around_them(closest: Closest, report: Report) -> None:
    rows = _rows(report, "specialised")
    assert [row["category"] for row in rows] == ["exactly one", "at least one", *CATEGORIES]
    assert closest.shares is not None
    share = closest.shares.a[2]
    assert rows[2]["a"] == pytest.approx(1000 * share.corrected, abs=0.006)
    for row in rows:
        for key in ("a", "b", "difference"):
            assert row[f"{key}_low"] <= row[key] <= row[f"{key}_high"]
    difference = {its.name: its for its in closest.shares.difference}["food"]
    food = next(row for row in rows if row["category"] == "food")
    assert (food["difference_low"], food["difference_high"]) == pytest.approx(
        (-1000 * difference.high, -1000 * difference.low), abs=0.006
    )


def test_of_the_same_neurons_it_is_told_how_many_find_themselves(runs: tuple[Run, Run]) -> None:
    a = runs[0]
    words = kept_words(a)
    found = compared((a, a), closest=closest_of(words, words))
    summary = _rows(found, "matches_summary")[0]
    assert summary["itself"] == summary["varying"] == summary["mutual"] == 47
    assert found.table("specialised") is None  # the activations came without placements


def test_fewer_words_are_spread_over_the_text(runs: tuple[Run, Run]) -> None:
    first, second = (kept_words(run) for run in runs)
    every = closest_of(first, second).matches.words
    found = closest_of(first, second, MatchSettings(words=8))
    assert found.matches.words == 8
    assert found.words_in_common == every > 8
    assert f"8 of the {every} words" in _table(compared(runs, closest=found), "matches_summary").about
    with pytest.raises(UsageError, match="over 2 words"):
        closest_of(first, second, MatchSettings(words=2))


def test_without_a_baseline_nothing_is_universal_and_nothing_said_to_be(runs: tuple[Run, Run]) -> None:
    first, second = (kept_words(run) for run in runs)
    found = compared(runs, closest=closest_of(first, second, MatchSettings("none")))
    summary = _rows(found, "matches_summary")[0]
    assert (summary["excess"], summary["universal"], summary["share"]) == (None, None, None)
    assert "what chance reaches is not known" in _table(found, "matches_summary").about
    correlation = [abs(row["correlation"]) for row in _rows(found, "matches")]
    assert correlation == sorted(correlation, reverse=True)


def test_activations_are_not_held_on_to(runs: tuple[Run, Run]) -> None:
    first, second = (kept_words(run) for run in runs)
    held = [weakref.ref(words.values) for words in (first, second)]
    found = closest_of(first, second)
    del first, second
    assert [its() for its in held] == [None, None]
    assert found.matches.words


def test_specialised_neurons_are_counted_again_from_another_threshold(runs: tuple[Run, Run], closest: Closest) -> None:
    first, second = (kept_words(run, placements=True) for run in runs)
    again = closest.specialised_from(0.3)
    assert again.shares == closest_of(first, second, specialised=0.3).shares
    assert again.matches is closest.matches
    assert closest.specialised_from(0.5) is closest
    specialised = [prepare(runs, by, threshold).specialised
                   for by, threshold in (("Reads", 0.4), (None, 0.4), ("d", 2.0), (None, None))]  # fmt: skip
    assert specialised == [0.4, 0.9, 0.9, 0.9]  # a threshold of another figure says nothing about selectivity


def test_a_csv_has_no_activations(runs: tuple[Run, Run], tmp_path: Path) -> None:
    a, b = runs
    export_run(a, tmp_path / "a.csv", ExportRequest("csv", threshold=0.2))
    assert "is a CSV" in cannot_match(read_csv(tmp_path / "a.csv"), b)
    assert cannot_match(a, b) == ""
    assert kept_of_one_text(a, b)
    assert not kept_of_one_text(a, recorded_run(tmp_path / "bare"))


def test_large_models_are_compared_over_fewer_words_by_themselves() -> None:
    assert usual_words(46_080, 46_080) == 200
    assert usual_words(640, 640) > 100_000


def _correlations(closest: Closest) -> np.ndarray:
    """Magnitudes ``[neurons of a, neurons of b]``, NaN for a neuron that does not vary."""
    a, b = (words.block(slice(None)).astype(float) for words in aligned(kept_words(closest.a), kept_words(closest.b)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.abs(np.corrcoef(a, b)[: len(a), len(a) :])


def _table(report: Report, key: str) -> Table:
    table = report.table(key)
    assert table is not None
    return table


def _rows(report: Report, key: str) -> list[dict[str, Any]]:
    table = _table(report, key)
    return [dict(zip([column.key for column in table.columns], row, strict=True)) for row in table.rows]
