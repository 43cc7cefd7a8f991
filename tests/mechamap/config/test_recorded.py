"""The config that a run's record holds."""

from __future__ import annotations

import json

import pytest

from mechamap.config.recorded import recorded_config
from mechamap.config.scan_config import config_to_dict
from mechamap.config.schema import config_from_dict, default_config


def test_a_config_is_the_same_when_it_is_read_again() -> None:
    config = config_from_dict({"texts": ["One."], "device_map": {"": "cpu"}, "neurons": ["a.{layer}.b"]})
    assert recorded_config(json.loads(json.dumps(config_to_dict(config)))) == config


def test_a_record_may_hold_none() -> None:
    assert recorded_config({}) is None


def test_keys_that_are_missing_take_the_default_and_unknown_ones_are_passed_over() -> None:
    config = recorded_config({"texts": ["One."], "threshold": 1, "of a newer version": True})
    assert config == config_from_dict({"texts": ["One."], "threshold": 1})
    assert config is not None and config.categories == default_config().categories


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("threshold", "high", "config.threshold is 'high'; expected a number"),
        ("texts", "One.", "config.texts is 'One.'; expected a list"),
        ("pooling", "first", "config.pooling is 'first'; expected last or mean or max"),
        ("categories", {"food": ["apple"]}, "config.categories does not give the words of each category"),
        ("categories", {"food": {"words": [1]}}, r"config.categories\[0\].words\[0\] is 1; expected a text"),
    ],
)
def test_a_member_of_another_type_is_named(member: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        recorded_config(config_to_dict(default_config()) | {member: value})


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(ValueError, match="config is not an object"):
        recorded_config([])
