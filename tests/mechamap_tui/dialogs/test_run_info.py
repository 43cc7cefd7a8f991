"""The capture proof on the page about a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.browse_host import browsing
from support.recorded_run import Shape, recorded_run

from mechamap.runs.run import Run
from mechamap.runs.scanned import LayerProof
from mechamap_tui.dialogs.run_info import info_lines
from mechamap_tui.dialogs.run_info_checks import part_lines, verdict_lines

OLD = LayerProof(layer=0, path="h.0.fc2", width=16, tokens=8, rebuild_error=2e-7, zero_error=0.0, tolerance=1e-4)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "run", width=8, shape=Shape(experts=3, shared=4))


def test_the_page_says_what_the_proof_comes_to_and_shows_every_part(run: Run) -> None:
    lines = [line for _, line in info_lines(run)]
    verdict = next(line for line in lines if "proved" in line)
    assert verdict.strip() == (
        "5 parts of 3 layers proved: the largest errors are rebuild 5.0e-07, own code 1.0e-06, zero 0, "
        "removal 1.5e-06; allowed 1.0e-04."
    )
    rows = [line.split() for line in lines if "model.layers." in line]
    assert [row[:2] for row in rows] == [["0", "8"], ["1", "4"], ["1", "3x8"], ["2", "4"], ["2", "3x8"]]
    assert rows[-1] == ["2", "3x8", "5.0e-07", "1.0e-06", "0", "1.5e-06", "added", "model.layers.2.mlp.experts"]
    assert not any("{" in line or "rebuild_error" in line for line in lines)


def test_what_was_not_proved_is_a_warning_with_what_to_do(run: Run) -> None:
    errors = {"rebuild_error": None, "zero_error": None, "own_error": None, "removal_error": None}
    proof = (*run.record.proof[:3], *(replace(part, finite=False, **errors) for part in run.record.proof[3:]))
    record = replace(run.record, proof=proof, model=replace(run.record.model, dtype="float16"))
    kinds = [kind for kind, _ in verdict_lines(record)]
    assert kinds == ["title", "text", "trouble", "text"]  # of the neurons; last, of the tokens
    assert "Dtype: bfloat16 or float32" in list(verdict_lines(record))[-2][1]
    table = [kind for kind, line in part_lines(record, 120) if "model.layers." in line]
    assert table == ["text"] * 3 + ["trouble"] * 2
    nothing = replace(record, proof=proof[3:])
    assert [kind for kind, _ in verdict_lines(nothing)] == ["title", "trouble", "text"]


def test_where_there_is_no_room_a_part_has_two_lines(run: Run) -> None:
    wide, narrow = list(part_lines(run.record, 120)), list(part_lines(run.record, 62))
    assert len(narrow) == len(wide) + 6, "the header and five parts"
    assert all(len(line) <= 62 for _, line in narrow[:-1])
    assert narrow[6][1].strip() == "added · model.layers.1.mlp.down_proj"


def test_an_error_that_is_allowed_here_and_not_there_has_a_column(run: Run) -> None:
    assert "allowed" not in list(part_lines(run.record, 120))[1][1]
    proof = (replace(run.record.proof[0], tolerance=0.02), *run.record.proof[1:])
    assert "allowed" in list(part_lines(replace(run.record, proof=proof), 120))[1][1]


@pytest.mark.parametrize("proof", [(OLD,), (replace(OLD, own_error=3e-6),), ()])
def test_the_proof_of_an_older_version_is_shown_as_far_as_it_goes(run: Run, proof: tuple[LayerProof, ...]) -> None:
    run.record = replace(run.record, proof=proof)
    lines = [line for _, line in info_lines(run)]
    assert any("h.0.fc2" in line for line in lines) == bool(proof)
    assert any("proved" in line for line in lines) == bool(proof)


async def test_the_page_is_read_at_any_width(run: Run) -> None:
    for size in ((140, 40), (80, 24)):
        async with browsing(run, size) as browser:
            await browser.press("i")
            assert "5 parts of 3 layers proved" in browser.screen_text()
            await browser.press("G")
            text = browser.screen_text()
            assert "model.layers.2.mlp.experts" in text
            assert "3x8" in text
