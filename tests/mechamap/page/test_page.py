"""A page about neurons has what the run says of them: figures, checks, contexts, and how it was made."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from support.made_corpus_run import made_corpus_run
from support.recorded_run import checked_run, recorded_run

from mechamap.cli.main import build_parser
from mechamap.config.schema import config_from_dict
from mechamap.errors import UsageError
from mechamap.figures.findings import finding
from mechamap.page.activations import known_activations
from mechamap.page.composing import MOST, compose_page
from mechamap.page.content import Contexts
from mechamap.page.html import html_page
from mechamap.page.markdown import markdown_page
from mechamap.runs.kept.notes import Notes
from mechamap.runs.neuron_names import NeuronName, parse_neuron
from mechamap.runs.run import Run
from mechamap.tables.numbers import magnitude, probability

NEURON = parse_neuron("L3.N509")
OUT = Path("page.html")
HOSTILE = (
    "</title><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\x1b[31m\u202e",
    "`|[a](javascript:b)",
)


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def html_of(run: Run, *neurons: NeuronName, category: str | None = None) -> str:
    return html_page(compose_page(run, neurons, OUT, category))


def test_a_page_leads_with_the_finding_and_its_check(demo_run: Run) -> None:
    page = compose_page(demo_run, [NEURON], OUT, "food")
    known = finding(demo_run, demo_run.row_of(NEURON), "food")
    lead = " ".join(page.neurons[0].lead)
    assert lead.startswith(f"L3.N509 goes {'up' if known.reads > 0 else 'down'} on food")
    assert f"average precision {probability(float(demo_run.column('ap', 'food')[demo_run.row_of(NEURON)]))}" in lead
    assert "was not checked: among 2,560 neurons" in lead
    shown = "".join(Elements(html_page(page)).text)
    assert all(category in shown for category in demo_run.categories)


def test_a_confirmed_run_says_how_it_was_confirmed(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "run")
    text = markdown_page(compose_page(run, [parse_neuron("L1.N7")], OUT, "food"))
    assert "Confirmation:" in text and "Confirmed means p \\< 0.05" in text
    assert "mechamap confirm run --permutations" in text


def test_every_token_of_a_context_is_coloured_by_its_activation(demo_run: Run) -> None:
    row = demo_run.row_of(NEURON)
    known, whole = known_activations(demo_run, row)
    assert whole
    top = demo_run.top_tokens(row)[0]
    assert known[top.position] == pytest.approx(top.value, abs=2e-3)
    assert not {*known} & demo_run.excluded
    tokens = [attributes for tag, attributes in Elements(html_of(demo_run, NEURON)).tags if tag == "span"]
    full = [attributes for attributes in tokens if attributes.get("class") == "u6 here"]
    assert magnitude(known[top.position]) in {attributes["title"] for attributes in full}


def test_without_kept_activations_the_page_says_which_tokens_are_coloured(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    page = compose_page(run, [parse_neuron("L1.N7")], OUT)
    assert "keeps activations of the listed tokens alone" in html_page(page)


def test_the_commands_of_a_page_are_ones_and_its_config_is_the_runs(demo_run: Run) -> None:
    text = markdown_page(compose_page(demo_run, [NEURON, parse_neuron("L1.N5")], OUT))
    commands = re.search(r"```console\n(.*?)```", text, re.S)
    config = re.search(r"```yaml\n(.*?)```", text, re.S)
    assert commands is not None and config is not None
    lines = commands[1].splitlines()
    assert len(lines) >= 2 and lines[-1].endswith("--neuron L3.N509 --neuron L1.N5 --out page.html")
    for line in lines:
        assert build_parser().parse_args(shlex.split(line)[1:]).command in ("scan", "confirm", "ablate", "report")
    assert config_from_dict(yaml.safe_load(config[1])) == demo_run.config


def test_contexts_of_a_corpus_name_their_documents(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "corpus")
    page = compose_page(run, [parse_neuron("L0.N0")], OUT)
    written = html_page(page)
    assert run.document_names is not None
    names = {line.document for block in page.neurons[0].blocks if isinstance(block, Contexts) for line in block.lines}
    assert names and all(name in written for name in names)
    assert "Activations over the corpus" in written and "<svg" in written


def hostile_run(folder: Path) -> Run:
    run = recorded_run(folder)
    content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    content["tokens"]["pieces"] = [HOSTILE[place % len(HOSTILE)] for place in range(len(run.record.tokens.pieces))]
    content["model"]["id"] = content["model"]["label"] = HOSTILE[0]
    content["problems"] = [*HOSTILE]
    content["versions"] = {HOSTILE[1]: HOSTILE[0]}
    (folder / "run.json").write_text(json.dumps(content), encoding="utf-8")
    notes = Notes(folder)
    notes.write_note("L1.N7", "\n".join(HOSTILE))
    opened = Run.open(folder)
    return Run(replace(opened.record, categories=HOSTILE[:3]), None, folder)


def test_nothing_of_a_hostile_run_is_markup(tmp_path: Path) -> None:
    run = hostile_run(tmp_path / "run")
    page = html_of(run, parse_neuron("L1.N7"))
    elements = Elements(page)
    assert {tag for tag, _ in elements.tags}.isdisjoint(("script", "img", "iframe", "link", "object", "form", "base"))
    for tag, attributes in elements.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset")], tag
        assert (attributes.get("href") or "#").startswith("#")
    assert "default-src 'none'" in page and "\x1b" not in page and "\u202e" not in page
    told = unescape(page)
    assert "alert(1)" in told and r"\x1b[31m" in told  # shown, as text
    assert [tag for tag, _ in elements.tags].count("title") == 1 + page.count("<svg")


def test_nothing_of_a_hostile_run_is_markdown(tmp_path: Path) -> None:
    run = hostile_run(tmp_path / "run")
    text = markdown_page(compose_page(run, [parse_neuron("L1.N7")], OUT))
    prose = re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$", "", text)
    assert not re.search(r"(?<!\\)<(script|img)", prose) and "\x1b" not in text and "\u202e" not in text
    assert not re.search(r"(?<!\\)\]\(", prose)
    rows = [line for line in prose.splitlines() if line.startswith("| ")]
    assert len(rows) > 10
    assert all(line.endswith(" |") for line in rows)


def test_a_page_of_none_or_of_too_many_neurons_is_refused(demo_run: Run) -> None:
    with pytest.raises(UsageError, match="No neuron was named"):
        compose_page(demo_run, [], OUT)
    with pytest.raises(UsageError, match=f"at most {MOST}"):
        compose_page(demo_run, [NeuronName(0, index) for index in range(MOST + 1)], OUT)
    with pytest.raises(UsageError, match="fod"):
        compose_page(demo_run, [NEURON], OUT, "fod")
