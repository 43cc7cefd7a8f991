"""docs/run-format.md: its code reads made runs of both formats, and its tables name what is there."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.made_corpus_run import DOCUMENTS, Shape, made_corpus_run
from support.recorded_run import TEXT, recorded_run

from mechamap.figures.histogram_bins import EDGES
from mechamap.runs.corpus.record import CorpusRecord
from mechamap.runs.corpus.tokens import KEPT_FILES
from mechamap.runs.figure_names import CONTEXT_FIGURES, CORPUS_FIGURES, CORPUS_TABLES, TOKEN_FIGURES
from mechamap.runs.record import LayerRows, RunRecord
from mechamap.system.plain_values import Recorded

PAGE = (Path(__file__).parents[3] / "docs" / "run-format.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def code() -> dict[str, Any]:
    """The functions of the page."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec("\n".join(blocks), names)
    return names


@pytest.mark.parametrize("state", ["complete", "running"])
def test_the_pages_code_reads_a_run_over_a_corpus(tmp_path: Path, code: dict[str, Any], state: str) -> None:
    run = made_corpus_run(tmp_path / "run", Shape(state=state))
    row = code["row_of"](code["read_run"](run.path)[0], 1, 3)
    assert str(run.neuron_name(row)) == "L1.N3"
    for side in ("highest", "lowest"):
        told = list(code["contexts"](run.path, row, side))
        assert [value for value, *_ in told] == run.figure(f"{side}_values")[row].tolist()
        for (_, document, before, piece, after), position in zip(
            told, run.figure(f"{side}_positions")[row].tolist(), strict=True
        ):
            assert before + piece + after == DOCUMENTS[document]
            assert (document, piece) == (run.document_at(position), run.token_text.shown[position])


def test_the_pages_code_reads_a_run_over_a_text(tmp_path: Path, code: dict[str, Any]) -> None:
    run = recorded_run(tmp_path / "run")
    row = code["row_of"](code["read_run"](run.path)[0], 2, 11)
    told = list(code["contexts"](run.path, row))
    assert [(piece, value) for value, _, _, piece, _ in told] == [(hit.piece, hit.value) for hit in run.top_tokens(row)]
    assert all((before + piece + after).removeprefix("<s>") == TEXT for _, _, before, piece, after in told)


def test_the_pages_bins_are_those_of_the_histogram(code: dict[str, Any]) -> None:
    np.testing.assert_array_equal(code["edges"](), EDGES)


def test_every_member_and_file_is_on_the_page(tmp_path: Path) -> None:
    named = set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)))
    for kind in (RunRecord, LayerRows, CorpusRecord):
        missing = {field.name for field in fields(kind)} - named - {field.name for field in fields(Recorded)}
        assert not missing, f"{kind.__name__}: {missing}"
    files = {f"{name}.npy" for name in KEPT_FILES}
    figures = {*CONTEXT_FIGURES, *CORPUS_FIGURES, *CORPUS_TABLES, *TOKEN_FIGURES}
    assert not (files | figures) - named
    run = made_corpus_run(tmp_path / "run")
    written = json.loads((run.path / "run.json").read_text(encoding="utf-8")) if run.path else {}
    assert not set(written) - named


def test_shapes_and_types_are_those_of_the_page(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run")
    for name in run.record.figures:
        kind = run.figure(name).dtype
        expected = "int32" if name.endswith("_positions") else "int64" if name == "histogram" else "float32"
        assert kind == expected, name
    for name in ("range_values", "range_positions"):
        assert run.figure(name).shape == (run.neurons, 20)
