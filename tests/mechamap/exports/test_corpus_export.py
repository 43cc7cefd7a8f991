"""A run over a corpus in each format: its tokens, its standard errors, and nothing of its lists."""

from __future__ import annotations

import csv
import io
import json
from ast import literal_eval
from pathlib import Path

import numpy as np
import pytest
from support.made_corpus_run import made_corpus_run

from mechamap.exports.registry import ExportRequest, write_export
from mechamap.query.evaluate import matching
from mechamap.runs.run import Run
from mechamap_tui.browse.table.columns import category_columns


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return made_corpus_run(tmp_path_factory.mktemp("run") / "run")


def written(run: Run, format: str, *, wide: bool) -> bytes:
    stream = io.BytesIO()
    write_export(run, stream, ExportRequest(format, wide=wide))
    return stream.getvalue()


def test_the_wide_csv_has_every_figure_of_one_value_and_the_tokens(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(written(run, "csv", wide=True).decode())))
    assert len(rows) == run.neurons
    assert {"auroc_se.food", "kurtosis", "top_tokens", "bottom_tokens"} <= set(rows[0])
    assert not any(name.startswith(("histogram", "range", "highest", "lowest")) for name in rows[0])
    for row, entry in enumerate(rows):
        hits = run.top_tokens(row)
        assert [token for token, _ in literal_eval(entry["top_tokens"])] == [hit.piece for hit in hits]


def test_json_says_which_corpus(run: Run) -> None:
    data = json.loads(written(run, "json", wide=False))
    assert data["corpus"]["tokens"] == 57
    entry = data["results"]["(0,2)"]
    assert [token for token, _ in entry["top_tokens"]] == [hit.piece for hit in run.top_tokens(2)]


@pytest.mark.parametrize("wide", [False, True])
def test_parquet_and_markdown_have_the_tokens_too(run: Run, wide: bool) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(written(run, "parquet", wide=wide)))
    first = table.column("top_tokens").to_pylist()[0]
    assert [each["token"] for each in first] == [hit.piece for hit in run.top_tokens(0)]
    lines = written(run, "md", wide=wide).decode().splitlines()
    assert run.top_tokens(0)[0].piece.strip() in next(line for line in lines if line.startswith("| 0 | 0 |"))


def test_a_filter_for_a_token_finds_the_neurons_that_go_to_it(run: Run) -> None:
    token = run.top_tokens(4)[1].piece.strip()
    sides = [[hit.piece.strip().casefold() for hit in run.top_tokens(row, lowest=lowest)]
             for row in range(run.neurons) for lowest in (False, True)]  # fmt: skip
    expected = [token.casefold() in sides[2 * row] + sides[2 * row + 1] for row in range(run.neurons)]
    assert matching(run, f'token == "{token}"').tolist() == expected


def test_sorting_by_tokens_is_alphabetical(run: Run, tmp_path: Path) -> None:
    column = next(column for column in category_columns(run, "food") if column.key == "tokens")
    order = np.argsort(-column.values(), kind="stable")
    falls = run.column("selectivity", "food") < 0
    first = [run.top_tokens(row, lowest=bool(falls[row]))[0].piece.strip().casefold() for row in order.tolist()]
    assert first == sorted(first)
