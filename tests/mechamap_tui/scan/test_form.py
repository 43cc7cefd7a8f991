"""The form of a scan: checked while it is filled in, and always saying which command does the same."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from support.engine_double import EngineDouble
from support.waiting import until
from textual.pilot import Pilot
from textual.widgets import Input, Static

from mechamap.config.schema import default_config, with_overrides
from mechamap.errors import UsageError
from mechamap_tui.app import MechaMapApp
from mechamap_tui.data.form_fields import FIELDS
from mechamap_tui.jobs.draft import ScanDraft, sources_of
from mechamap_tui.scan.form import ScanFormScreen
from mechamap_tui.scan.screen import ScanScreen


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def form(pilot: Pilot[None], draft: ScanDraft) -> ScanFormScreen:
    app = pilot.app
    assert isinstance(app, MechaMapApp)
    app.explorer.open_form(draft)
    await until(pilot, lambda: isinstance(app.screen, ScanFormScreen) and app.screen.focused is not None)
    assert isinstance(app.screen, ScanFormScreen)
    return app.screen


def text_of(screen: ScanFormScreen, id: str) -> str:
    return str(screen.query_one(id, Static).render())


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_every_field_is_visible_and_enter_starts_the_scan(size: tuple[int, int]) -> None:
    app = MechaMapApp(engine=(engine := EngineDouble()))
    async with app.run_test(size=size) as pilot:
        screen = await form(pilot, ScanDraft(model="demo"))
        await pilot.pause()
        for field in FIELDS:
            region = screen.query_one(f"#field-{field.name}", Input).region
            assert region.height == 1 and region.width > 20 and region.bottom <= size[1]
        assert screen.query_one("#start").region.bottom <= size[1]
        await pilot.press(*["down"] * 6, *"0-1", "enter")
        await until(pilot, lambda: isinstance(app.screen, ScanScreen))
    assert engine.scans == [("demo", {"layers": "0-1"})]


async def test_the_command_follows_the_fields() -> None:
    app = MechaMapApp(engine=EngineDouble())
    async with app.run_test() as pilot:
        screen = await form(pilot, ScanDraft(model="demo"))
        await pilot.press(*["down"] * 6, *"0-1")
        await until(pilot, lambda: text_of(screen, "#command") == "$ mechamap scan demo --layers 0-1")


async def test_a_mistake_is_told_where_it_is_made_and_nothing_starts() -> None:
    app = MechaMapApp(engine=(engine := EngineDouble()))
    async with app.run_test() as pilot:
        screen = await form(pilot, ScanDraft(model="demo", threshold="much"))
        await pilot.press("enter")
        await until(pilot, lambda: "'much' is not a number" in text_of(screen, "#problem"))
        assert screen.focused is not None and screen.focused.id == "field-threshold"
        assert screen.query_one("#field-threshold").has_class("-wrong")
        assert isinstance(app.screen, ScanFormScreen)
    assert engine.scans == []


async def test_an_empty_form_does_not_start() -> None:
    app = MechaMapApp(engine=(engine := EngineDouble()))
    async with app.run_test() as pilot:
        screen = await form(pilot, ScanDraft())
        assert "wrong" not in screen.query_one("#problem").classes
        await pilot.press("enter")
        await until(pilot, lambda: "No model was named" in text_of(screen, "#problem"))
    assert engine.scans == []


async def test_what_was_filled_in_is_there_again() -> None:
    app = MechaMapApp(engine=EngineDouble())
    async with app.run_test() as pilot:
        await form(pilot, ScanDraft(model="demo"))
        await pilot.press(*["down"] * 6, *"0-1", "ctrl+g")
        await until(pilot, lambda: not isinstance(app.screen, ScanFormScreen))
        app.explorer.open_new_form()
        await until(pilot, lambda: isinstance(app.screen, ScanFormScreen))
        await pilot.pause()
        assert app.screen.query_one("#field-layers", Input).value == "0-1"


async def test_the_command_can_be_copied_and_it_is_said_where_to(home: Path) -> None:
    app = MechaMapApp(engine=EngineDouble())
    async with app.run_test() as pilot:
        await form(pilot, ScanDraft(model="demo"))
        await pilot.press("ctrl+y")
        await until(pilot, (home / "home" / "copied.txt").is_file)
    assert (home / "home" / "copied.txt").read_text().strip() == "mechamap scan demo"


def test_a_draft_says_what_changes_and_the_command_that_does_the_same(home: Path) -> None:
    (home / "my text.txt").write_text("The cat ate an apple.\n")
    (home / "c.yaml").write_text("threshold: 0.5\n")
    draft = ScanDraft(
        "demo", "c.yaml", "my text.txt", layers="0-1", limit_neurons="8", threshold="0.3", top_k_tokens="5",
        second_text="never", dtype="float32", device="cpu", revision="main",
    )  # fmt: skip
    assert draft.problems() == {}
    assert draft.changes() == {
        "texts": ["The cat ate an apple."],
        "layers": "0-1",
        "limit_neurons": 8,
        "threshold": 0.3,
        "top_k_tokens": 5,
        "second_text": "never",
        "dtype": "float32",
        "device": "cpu",
        "revision": "main",
    }
    assert shlex.split(draft.command()) == [
        "mechamap", "scan", "demo", "--config", "c.yaml", "--text", "my text.txt", "--layers", "0-1",
        "--limit-neurons", "8", "--threshold", "0.3", "--top-k-tokens", "5", "--second-text", "never",
        "--dtype", "float32", "--device", "cpu", "--revision", "main",
    ]  # fmt: skip


def test_a_corpus_is_read_in_place_of_the_text_with_what_the_config_file_has_of_it(home: Path) -> None:
    (home / "tales.jsonl").write_text('{"story": "The cat ate an apple."}\n')
    (home / "more tales").mkdir()
    (home / "c.yaml").write_text("corpus: {sources: [other.jsonl], contexts: 4}\n")
    draft = ScanDraft("demo", config="c.yaml", corpus="tales.jsonl 'more tales' hf:a/b", field="story", max_tokens="90")
    assert draft.problems() == {}
    corpus = draft.changes()["corpus"]
    assert isinstance(corpus, dict)
    assert corpus["sources"] == [str(home / "tales.jsonl"), str(home / "more tales"), "hf:a/b"]
    assert (corpus["field"], corpus["max_tokens"], corpus["contexts"]) == ("story", 90, 4)
    assert with_overrides(default_config(), corpus=corpus).corpus is not None
    assert shlex.split(draft.command()) == [
        "mechamap", "scan", "demo", "--config", "c.yaml", "--corpus", "tales.jsonl", "--corpus", "more tales",
        "--corpus", "hf:a/b", "--field", "story", "--max-tokens", "90",
    ]  # fmt: skip
    alone = ScanDraft("demo", corpus="more tales")
    assert sources_of(alone.corpus) == [str(home / "more tales")], "a path with a space that is there"
    of_config = ScanDraft("demo", config="c.yaml", max_tokens="90").changes()["corpus"]
    assert isinstance(of_config, dict)
    assert (of_config["sources"], of_config["max_tokens"]) == ([str(home / "other.jsonl")], 90)
    assert "corpus" not in ScanDraft("demo", config="c.yaml").changes(), "the file's own is read by the engine"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"text": "t.txt", "corpus": "t.txt"}, "both are given"),
        ({"text": "t.txt", "config": "c.yaml"}, "both are given"),
        ({"max_tokens": "90"}, "Max tokens is about a corpus, and none is given"),
        ({"field": "story"}, "Text member is about a corpus, and none is given"),
    ],
)
def test_what_does_not_go_with_a_corpus_is_told(home: Path, fields: dict[str, str], told: str) -> None:
    (home / "t.txt").write_text("The cat ate an apple.")
    (home / "c.yaml").write_text("corpus: [t.txt]\n")
    with pytest.raises(UsageError, match=told):
        ScanDraft("demo", **fields).changes()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("corpus", "tales.jsnl", "does not exist"),
        ("corpus", "'tales", "does not exist"),
        ("corpus", "owner/name", "hf:owner/name"),
        ("corpus", "c.pdf", "of a kind that is not read"),
        ("max_tokens", "0", "at least 1"),
        ("max_tokens", "1e6", "not a whole number"),
        ("model", "./nowhere", "No such file or folder"),
        ("config", "none.yaml", "no such file"),
        ("text", "none.txt", "does not exist"),
        ("layers", "5-", "5-"),
        ("limit_neurons", "0", "at least 1"),
        ("limit_neurons", "1.5", "not a whole number"),
        ("threshold", "nan", "finite"),
        ("top_k_tokens", "x", "not a whole number"),
        ("dtype", "float31", "float32"),
        ("device", "gpu", "cuda"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(home: Path, field: str, value: str, told: str) -> None:
    (home / "c.pdf").write_bytes(b"%PDF-1.4")
    draft = ScanDraft(model="demo").with_field(field, value)
    assert list(draft.problems()) == [field]
    assert told in draft.problems()[field]
