"""Configs that would take down the process, or take for ever, are refused where they become too much."""

from __future__ import annotations

from pathlib import Path

import pytest

from mechamap.config import yaml_reading
from mechamap.config.schema import load_config
from mechamap.config.yaml_reading import from_yaml
from mechamap.errors import ConfigError

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("[" * 100_000, "1:21", "more than 20 lists and mappings inside one another"),
        ("{a: " * 100_000, "1:81", "more than 20 lists and mappings inside one another"),
        ("- " * 100_000, "1:41", "more than 20 lists and mappings inside one another"),
        ("? " * 50_000, "1:41", "more than 20 lists and mappings inside one another"),
        ("".join("  " * depth + "a:\n" for depth in range(2_000)), "21:41", "inside one another"),
        ("a: &a x\nb: [" + "*a, " * 100_000 + "]", "2:4005", "more than 1,000 aliases"),
        ("".join(f"k{number}: 1\n" for number in range(60_000)), "50000:9", "more than 100,000 values"),
    ],
)
def test_what_is_too_much_is_refused_at_its_place(text: str, place: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        from_yaml(text, "file.yaml")
    assert caught.value.where == f"file.yaml:{place}"


def test_aliases_that_multiply_are_read_once_each(tmp_path: Path) -> None:
    (tmp_path / "laughs.yaml").write_text(LAUGHS)
    with pytest.raises(ConfigError, match='unknown key "a"'):
        load_config(tmp_path / "laughs.yaml")
    (tmp_path / "texts.yaml").write_text(LAUGHS.replace("i: ", "texts: "))
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "texts.yaml")
    assert len(str(caught.value)) < 500


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reading, "_LARGEST", 2_000_000)
    (tmp_path / "large.yaml").write_text("#" * 3_000_000)
    with pytest.raises(ConfigError, match="more than 2 MB, expected a config of at most 2 MB"):
        load_config(tmp_path / "large.yaml")


@pytest.mark.parametrize("key", ["threshold", "texts", "layers", "categories", "templates", "device", "neurons"])
@pytest.mark.parametrize(
    "value", ["9" * 5_000, "0x" + "f" * 5_000, "'" + "x" * 50_000 + "'", "[" + "y, " * 5_000 + "]"]
)
def test_what_is_said_of_a_long_value_is_short(key: str, value: str, tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_text(f"{key}: {value}\n")
    try:
        load_config(tmp_path / "long.yaml")
    except ConfigError as error:
        assert len(str(error)) < 800 + len(str(tmp_path))
