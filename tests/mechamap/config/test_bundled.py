"""The bundled configs: found by their names, and each with words that stand in its own text and carriers of its own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import mechamap as mm
from mechamap.config.bundled import bundled_names, config_path
from mechamap.config.schema import configs_folder, default_config, load_config
from scripts.write_config_docs import domains

DOMAINS = [name for name in domains() if name != "default"]


def test_a_name_without_a_suffix_is_a_bundled_config_unless_there_is_such_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert config_path("finance") == configs_folder() / "finance.yaml"
    assert config_path("my.yaml") == Path("my.yaml")
    assert config_path("some/finance") == Path("some/finance")
    assert config_path("nothing") == Path("nothing")
    (tmp_path / "finance").write_text("threshold: 0.5\n", encoding="utf-8")
    assert load_config(config_path("finance")).threshold == 0.5


def test_all_domains_are_there() -> None:
    asked = {"finance", "chemistry", "code", "law", "medicine", "sports", "parts_of_speech", "sentiment", "abstract"}
    assert asked == set(DOMAINS) and asked < set(bundled_names())


@pytest.mark.parametrize("name", DOMAINS)
def test_a_domain_has_words_for_every_check_and_a_text_and_carriers_of_its_own(name: str) -> None:
    config, default = load_config(config_path(name)), default_config()
    assert len(config.templates) >= 6 and not set(config.templates) & set(default.templates)
    assert len(config.texts) >= 6 and not set(config.texts) & set(default.texts)
    assert len(config.categories) >= 4
    counts = Counter(word for category in config.categories for word in category.words)
    for category in config.categories:
        assert len(category.words) >= (10 if name == "parts_of_speech" else 15), category.name
        assert category.others and len(category.near) >= 10, category.name
        shared = [word for word in category.words if counts[word] > 1]
        assert not shared, f"{shared} are in several categories"


@pytest.mark.parametrize("name", DOMAINS)
def test_a_domain_is_scanned_and_every_word_is_found_in_its_text(name: str, tmp_path: Path) -> None:
    few = {"layers": "0", "limit_neurons": 4, "second_text": "never", "keep_activations": "never"}
    run = mm.scan("demo", config=name, out=tmp_path / "run", progress=False, **few)
    coverage = run.data.record.coverage
    assert {category: found.not_found for category, found in coverage.items() if found.not_found} == {}
    assert all(found.occurrences >= 11 for found in coverage.values())
    assert len(run) == 4 and run.categories == tuple(coverage)
