"""A file of keys: the default changes nothing, a right line counts, a wrong one is named and leaves the default."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.repository import ROOT

from mechamap.cli.main import main
from mechamap.config.keys.catalogue import key_sections
from mechamap.config.keys.default_text import default_text
from mechamap.config.keys.key_file import OwnKeys, read_keys
from mechamap.config.keys.spelling import NotAKey, key_codes, key_text
from mechamap.errors import ConfigError


def read(folder: Path, text: str) -> OwnKeys:
    path = folder / "keys.yaml"
    path.write_text(text, encoding="utf-8")
    return read_keys(path)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("a", "a"),
        ("G", "G"),
        ("shift+g", "G"),
        ("?", "question_mark"),
        ("/", "slash"),
        ("question_mark", "question_mark"),
        ("Ctrl+X", "ctrl+x"),
        ("ctrl++", "ctrl+plus"),
        ("+", "plus"),
        ("shift+alt+left", "alt+shift+left"),
        ("F5", "f5"),
        ("é", "é"),
        ("g g", "g g"),
        ("ctrl+x ?", "ctrl+x question_mark"),
    ],
)
def test_a_key_is_written_as_it_stands_on_the_keyboard(written: str, code: str) -> None:
    assert key_codes(written) == code
    assert key_codes(key_text(code)) == code


@pytest.mark.parametrize("written", ["", "gg", "ctrl+i", "ctrl+[", "hyper+a", "shift+?", "f25", "a b c d e", "\x01"])
def test_what_is_no_key_or_the_same_as_another_is_refused(written: str) -> None:
    with pytest.raises(NotAKey):
        key_codes(written)


def test_the_default_file_changes_nothing_and_all_of_it_can_be_taken_over(tmp_path: Path) -> None:
    assert read(tmp_path, default_text()) == OwnKeys({})
    lines = default_text().splitlines()
    taken = read(tmp_path, "\n".join(line.removeprefix("#") if line.startswith("#  ") and ":" in line else line
                                     for line in lines[lines.index("") :]))  # fmt: skip
    assert not taken.problems
    assert taken.keys == {(part.name, action.name): action.keys for part in key_sections() for action in part.actions}


def test_right_lines_count_with_one_key_several_none_or_a_chord(tmp_path: Path) -> None:
    own = read(tmp_path, 'browse:\n  filter: f\n  back: [q, ","]\n  zoom: []\n  confirm_run: ctrl+x c\n')
    assert own == OwnKeys(
        {
            ("browse", "filter"): ("f",),
            ("browse", "back"): ("q", "comma"),
            ("browse", "zoom"): (),
            ("browse", "confirm_run"): ("ctrl+x c",),
        }
    )


def test_the_example_of_the_documentation_is_right_in_every_line(tmp_path: Path) -> None:
    example = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    own = read(tmp_path, example)
    assert own.problems == () and len(own.keys) == 6


def test_two_keys_can_be_exchanged(tmp_path: Path) -> None:
    assert not read(tmp_path, 'browse:\n  filter: n\n  scan: "/"\n').problems


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("brows:\n  filter: f\n", 1, "Did you mean browse?"),
        ("browse:\n\n  filtr: f\n", 3, "Did you mean filter?"),
        ("browse:\n  filter: gg\n", 2, '"gg" is not a key'),
        ("browse:\n  filter:\n", 2, "no key is given"),
        ("browse:\n  filter: {a: b}\n", 2, "is not a key"),
        ("browse: f\n", 1, "a line for each action"),
        ("browse:\n  filter: n\n", 2, "n is a key of browse, scan on the same screen"),
        ("browse:\n  filter: s\n", 2, "s is a key of neurons, sort on the same screen"),
        ("neurons:\n  sort: q\n", 2, "q is a key of browse, back"),
        ("browse:\n  filter: f\n  probe: f\n", 3, "f is a key of browse, filter"),
        ("browse:\n  filter: n x\n", 2, "begins with n, which is a key of browse, scan"),
        ("browse:\n  filter: f x\n  probe: f\n", 3, "f begins the chord f x of browse, filter"),
        ("browse:\n  filter: [f, f x]\n", 2, "f begins the chord f x"),
    ],
)
def test_a_wrong_line_is_named_and_leaves_the_default(tmp_path: Path, text: str, line: int, words: str) -> None:
    own = read(tmp_path, text + "layers:\n  all_layers: home\n")
    assert [problem.line for problem in own.problems] == [line]
    assert words in own.problems[0].text
    assert own.keys[("layers", "all_layers")] == ("home",)
    at_fault = text.splitlines()[line - 1].split(":")[0].strip()
    assert all(action != at_fault for _, action in own.keys)


def test_a_line_that_another_has_given_up_its_key_for_falls_with_it(tmp_path: Path) -> None:
    own = read(tmp_path, "browse:\n  filter: n\n  scan: w\n")
    assert [problem.line for problem in own.problems] == [2, 3]
    assert not own.keys


def test_what_is_no_yaml_or_has_no_sections_is_an_error_with_its_place(tmp_path: Path) -> None:
    for text in ("browse: [", "- a\n", "browse:\n  filter: f\nbrowse:\n  probe: g\n"):
        with pytest.raises(ConfigError, match=r"keys\.yaml:"):
            read(tmp_path, text)


def test_the_command_writes_the_default_and_says_which_lines_are_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    path = tmp_path / "home" / "keys.yaml"
    assert main(["config", "keys"]) == 0
    assert capfd.readouterr().out == f"{path}\n"
    assert path.read_text(encoding="utf-8") == default_text()
    assert main(["config", "keys"]) == 2
    assert "already exists" in capfd.readouterr().err
    assert main(["config", "keys", "-"]) == 0
    assert capfd.readouterr().out == default_text()
    assert main(["config", "keys", "--check"]) == 0
    assert capfd.readouterr().out == f"{path}: ok, 0 actions with keys of your own\n"
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["config", "keys", str(tmp_path / "file" / "keys.yaml")]) == 2
    assert "cannot be written" in capfd.readouterr().err
    path.write_text("browse:\n  filter: f\n  probe: nothing\n", encoding="utf-8")
    assert main(["config", "keys", "--check"]) == 2
    assert capfd.readouterr().out.splitlines()[:1] == [f"{path}: 1 wrong line, 1 action with keys of your own"]
