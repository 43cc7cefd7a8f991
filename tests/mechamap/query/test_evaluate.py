"""The language of filters and sort columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recorded_run import CATEGORIES, Shape, checked_run, recorded_run

from mechamap.errors import MechaMapError, QueryError, UsageError
from mechamap.query.evaluate import chosen_rows, matching, sorted_rows
from mechamap.query.names import TEXTS, query_names
from mechamap.runs.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded_run(tmp_path_factory.mktemp("run"))


def food(run: Run) -> np.ndarray:
    return np.asarray(run.column("selectivity", "food"))


def names(run: Run, mask: np.ndarray) -> list[str]:
    return [str(run.neuron_name(row)) for row in np.flatnonzero(mask)]


def test_a_planted_neuron_is_found_by_its_selectivity(run: Run) -> None:
    assert names(run, matching(run, "selectivity.food > 0.9")) == ["L1.N7"]
    assert names(run, matching(run, "selectivity.color < -0.9")) == ["L2.N11"]


@pytest.mark.parametrize(
    "expression",
    [
        "reads.food > 0.9",
        "food > .9",
        "0.9 < food",
        "'food' > 9e-1",
        'reads."food" > 0.9',
        "abs(food) > 0.9",
        "food - 0.9 > 0",
        "food*2>1.8",
        "(food > 0.9)",
        "not food <= 0.9",
        "!(food <= 0.9)",
        "1 >= food > 0.9",
        "food > 0.9 and layer == 1",
        "food > 0.9 AND layer = 1",
        "food > 0.9 & layer = 1 && neuron == 7",
        "food > 0.9 or layer == 99",
        "food > 0.9 | layer > 98 || layer < 0",
        "food > 0.9 and best == food",
        "best == 'food' and food >= 0.95",
        "layer == 1 and neuron == 7",
    ],
)
def test_the_same_neuron_can_be_asked_for_in_many_ways(run: Run, expression: str) -> None:
    assert names(run, matching(run, expression)) == ["L1.N7"]


def test_a_figure_alone_means_the_current_category(run: Run) -> None:
    assert np.array_equal(matching(run, "reads > 0.9", category="food"), matching(run, "reads.food > 0.9"))
    with pytest.raises(QueryError, match="value per category") as caught:
        matching(run, "reads > 0.9")
    assert "reads.animal" in str(caught.value.hint)


def test_and_binds_tighter_than_or_and_not_tighter_than_and(run: Run) -> None:
    loose = matching(run, "layer == 0 or layer == 1 and neuron == 7")
    assert loose.sum() == 16 + 1
    assert matching(run, "(layer == 0 or layer == 1) and neuron == 7").sum() == 2
    assert matching(run, "not layer == 0 and neuron == 7").sum() == 2


def test_arithmetic_is_numpys(run: Run) -> None:
    expected = (np.asarray(run.figure("max")) - np.asarray(run.figure("min"))) / 2 > 1.5
    assert np.array_equal(matching(run, "(max - min) / 2 > 1.5"), expected)
    expected = np.abs(-food(run) + np.asarray(run.figure("mean_all")) * 2) >= 0.25
    assert np.array_equal(matching(run, "abs(-food + mean_all*2) >= 0.25"), expected)


def test_a_word_finds_neurons_by_their_highest_and_lowest_tokens(run: Run) -> None:
    mask = matching(run, "apple")
    for row in range(run.neurons):
        shown = [hit.piece.strip() for hit in run.top_tokens(row) + run.top_tokens(row, lowest=True)]
        assert mask[row] == ("apple" in shown)
    assert mask.any()
    assert np.array_equal(mask, matching(run, '" APPLE "'))
    assert np.array_equal(mask, matching(run, "token == 'apple'"))
    assert np.array_equal(~mask, matching(run, "token != apple"))
    assert not matching(run, "zebra").any()
    assert np.array_equal(matching(run, "apple or lion"), mask | matching(run, "lion"))


def test_best_is_the_category_with_the_largest_selectivity_of_either_sign(run: Run) -> None:
    strongest = np.abs(np.asarray(run.figure("selectivity"))).argmax(axis=1)
    for at, category in enumerate(CATEGORIES):
        assert np.array_equal(matching(run, f"best == {category}"), strongest == at)


def test_what_is_not_computed_satisfies_nothing(tmp_path: Path) -> None:
    run = recorded_run(tmp_path, complete=1)
    for expression in (
        "food > -2",
        "food != 3",
        "not food > 5",
        "layer >= 0",
        "not dead",
        "best != animal or layer > 0",
    ):
        assert not matching(run, expression)[16:].any()
    assert matching(run, "layer >= 0").sum() == 16
    holed = np.array(run.figure("max"))
    holed[3] = np.nan
    gap = Run(run.record, {**{f: run.figure(f) for f in run.record.figures}, "max": holed})
    assert not matching(gap, "max != 100")[3]
    assert not matching(gap, "max < 100")[3]


def test_sorting_down_puts_the_largest_first_and_what_is_not_computed_last(tmp_path: Path) -> None:
    run = recorded_run(tmp_path, complete=2)
    for columns in ("-reads.food", "reads.food"):
        rows = sorted_rows(run, columns)
        values = food(run)[rows]
        assert np.isnan(values[32:]).all()
        steps = np.diff(values[:32])
        assert (steps <= 0).all() if columns[0] == "-" else (steps >= 0).all()
    assert str(run.neuron_name(int(sorted_rows(run, "-reads.food")[0]))) == "L1.N7"


def test_ties_keep_their_order_and_later_columns_break_them(run: Run) -> None:
    assert sorted_rows(run, "layer").tolist() == list(range(48))
    down = sorted_rows(run, "-layer")
    assert down[:16].tolist() == list(range(32, 48))
    rows = sorted_rows(run, "neuron,-layer")
    assert [str(run.neuron_name(int(row))) for row in rows[:4]] == ["L2.N0", "L1.N0", "L0.N0", "L2.N1"]
    some = np.array([40, 3, 20])
    assert sorted_rows(run, "dead", some).tolist() == [40, 3, 20]


def test_columns_can_be_expressions(run: Run) -> None:
    rows = sorted_rows(run, "-abs(color), layer")
    assert str(run.neuron_name(int(rows[0]))) == "L2.N11"
    with pytest.raises(QueryError, match="same for every neuron"):
        sorted_rows(run, "3")


def test_rows_are_filtered_sorted_and_limited_together(run: Run) -> None:
    rows = chosen_rows(run, "layer == 1", "-food", 3)
    assert len(rows) == 3
    assert str(run.neuron_name(int(rows[0]))) == "L1.N7"
    assert len(chosen_rows(run)) == 48
    with pytest.raises(UsageError):
        chosen_rows(run, limit=0)


def test_only_rows_of_complete_layers_are_chosen(tmp_path: Path) -> None:
    run = recorded_run(tmp_path, complete=2)
    assert chosen_rows(run).tolist() == list(range(32))
    assert chosen_rows(run, sort="-layer", limit=40).tolist() == [*range(16, 32), *range(16)]


@pytest.mark.parametrize(
    ("expression", "character", "hint"),
    [
        ("selectivty.food > 0.9", 1, "selectivity"),
        ("layer > 3 and selectivity.foood > 0.9", 27, "food"),
        ("laier > 3", 1, "layer"),
        ("max > ", 7, ""),
        ("max >", 6, ""),
        ("(max > 3", 9, ""),
        ("max > 3)", 8, ""),
        ("max > 3 min < 2", 9, "quotes"),
        ("max ? 3", 5, ""),
        ('token == "apple', 10, ""),
        ("food", 1, "food > 0.5"),
        ("max.food > 1", 1, "max"),
        ("best > food", 1, ""),
        ("best == foood", 9, "food"),
        ("token > 3", 1, ""),
        ("3", 1, "quotes"),
        ("max + 1", 5, "Compare"),
        ("apple > 'pear'", 1, ""),
        ("max > (min < 2)", 8, ""),
        ("max > 1, min < 2", 10, "and"),
        ("top_positions > 3", 1, ""),
        ("causes.food > 1", 1, "mechamap ablate"),
        ("p.food < 0.05", 1, "mechamap confirm"),
        ("confirmed.food", 1, "mechamap confirm"),
        ("", 1, ""),
        ("abs max > 1", 5, ""),
        ("3x > 1", 1, ""),
        ("-" * 200 + "max > 1", 52, ""),
        ("(" * 200, 52, ""),
    ],
)
def test_a_mistake_is_pointed_at(run: Run, expression: str, character: int, hint: str) -> None:
    with pytest.raises(QueryError) as caught:
        matching(run, expression)
    lines = caught.value.message.split("\n")
    assert lines[0].strip("…") in expression
    at = lines[1].index("^")
    assert lines[0][at : at + 1] == expression[character - 1 : character]
    assert lines[0] == expression or len(lines[0]) < 80 < len(expression)
    assert f"character {character}:" in lines[1]
    assert hint in str(caught.value.hint)


def test_categories_that_are_no_single_word_can_be_named(run: Run) -> None:
    odd = ("proper noun", "food-stuff", "max")
    record = replace(run.record, categories=odd)
    other = Run(record, {figure: run.figure(figure) for figure in record.figures})
    wanted = names(run, matching(run, "food > 0.9"))
    for expression in (
        "food-stuff > 0.9",
        "reads.food-stuff > .9",
        'reads."food-stuff" > .9',
        "best == food-stuff and 'food-stuff' > .9",
    ):
        assert names(other, matching(other, expression)) == wanted
    assert names(other, matching(other, "proper noun > 0.9")) == names(run, matching(run, "animal > 0.9"))
    assert np.array_equal(matching(other, "max > 1"), matching(run, "max > 1"))  # a figure's name stays the figure's
    assert names(other, matching(other, "reads.max < -0.9")) == ["L2.N11"]


def test_a_run_says_which_names_mean_something(run: Run) -> None:
    known = query_names(run)
    assert {"layer", "neuron", "max", "reads", "selectivity.food", "best", "food"} <= set(known)
    for name in known:
        if name in (*TEXTS, "mean", "auroc", "selectivity", "d", "ap", "write", "reads", "writes"):
            continue
        assert matching(run, f"{name} > -1e9").all()


def test_what_was_checked_can_be_asked_for(tmp_path: Path) -> None:
    run = checked_run(tmp_path)
    l1_7, l0_3 = run.row_of("L1.N7"), run.row_of("L0.N3")
    assert np.flatnonzero(matching(run, "confirmed.food")).tolist() == [l1_7]
    assert np.flatnonzero(matching(run, "confirmed", "food")).tolist() == [l1_7]
    assert not matching(run, "confirmed.animal").any(), "it drops on the second text"
    assert np.flatnonzero(matching(run, "p.animal < 0.05 and held.animal > 0.9")).tolist() == [l0_3]
    assert np.flatnonzero(matching(run, "causes.food < -0.2")).tolist() == [l1_7]
    assert sorted_rows(run, "causes.food")[0] == l1_7
    # the measured effect, -0.25, stands in for the estimate, -0.3
    assert not matching(run, "causes.food < -0.28").any()
    assert matching(run, "cause.food < -0.28")[l1_7]
    assert {"confirmed.food", "held", "causes", "p.color", "write.food"} <= set(query_names(run))


@settings(deadline=None)  # the first call opens the run
@given(st.text(alphabet="maxfodreslyt.()<>=!&|+-*/,'\" 019é\\", max_size=25))
def test_no_expression_escapes_as_anything_but_a_users_error(expression: str) -> None:
    run = _small()
    for ask in (matching, sorted_rows):
        try:
            ask(run, expression)
        except MechaMapError as error:
            assert isinstance(error, QueryError)


def test_long_expressions_are_answered_without_recursion_or_refused(run: Run) -> None:
    assert (matching(run, "max" + " + 0" * 2_000 + " > 0.5") == matching(run, "max > 0.5")).all()
    assert (matching(run, " and ".join(["max > 0.5"] * 1_200)) == matching(run, "max > 0.5")).all()
    with pytest.raises(QueryError, match="too long: more than 5,000"):
        matching(run, "max" + " + 0" * 6_000)


@pytest.mark.parametrize(
    "expression",
    ["x" * 50_000, "'" + "x" * 50_000, "reads." + "x" * 50_000, "max > 0 " + "y" * 50_000, "\n" * 90 + "?"],
)
def test_what_is_said_of_a_long_expression_is_short(run: Run, expression: str) -> None:
    for ask in (matching, sorted_rows):
        try:
            ask(run, expression)
        except QueryError as error:
            assert len(error.message.split("\n")) == 2 and len(str(error)) < 1_000


def test_numbers_beyond_a_figures_type_are_compared(run: Run) -> None:
    assert not matching(run, "max > 1e300").any() and matching(run, "max < 1e999").any()


_cache: list[Run] = []


def _small() -> Run:
    if not _cache:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            run = recorded_run(Path(folder), layers=1, width=4)
            _cache.append(Run(run.record, {figure: np.array(run.figure(figure)) for figure in run.record.figures}))
    return _cache[0]


# --- experts, and figures that cannot mean anything ---


@pytest.fixture(scope="module")
def experts(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded_run(tmp_path_factory.mktemp("experts") / "run", width=4, shape=Shape(experts=3, shared=2))


def test_experts_and_how_many_tokens_came_to_them_are_numbers_like_others(experts: Run) -> None:
    assert names(experts, matching(experts, "expert = 2 and layer == 1")) == [f"L1.E2.N{n}" for n in range(4)]
    assert names(experts, matching(experts, "expert < 0 and layer = 2")) == ["L2.N0", "L2.N1"]
    tokens = experts.figure("tokens")
    assert np.array_equal(matching(experts, "tokens > 7"), tokens > 7)
    assert "tokens" in query_names(experts)
    rows = sorted_rows(experts, "tokens,-layer")
    assert experts.expert_of[rows[0]] in (0, 1)
    assert np.array_equal(tokens[rows], np.sort(tokens))


def test_a_run_without_experts_says_what_tokens_would_be(run: Run) -> None:
    with pytest.raises(QueryError, match="this run has no tokens") as caught:
        matching(run, "tokens > 7")
    assert "routed experts" in str(caught.value.hint)
    assert matching(run, 'token == "tokens"').sum() == 0


@pytest.mark.parametrize("expression", ["writes.food > 1", "write.food > 1", "write_p.food < 0.05"])
def test_a_figure_that_cannot_mean_anything_says_why(run: Run, expression: str) -> None:
    encoder = Run(replace(run.record, undefined={"write": "an encoder predicts no next token"}), {}, run.path)
    with pytest.raises(QueryError, match="is not defined for this model") as caught:
        matching(encoder, expression)
    assert caught.value.hint == "an encoder predicts no next token"
