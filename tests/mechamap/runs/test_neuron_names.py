"""What a neuron is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechamap.errors import UsageError
from mechamap.runs.neuron_names import NeuronName, parse_neuron


@pytest.mark.parametrize(
    "text", ["L7.N1844", "l7n1844", "7.1844", "7,1844", "7:1844", "7/1844", "L7 N1844", " L7.N1844 "]
)
def test_a_name_is_read_however_it_is_typed(text: str) -> None:
    assert parse_neuron(text) == NeuronName(7, 1844)


def test_an_experts_neuron_says_its_expert() -> None:
    assert str(parse_neuron("l7e3n12")) == "L7.E3.N12"
    assert parse_neuron("L7.E0.N12") != parse_neuron("L7.N12")


@pytest.mark.parametrize(
    "text", ["", "7", "71844", "L7", "N1844", "L7.N", "L-1.N2", "L7.N1844.N2", "L1.5.N2.3", "apple", "L7.E.N1"]
)
def test_what_is_no_name_says_how_one_looks(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_neuron(text)
    assert "L7.N1844" in caught.value.hint


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(-1, 10**4))
def test_every_name_is_read_back(layer: int, index: int, expert: int) -> None:
    name = NeuronName(layer, index, expert)
    assert parse_neuron(str(name)) == name


def test_names_sort_by_layer_then_number() -> None:
    names = [parse_neuron(text) for text in ("2.1", "0.10", "0.9", "1.0")]
    assert [str(name) for name in sorted(names)] == ["L0.N9", "L0.N10", "L1.N0", "L2.N1"]
