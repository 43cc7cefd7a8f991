"""Settings written as YAML to read and edit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from mechamap.config.yaml_reading import EXPONENT, TAG

__all__ = ["dump"]


class _Flow(list[str]):
    """A list to be written as [a, b, c]."""


class _Dumper(yaml.SafeDumper):
    """Word lists in brackets, long texts as blocks."""


_Dumper.add_representer(_Flow, lambda dumper, data: dumper.represent_sequence(TAG + "seq", data, flow_style=True))


_OTHER_BREAKS = "\x85\u2028\u2029"


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    if any(break_ in text for break_ in _OTHER_BREAKS):  # YAML reads them back as spaces unless they are escaped
        style = '"'
    if EXPONENT.fullmatch(text):  # text to YAML 1.1, a number to _scalar
        style = "'"
    return dumper.represent_scalar(TAG + "str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def dump(data: Mapping[str, Any]) -> str:
    """``data`` (as ``config_to_dict`` gives it) as YAML to read and edit."""
    categories = {
        name: {key: _Flow(words) for key, words in entry.items()} for name, entry in data["categories"].items()
    }
    contrast = "matched" if data["contrast"] is None else _Flow(data["contrast"])
    text: str = yaml.dump(
        {**data, "categories": categories, "contrast": contrast},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return text
