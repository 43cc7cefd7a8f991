"""What ``mechamap doctor`` says of a machine, also of one on which little works."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from support.repository import ROOT

from mechamap.cli.doctor_facts import EXTRAS, facts


def test_every_extra_is_known_with_its_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = {
        extra: {package.partition(">")[0] for package in packages}
        for extra, packages in project["optional-dependencies"].items()
        if extra != "dev"
    }
    assert {extra: set(packages) for extra, (packages, _) in EXTRAS.items()} == listed


def test_what_is_missing_is_named_with_what_it_would_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "parquet", (("pyarrow", "no-such-package"), "writes Parquet"))
    assert dict(facts())["[parquet]"] == "without no-such-package; pip install 'mechamap[parquet]' writes Parquet"


def test_a_fact_that_cannot_be_told_keeps_no_other_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", "no\N{GREEK SMALL LETTER MU}where")
    (tmp_path / "runs").write_text("a file in the place of a folder", encoding="utf-8")
    monkeypatch.setattr("mechamap.config.schema.configs_folder", lambda: 1 / 0)
    told = dict(facts())
    assert told["configs"].startswith("cannot be told: ZeroDivisionError")
    assert str(tmp_path) in told["runs"]
    assert told["cached models"] == "none"


def test_secrets_of_the_environment_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("MECHAMAP_LOG", "debug")
    told = dict(facts())
    assert "MECHAMAP_LOG=debug" in told["environment"]
    assert not any("secret" in fact for fact in told.values())
