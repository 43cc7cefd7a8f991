"""Neurons are changed as a plain PyTorch hook changes them, each row of a batch in its own way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest
import torch
from support.by_name import load_model
from support.hooks import hooks_left
from support.plain_steering import plain_log_p, plain_text, plainly_steered, plainly_steered_expert

from mechamap.config.schema import default_config
from mechamap.errors import UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.protocol.steering import Where
from mechamap.runs.neuron_names import parse_neuron
from mechamap.steering.generation import Sampling, generated
from mechamap.steering.hooks import NeuronChange, Reach
from mechamap.steering.next_token import Changes, Wanted, predictions
from mechamap.steering.prompt import Prompt, read_prompt

TEXT = "The cat sat on the mat and ate an apple"
Load = Callable[[str], LoadedModel]


@pytest.fixture(autouse=True)
def last_position_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is predicted is not averaged over positions."""
    monkeypatch.setattr("mechamap.steering.next_token.POSITIONS", 1)


@pytest.fixture(scope="module")
def load(tiny_models: Callable[..., Path]) -> Load:
    @cache
    def loaded(model_type: str) -> LoadedModel:
        return load_model(str(tiny_models(model_type)), device="cpu", dtype="float32")

    return loaded


def change(name: str, value: float, *, adds: bool = True) -> NeuronChange:
    return NeuronChange(parse_neuron(name), value, adds)


def all_log_p(loaded: LoadedModel, prompt: Prompt, rows: Sequence[Changes], where: Where) -> torch.Tensor:
    """Log probabilities of all tokens, ``[rows, vocabulary]``."""
    every = torch.arange(loaded.model.get_output_embeddings().weight.shape[0])
    predicted = predictions(loaded, prompt, rows, prompt.reach(where), Wanted(every))
    return predicted.shifts.float() + plain_log_p(loaded, prompt.ids)


def positions(reach: Reach) -> slice:
    return slice(reach.first, reach.end)


ROWS: list[Changes] = [
    [change("L0.N3", 5.0)],
    [],
    [change("L1.N40", -7.0, adds=False)],
    [change("L0.N3", 2.0), change("L0.N4", -3.0, adds=False), change("L2.N7", 9.0)],
    [change("L2.N7", 0.0, adds=False)],
]


@pytest.mark.parametrize("where", ["all", "last", 4])
@pytest.mark.parametrize("model_type", ["gpt2", "llama", "gemma2"])
def test_each_row_is_what_plain_hooks_make_of_it(load: Load, model_type: str, where: Where) -> None:
    loaded = load(model_type)
    prompt = read_prompt(loaded, default_config(), TEXT)
    together = all_log_p(loaded, prompt, ROWS, where)
    for row, changes in enumerate(ROWS):
        with plainly_steered(loaded, changes, positions(prompt.reach(where))):
            alone = plain_log_p(loaded, prompt.ids)
        torch.testing.assert_close(together[row], alone, atol=2e-4, rtol=1e-4)
    untouched = plain_log_p(loaded, prompt.ids)
    assert all((together[row] - untouched).abs().max() > 1e-3 for row in (0, 2, 3))
    assert hooks_left(loaded.model) == 0


@pytest.mark.parametrize("adds", [True, False])
@pytest.mark.parametrize("where", ["all", 6])
def test_an_experts_neuron_is_changed_where_tokens_are_routed_to_it(load: Load, where: Where, adds: bool) -> None:
    loaded = load("qwen2_moe")
    prompt = read_prompt(loaded, default_config(), TEXT)
    rows = [[change(f"L1.E{expert}.N5", 20.0, adds=adds)] for expert in range(4)]
    together = all_log_p(loaded, prompt, rows, where)
    moved = 0
    for row, (only,) in enumerate(rows):
        with plainly_steered_expert(loaded, only, positions(prompt.reach(where))):
            alone = plain_log_p(loaded, prompt.ids)
        torch.testing.assert_close(together[row], alone, atol=2e-4, rtol=1e-4)
        moved += int((alone - plain_log_p(loaded, prompt.ids)).abs().max() > 1e-3)
    assert moved >= 2  # of the experts, some are routed to


def test_a_shared_experts_neuron_is_changed_at_every_token(load: Load) -> None:
    loaded = load("qwen2_moe")
    prompt = read_prompt(loaded, default_config(), TEXT)
    together = all_log_p(loaded, prompt, [[change("L1.N5", 8.0)]], "all")
    with plainly_steered(loaded, [change("L1.N5", 8.0)], positions(prompt.reach("all"))):
        torch.testing.assert_close(together[0], plain_log_p(loaded, prompt.ids), atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("where", ["all", "last", 4])
@pytest.mark.parametrize("model_type", ["gpt2", "llama"])
def test_text_is_what_reading_all_of_it_again_for_each_token_gives(load: Load, model_type: str, where: Where) -> None:
    loaded = load(model_type)
    prompt = read_prompt(loaded, default_config(), TEXT)
    reach = prompt.reach(where)
    rows = [*ROWS, [change("L1.N2", 30.0)]]
    texts = generated(loaded, prompt, rows, reach, Sampling(8))
    for row, changes in enumerate(rows):
        with plainly_steered(loaded, changes, positions(reach)):
            alone = plain_text(loaded, prompt.ids, 8)
        assert texts[row] == alone[: len(texts[row])]
        assert len(texts[row]) == 8 or alone[len(texts[row])] == loaded.tokenizer.eos_token_id
    assert len({tuple(text) for text in texts}) > 1


def test_rows_in_batches_of_one_are_the_same(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load("llama")
    prompt = read_prompt(loaded, default_config(), TEXT)
    together = all_log_p(loaded, prompt, ROWS, "all")
    monkeypatch.setattr("mechamap.steering.next_token.batch_tokens", lambda device: 1)
    torch.testing.assert_close(all_log_p(loaded, prompt, ROWS, "all"), together, atol=1e-4, rtol=1e-4)


def test_samples_are_drawn_with_the_same_noise_in_every_row(load: Load) -> None:
    loaded = load("gpt2")
    prompt = read_prompt(loaded, default_config(), TEXT)
    rows: list[Changes] = [[], [change("L1.N2", 0.0)], [change("L1.N2", 40.0)]]
    texts = generated(loaded, prompt, rows, prompt.reach("all"), Sampling(12, 1.0, 3))
    assert texts[0] == texts[1] != texts[2]
    assert generated(loaded, prompt, rows, prompt.reach("all"), Sampling(12, 1.0, 3)) == texts
    assert generated(loaded, prompt, rows, prompt.reach("all"), Sampling(12, 1.0, 4))[0] != texts[0]


def test_a_neuron_that_the_model_lacks_is_named(load: Load) -> None:
    loaded = load("gpt2")
    prompt = read_prompt(loaded, default_config(), TEXT)
    for name, message in (("L1.N99999", "L1.N99999 does not exist"), ("L9.N0", "Layer 9 does not exist")):
        with pytest.raises(UsageError, match=message):
            predictions(loaded, prompt, [[change(name, 1.0)]], prompt.reach("all"), Wanted(torch.arange(3)))
        assert hooks_left(loaded.model) == 0
