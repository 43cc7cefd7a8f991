"""Errors keep what they know, wherever they are sent."""

from __future__ import annotations

import json
import pickle

import pytest

from mechamap.errors import ConfigError, MechaMapError, ModelError, QueryError, error_from_plain
from mechamap.wording.advice import Advice, Setting

ADVICE = Advice.of("Load it with {}.", Setting("dtype", "float32"))
ERRORS = (
    ModelError("It overflows.", ADVICE),
    ConfigError.at("x.yaml:3:1", "window is 3", "at least 8"),
    QueryError.at("fod > 1", 0, "unknown name 'fod'.", "Did you mean food?"),
)


def _known(error: MechaMapError) -> tuple[object, ...]:
    return type(error), error.message, error.hint, *(getattr(error, name) for name in error.fields)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_whole_from_another_process(error: MechaMapError) -> None:
    assert _known(error_from_plain(json.loads(json.dumps(error.to_plain())))) == _known(error)
    assert _known(pickle.loads(pickle.dumps(error))) == _known(error)


def test_the_hint_of_a_sent_error_is_text_as_well_for_whoever_knows_no_advice() -> None:
    plain = ERRORS[0].to_plain()
    assert plain["hint"] == "Load it with --dtype float32."
    assert str(error_from_plain(plain | {"advice": {"sentence": "{} {}", "parts": []}})) == str(ERRORS[0])
    assert str(error_from_plain({"kind": "Unheard", "message": "No."})) == "No."


def test_a_mistake_in_a_config_has_its_place_and_what_was_expected() -> None:
    error = ERRORS[1]
    assert isinstance(error, ConfigError)
    assert str(error) == "x.yaml:3:1: window is 3, expected at least 8"
    assert (error.where, error.found, error.expected) == ("x.yaml:3:1", "window is 3", "at least 8")


def test_a_mistake_in_a_filter_has_its_position() -> None:
    error = ERRORS[2]
    assert isinstance(error, QueryError)
    assert (error.position, error.problem) == (0, "unknown name 'fod'.")
    assert error.message == "fod > 1\n^ character 1: unknown name 'fod'."


def test_an_error_can_be_given_the_place_of_its_cause() -> None:
    placed = ERRORS[0].located("sweep.yaml:3:5")
    assert str(placed) == "sweep.yaml:3:5: It overflows.\nLoad it with --dtype float32."
    assert type(placed) is ModelError and ERRORS[0].message == "It overflows."
