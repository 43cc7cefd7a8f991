"""How tokens and words of any script are shown."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from support.small_tokenizers import byte_level

from mechamap.config.schema import default_config, with_overrides
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.figures.top_words import TopWords
from mechamap.query.evaluate import matching
from mechamap.runs.record import LayerRows, ModelRecord, RunRecord
from mechamap.runs.run import Run
from mechamap.text.token_record import token_record
from mechamap.text.tokenize import tokenize
from mechamap.wording.plain import printable
from mechamap_tui.browse.table.columns import token_summary
from mechamap_tui.terminal.columns_in_place import in_place
from mechamap_tui.terminal.terminal_text import clean, piece_label
from mechamap_tui.widgets.coloured_text import wrap_positions

TEXT = "A train left Łódź for Zürich. भारत में 👩‍🚀 और 👍🏽 है."


def run_of(text: str = TEXT) -> Run:
    """A run with a neuron for each position, which is highest there."""
    config = with_overrides(default_config(), texts=[text])
    tokens = token_record(tokenize(config.texts, byte_level(), config, None))
    count = len(tokens.pieces)
    record = RunRecord(
        model=ModelRecord("m", "m", "m", None, "", 0, "", ""),
        categories=("c",),
        layers=(LayerRows(0, 0, count, count, complete=True),),
        figures=("mean", "top_values", "top_positions"),
        config=config,
        tokens=tokens,
    )
    arrays = {
        "mean": np.ones((count, 1), np.float32),
        "top_values": np.ones((count, 1), np.float32),
        "top_positions": np.arange(count, dtype=np.int32)[:, None],
    }
    return Run(record, arrays)


@pytest.mark.kind("character_of_several_tokens", "half_of_a_character_decoded")
def test_a_token_with_no_character_of_its_own_shows_the_one_it_completes(tmp_path: Path) -> None:
    run = run_of()
    assert "" in run.record.tokens.pieces
    pieces = [run.top_tokens(row)[0].piece for row in range(run.neurons)]
    assert pieces.count("ü") == 2
    assert "" not in pieces and not any("\ufffd" in piece for piece in pieces)
    assert "␣" not in {token_summary(run, row, "c") for row in range(run.neurons) if pieces[row].strip()}
    for kind in ("csv", "json"):
        export_run(run, tmp_path / f"out.{kind}", ExportRequest(kind))
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    results = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["results"]
    for row, piece in enumerate(pieces):
        assert repr(piece) in rows[row]["top_tokens"]
        assert results[f"(0,{row})"]["top_tokens"][0][0] == piece
    assert matching(run, 'token == "ü"').sum() == 2


@pytest.mark.kind("word_of_a_split_character")
def test_words_of_a_report_are_words_of_the_text() -> None:
    run = run_of()
    words = {word for shown in TopWords(run).of_all(range(run.neurons)) for word in shown}
    assert {"Łódź", "Zürich", "भारत", "में", "👩‍🚀", "👍🏽"} <= words
    assert words <= {*TEXT.replace(".", " .").split(), " ", "<|start|>"}


@pytest.mark.kind("coloured_text_of_split_characters")
def test_a_character_is_drawn_once_where_its_first_token_is() -> None:
    run = run_of()
    drawn = "".join(shown for line in wrap_positions(run, 200) for position, shown in line if position)
    assert drawn == clean(TEXT)
    home = run.token_text.home
    pieces = run.record.tokens.pieces
    assert all(run.token_text.drawn[home[position]] for position in range(len(pieces)))


@pytest.mark.kind("indic_vowel_signs", "thai_marks")
@pytest.mark.parametrize("word", ["भारत", "हिन्दी", "தமிழ்", "বাংলা", "తెలుగు", "မြန်မာ", "ខ្មែរ", "สวัสดี", "ພາສາ", "བོད་"])
def test_letters_of_every_script_are_shown(word: str) -> None:
    assert clean(word) == word
    assert cell_len(clean(word)) <= len(word)


@pytest.mark.kind("decomposed_korean")
def test_conjoining_letters_are_shown_as_syllables() -> None:
    word = unicodedata.normalize("NFD", "한국어")
    assert clean(word) == word
    assert cell_len(word) == 6


@pytest.mark.kind("skin_tones_and_joined_emoji")
def test_emoji_are_shown_as_emoji() -> None:
    assert clean("👍🏽 👩‍🚀 ❤️ 🇩🇪 🏴󠁧󠁢󠁳󠁣󠁴󠁿") == "👍🏽 👩🚀 ❤ 🇩🇪 🏴"
    assert piece_label(" 👍🏽") == "👍🏽"


@pytest.mark.kind("lone_marks")
@pytest.mark.parametrize(
    "text", ["\u093e", "\u1161", "\U0001f3fd", "\u200d", "\u202e", "\x9b", "\n\u0301", " \u0903", "\ufe0f"]
)
def test_what_has_nothing_to_sit_on_is_seen_and_moves_nothing(text: str) -> None:
    shown = piece_label(text)
    assert shown.strip() and cell_len(shown) > 0
    assert cell_len(shown[0]) > 0
    assert not any(unicodedata.category(character) in ("Cc", "Cf") for character in shown)


@pytest.mark.kind("joiners_on_a_terminal")
@pytest.mark.parametrize("word", ["👩‍🚀", "می‌خواهم", "ක්‍රි"])
def test_joiners_within_a_character_are_printed(word: str) -> None:
    assert printable(word) == word


@pytest.mark.kind("long_line_without_spaces")
def test_a_line_without_spaces_is_not_taken_for_a_word() -> None:
    run = run_of("A key " + "A9f" * 2_000 + " ends.")
    assert max(len(TopWords(run).at(position)) for position in range(run.neurons)) < 300


@pytest.mark.kind("terminals_that_widen_marks")
@pytest.mark.parametrize("text", ["भारत", "👍🏽", "เชียงใหม่"])
def test_what_stands_behind_text_of_uncertain_width_is_put_in_place(text: str) -> None:
    column = 3 + cell_len(text) + 2
    assert in_place(f"\x1b[2;3H{text}  │").endswith(f"\x1b[{column}G│")
