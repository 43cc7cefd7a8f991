"""The header of a CSV, and which model it is about: what is read as what, and what is refused in which words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.small_csv import HEADER, refused, remarks_of, written

from mechamap.csv_files.run import open_run, read_csv


@pytest.mark.parametrize(
    ("header", "said", "hint"),
    [
        (
            "model,layer,neuron,avg_activations,top_tokens\n",
            "has no column category, avg_activation; the header has model, layer, neuron, avg_activations, top_tokens.",
            "If avg_activations is the column avg_activation, rename it in the header.",
        ),
        (
            "layer_index,neuron_index,category,avg_activation\n",
            "has no column layer, neuron; the header has layer_index, neuron_index, category, avg_activation.",
            "If layer_index is the column layer, rename it in the header. "
            "If neuron_index is the column neuron, rename it in the header.",
        ),
        (
            "gpt2,0,12,food,0.5,[]\n",
            "has no column layer, neuron, category, avg_activation; the header has gpt2, 0, 12, food, 0.5, [].",
            "Row 1 must name the columns: model,layer,neuron,category,avg_activation,top_tokens.",
        ),
        (
            "Model|Layer|Neuron Index|Category|avg activation|top-tokens\n",  # shown as it is written, what is cut too
            "has no column layer, neuron, category, avg_activation; "
            "the header has Model|Layer|Neuron Index|Category|avg ac….",
            "Row 1 must name the columns: model,layer,neuron,category,avg_activation,top_tokens. "
            "Cells must be separated by commas, semicolons or tabs.",
        ),
        (
            "layer,neuron,max,min\n",  # a wide export, but of no category
            "has no column category, avg_activation; the header has layer, neuron, max, min.",
            "Expected the columns model,layer,neuron,category,avg_activation,top_tokens.",
        ),
        (
            "layer,neuron,category,avg_activation,layer,Layer \n",
            "has 3 columns called layer: 1, 5, 6.",
            "Keep one; rename or remove the others.",
        ),
    ],
)
def test_a_header_that_will_not_do_is_refused_with_all_that_is_wrong(
    tmp_path: Path, header: str, said: str, hint: str
) -> None:
    assert refused(written(tmp_path, "", header)) == (said, hint)


@pytest.mark.parametrize("content", ["", " \n\n\t\n", ",,,\n", "\ufeff\n"])
def test_a_file_without_anything_is_empty(tmp_path: Path, content: str) -> None:
    assert refused(written(tmp_path, content, header=""))[0] == "is empty."


def test_a_header_without_rows_is_said_to_be(tmp_path: Path) -> None:
    assert refused(written(tmp_path, "\n,,,,,\n"))[0] == "has a header and no rows."


def test_case_spaces_and_order_of_columns_do_not_matter(tmp_path: Path) -> None:
    run, remarks = remarks_of(
        written(tmp_path, "0.5,food,3,7,m,[]\n", "Avg Activation, CATEGORY,neuron ,Layer,model,top-tokens\n")
    )
    assert (str(run.neuron_name(0)), run.column("mean", "food")[0], remarks) == ("L7.N3", 0.5, ())


def test_columns_that_say_nothing_here_are_named(tmp_path: Path) -> None:
    _, remarks = remarks_of(written(tmp_path, "0,m,0,0,food,0.5,[],x,y\n", "," + HEADER.strip() + ",My Notes,note\n"))
    assert remarks == (
        "Column 1 has no name, as pandas writes the numbers of rows; it was not read.",
        "Columns that were not read: My Notes, note.",
    )


def test_without_top_tokens_or_a_model_the_numbers_are_read(tmp_path: Path) -> None:
    run, remarks = remarks_of(
        written(tmp_path, "0,3,food,0.5\n", "layer,neuron,category,avg_activation\n", "gpt2-small.csv")
    )
    assert (run.label, run.neurons, run.top_tokens(0)) == ("gpt2-small", 1, [])
    assert run.record.model.id == ""
    assert remarks == (
        "Without a column top_tokens, no neuron has top tokens.",
        "The file names no model; it is called gpt2-small, after the file.",
    )


def test_a_model_is_known_by_its_column_also_in_a_file_that_is_called_the_same(tmp_path: Path) -> None:
    run, remarks = remarks_of(written(tmp_path, "gpt2,0,3,food,0.5,[]\n", name="gpt2.csv"))
    assert (run.record.model.id, remarks) == ("gpt2", ())


def test_a_packed_file_that_says_no_model_is_called_as_it_is_when_unpacked(tmp_path: Path) -> None:
    run = read_csv(written(tmp_path, "0,3,food,0.5\n", "layer,neuron,category,avg_activation\n", "gpt2-x1.5.csv.gz"))
    assert run.label == "gpt2-x1.5"


# --- several models ---

MIXED = "a,0,0,food,0.5,[]\na,0,1,food,0.25,[]\norg/b,0,0,food,0.75,[]\nc,0,9,animal,1,[]\n"


def test_several_models_are_refused_with_the_first_row_of_the_second(tmp_path: Path) -> None:
    assert refused(written(tmp_path, MIXED)) == (
        "holds several models: 'a', and 'org/b' from row 4 on.",
        "Split it into one file per model, or read one of them on the command line with --model a.",
    )


def test_spaces_around_a_model_make_no_other_of_it(tmp_path: Path) -> None:
    run = read_csv(written(tmp_path, " a,0,0,food,0.5,[]\na,0,1,food,0.5,[]\na ,0,2,food,0.5,[]\n"))
    assert (run.label, run.neurons, run.record.problems) == ("a", 3, ())
    some = read_csv(written(tmp_path, MIXED.replace("org/b", "org/b ")), model=" org/b")
    assert (some.label, some.neurons) == ("b", 1)


def test_a_model_with_a_space_in_its_name_is_named_as_a_shell_reads_it(tmp_path: Path) -> None:
    hint = refused(written(tmp_path, "my model,0,0,food,0.5,[]\nb,0,0,food,0.5,[]\n"))[1]
    assert hint.endswith("on the command line with --model 'my model'.")


def test_one_of_several_models_can_be_read(tmp_path: Path) -> None:
    path = written(tmp_path, MIXED)
    run = read_csv(path, model="org/b")
    assert (run.label, run.neurons, run.categories, run.column("mean", "food").tolist()) == ("b", 1, ("food",), [0.75])
    assert run.record.problems == ("Rows of other models that were not read: 3 of 2 others.",)
    assert open_run(path, model="a").neurons == 2
    assert refused(path, model="orgb") == (
        "has no rows of the model 'orgb'.",
        "Did you mean org/b? The file is about a, org/b, c.",
    )


def test_rows_of_other_models_may_hold_anything(tmp_path: Path) -> None:
    path = written(tmp_path, "a,0,0,food,0.5,[]\nb,zero,?,food,much,apple\na,1,1,food,0.5,(\n")
    assert refused(path, model="a")[0].startswith("row 4, column top_tokens: '('")


def test_a_model_that_is_asked_for_names_a_file_that_says_none(tmp_path: Path) -> None:
    run = read_csv(written(tmp_path, "0,3,food,0.5,[]\n", HEADER.removeprefix("model,")), model="gpt2")
    assert (run.label, run.record.problems) == ("gpt2", ())


def test_rows_without_a_model_beside_rows_with_one_are_of_several(tmp_path: Path) -> None:
    assert refused(written(tmp_path, ",0,0,food,0.5,[]\nm,0,1,food,0.5,[]\n")) == (
        "holds several models: '', and 'm' from row 3 on.",
        "Split it into one file per model, or read one of them on the command line with --model m.",
    )


def test_a_model_changes_in_the_middle_of_a_long_file(tmp_path: Path) -> None:
    rows = [f"{'a' if at < 5000 else 'b'},0,{at},food,0.5,[]\n" for at in range(6000)]
    path = written(tmp_path, "".join(rows))
    assert "'b' from row 5002 on" in refused(path)[0]
    run = read_csv(path, model="b")
    assert np.array_equal(run.index_of, np.arange(5000, 6000))
