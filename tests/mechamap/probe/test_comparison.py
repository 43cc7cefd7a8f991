"""Two sentences position by position: differences in units of each neuron, and what stands opposite what."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support.scanned_models import Scanned, plain_layers

from mechamap.config.schema import default_config
from mechamap.errors import TextError, UsageError
from mechamap.probe.alignment import aligned
from mechamap.probe.comparison import compare_prompts
from mechamap.probe.subject import Subject
from mechamap.runs.neuron_names import parse_neuron


def test_texts_of_one_length_stand_opposite_position_by_position() -> None:
    alignment = aligned([5, 1, 2, 3], [5, 9, 2, 2])
    assert alignment.by_position
    assert alignment.pairs == ((0, 0), (1, 1), (2, 2), (3, 3))


def test_of_others_equal_stretches_and_replacements_of_one_length_stand_opposite() -> None:
    alignment = aligned([0, 1, 2, 3, 4, 5], [0, 1, 8, 3, 4, 6, 7, 5])
    assert not alignment.by_position
    assert alignment.pairs == ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 7))
    assert aligned([1, 2], [3, 4, 5]).pairs == ()


@pytest.mark.parametrize(("model_type", "steps"), [("gpt2", None), ("llama", 200)])
def test_neurons_that_move_most_are_those_of_plain_hooks(
    scanned: Callable[..., Scanned], monkeypatch: pytest.MonkeyPatch, model_type: str, steps: int | None
) -> None:
    if steps is not None:  # a pair at a time
        monkeypatch.setattr("mechamap.probe.comparison._VALUES_AT_ONCE", steps)
    subject = scanned(model_type).subject
    prompts = subject.read("The cat went to Paris by train."), subject.read("The dog went to Paris by train.")
    asked = ("L1.N4", "L2.N0")
    moves = compare_prompts(subject, prompts, asked, count=15)
    ids = [prompt.tokenized.ids for prompt in prompts]
    assert len(ids[0]) == len(ids[1])
    one, other = (plain_layers(subject.loaded, tokens) for tokens in ids)
    layers = sorted(one)
    difference = np.concatenate([other[layer] - one[layer] for layer in layers], axis=1) / subject.reference.std
    pairs = [first for first, _ in moves.pairs]
    assert moves.pairs == tuple((place, place) for place in range(1, len(ids[0])))  # the BOS is left out
    sizes = np.abs(difference[pairs]).max(axis=0)
    order = np.argsort(-sizes, kind="stable")[:15]
    assert [subject.run.row_of(moved.neuron) for moved in moves.neurons] == order.tolist()
    for moved in moves.neurons:
        name, place = parse_neuron(moved.neuron), moves.pairs[moved.pair][0]
        assert moved.first == pytest.approx(one[name.layer][place, name.index], abs=1e-6)
        assert moved.second == pytest.approx(other[name.layer][place, name.index], abs=1e-6)
        assert moved.deviations == pytest.approx(difference[place, subject.run.row_of(moved.neuron)], rel=1e-4)
        assert moved.changed == (ids[0][place] != ids[1][place])
    for answer in moves.asked:
        row = subject.run.row_of(answer.neuron)
        assert np.allclose(answer.values, difference[pairs, row], rtol=1e-4, atol=1e-5)


def test_tokens_before_the_change_move_nothing_in_a_decoder(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("gpt2").subject
    first, second = "A dog and a horse went to Paris by train", "A dog and a mat went to Paris by the train"
    prompts = subject.read(first), subject.read(second)
    moves = compare_prompts(subject, prompts, ("L0.N1",))
    assert not moves.by_position
    first_changed = next(
        number for number, (one, other) in enumerate(moves.pairs)
        if prompts[0].tokenized.ids[one] != prompts[1].tokenized.ids[other]
    )  # fmt: skip
    assert np.allclose(moves.asked[0].values[:first_changed], 0, atol=1e-4)
    assert all(moved.pair >= first_changed for moved in moves.neurons)


def test_an_experts_neurons_are_compared_too(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("qwen2_moe").subject
    prompts = subject.read("The cat went to Paris."), subject.read("The dog went to Paris.")
    moves = compare_prompts(subject, prompts, ("L1.E2.N3",), count=subject.run.neurons)
    assert any(".E" in moved.neuron for moved in moves.neurons)
    assert len(moves.asked[0].values) == len(moves.pairs)


def test_texts_without_anything_in_common_are_refused(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("gpt2").subject
    with pytest.raises(TextError, match="stands opposite"):
        compare_prompts(subject, (subject.read("aaaa"), subject.read("The dog")))


def test_without_a_run_there_is_no_unit_to_compare_in(scanned: Callable[..., Scanned]) -> None:
    subject = Subject(scanned("gpt2").loaded, default_config())
    with pytest.raises(UsageError, match="a run of the model"):
        compare_prompts(subject, (subject.read("a"), subject.read("b")))
