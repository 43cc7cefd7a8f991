"""Neurons asked about a sentence, against hooks of plain PyTorch: the same numbers, bit for bit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support.by_name import load_model
from support.hooks import hooks_left
from support.scanned_models import Scanned, plain_layers
from support.tiny_encoders import save_tiny

from mechamap.config.schema import default_config
from mechamap.errors import Cancelled, UsageError
from mechamap.probe.sentence import Wanted, probe_sentence
from mechamap.probe.subject import Subject
from mechamap.runs.neuron_names import NeuronName, parse_neuron

SENTENCE = "A bird and a dog went to London by train."


@pytest.mark.parametrize("model_type", ["gpt2", "llama", "gemma2", "opt"])
def test_values_are_those_of_a_plain_hook(scanned: Callable[..., Scanned], model_type: str) -> None:
    subject = scanned(model_type).subject
    prompt = subject.read(SENTENCE)
    names = (NeuronName(0, 3), NeuronName(2, 79), NeuronName(0, 0))
    probed = probe_sentence(subject, prompt, Wanted(names))
    plain = plain_layers(subject.loaded, prompt.tokenized.ids)
    for name, answer in zip(names, probed.neurons, strict=True):
        assert answer.neuron == str(name)
        assert list(answer.values) == plain[name.layer][:, name.index].tolist()
        assert not answer.not_routed
    assert hooks_left(subject.loaded.model) == 0


@pytest.mark.parametrize("model_type", ["qwen2_moe", "mixtral"])
def test_an_experts_neuron_reads_what_the_expert_computes_and_zero_elsewhere(
    scanned: Callable[..., Scanned], model_type: str
) -> None:
    subject = scanned(model_type).subject
    prompt = subject.read(SENTENCE)
    layer = next(layer for layer in subject.loaded.layers if layer.experts)
    routed = next(part for part in layer.parts if part.experts)
    ids = torch.from_numpy(prompt.tokenized.ids.astype(np.int64))[None]
    given: list[tuple[torch.Tensor, ...]] = []
    handle = routed.module.register_forward_pre_hook(lambda _module, args: given.append(args))
    with torch.no_grad():
        subject.loaded.model(input_ids=ids)
    handle.remove()
    hidden, index = given[0][0].reshape(ids.shape[1], -1), given[0][1].reshape(ids.shape[1], -1)
    for expert in range(4):
        name = NeuronName(layer.layer, 5, expert)
        answer = probe_sentence(subject, prompt, Wanted((name,))).neurons[0]
        chosen = (index == expert).any(dim=1)
        assert answer.not_routed == tuple(torch.nonzero(~chosen)[:, 0].tolist())
        with torch.no_grad():
            gate, up = (hidden[chosen] @ routed.module.gate_up_proj[expert].T).chunk(2, dim=-1)
            values = torch.zeros(ids.shape[1])
            values[chosen] = (torch.nn.functional.silu(gate) * up)[:, 5]
        assert np.allclose(np.array(answer.values), values.numpy(), rtol=1e-5, atol=1e-6)


def test_all_neurons_of_a_token_and_the_next_tokens_come_from_the_same_pass(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("llama").subject
    prompt = subject.read(SENTENCE)
    neurons = subject.run.neurons
    probed = probe_sentence(subject, prompt, Wanted((NeuronName(1, 2),), position=4, outliers=neurons, next=6))
    plain = plain_layers(subject.loaded, prompt.tokenized.ids)
    assert probed.outliers is not None
    assert probed.position == probed.outliers.position == 4
    assert len(probed.outliers.neurons) == neurons == probed.outliers.searched
    for outlier in probed.outliers.neurons:
        name = parse_neuron(outlier.neuron)
        assert outlier.value == plain[name.layer][4, name.index]
    with torch.no_grad():
        logits = subject.loaded.model(input_ids=torch.from_numpy(prompt.tokenized.ids.astype(np.int64))[None]).logits
    top = torch.softmax(logits[0, 4].float(), dim=0).topk(6)
    assert [token.id for token in probed.next] == top.indices.tolist()
    assert [token.probability for token in probed.next] == pytest.approx(top.values.tolist(), rel=1e-5)


def test_next_tokens_that_are_parts_of_characters_are_told_apart(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("llama").subject
    vocabulary = len(subject.loaded.tokenizer)
    probed = probe_sentence(subject, subject.read("The cat"), Wanted(next=vocabulary))
    names = {token.id: token.token for token in probed.next}
    assert len(set(names.values())) == vocabulary
    decode = subject.loaded.tokenizer.decode
    for id, name in names.items():
        assert name == decode([id]) if "\ufffd" not in decode([id]) else name.startswith("<")
    backend = subject.loaded.tokenizer("é").input_ids
    assert [names[id] for id in backend[-2:]] == ["<C3>", "<A9>"]


def test_a_model_alone_gives_values_and_no_percentiles(scanned: Callable[..., Scanned]) -> None:
    loaded = scanned("gpt2").loaded
    subject = Subject(loaded, default_config())
    prompt = subject.read(SENTENCE)
    probed = probe_sentence(subject, prompt, Wanted((NeuronName(1, 1),), next=2))
    assert probed.neurons[0].percentiles == ()
    assert probed.reference == ""
    assert len(probed.next) == 2
    with pytest.raises(UsageError, match="told by a run"):
        probe_sentence(subject, prompt, Wanted(outliers=3))


def test_neurons_that_a_run_left_out_have_values_and_no_percentiles(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("gpt2", layers="0-1", limit_neurons=10).subject
    prompt = subject.read(SENTENCE)
    probed = probe_sentence(subject, prompt, Wanted((NeuronName(2, 1), NeuronName(0, 9), NeuronName(0, 10))))
    assert [bool(answer.percentiles) for answer in probed.neurons] == [False, True, False]
    assert "L2.N1 is not in the run: no percentiles." in probed.notes
    outliers = probe_sentence(subject, prompt, Wanted(position=3, outliers=100)).outliers
    assert outliers is not None
    assert outliers.searched == 20
    plain = plain_layers(subject.loaded, prompt.tokenized.ids)
    for outlier in outliers.neurons:
        name = parse_neuron(outlier.neuron)
        assert outlier.value == plain[name.layer][3, name.index]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (NeuronName(3, 0), "has layers 0 to 2"),
        (NeuronName(1, 80), "layer 1 has neurons N0 to N79"),
        (NeuronName(1, 5, 2), r"L1\.E2\.N5 does not exist"),
    ],
)
def test_a_neuron_that_does_not_exist_is_refused(scanned: Callable[..., Scanned], name: NeuronName, said: str) -> None:
    subject = scanned("gpt2").subject
    with pytest.raises(UsageError, match=said):
        probe_sentence(subject, subject.read(SENTENCE), Wanted((name,)))


def test_an_encoder_says_that_it_predicts_no_next_token(tmp_path: Path) -> None:
    loaded = load_model(save_tiny(tmp_path / "bert", "bert", "AutoModelForMaskedLM"), device="cpu")
    subject = Subject(loaded, default_config())
    prompt = subject.read("The cat sat on the mat.")
    probed = probe_sentence(subject, prompt, Wanted((NeuronName(1, 1),), next=3))
    assert probed.next == ()
    assert any("is an encoder" in note and "predicts no next token" in note for note in probed.notes)
    assert list(probed.neurons[0].values) == plain_layers(loaded, prompt.tokenized.ids)[1][:, 1].tolist()


@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_both_sides_of_an_encoder_decoder_read_the_sentence(tmp_path: Path, side: str) -> None:
    loaded = load_model(save_tiny(tmp_path / "t5", "t5", "AutoModelForSeq2SeqLM"), device="cpu")
    subject = Subject(loaded, default_config())
    prompt = subject.read("The cat sat on the mat.")
    layer = next(layer for layer in loaded.layers if layer.side == side)
    probed = probe_sentence(subject, prompt, Wanted((NeuronName(layer.layer, 4),), next=3))
    assert probed.next == ()
    assert any("has an encoder" in note for note in probed.notes)
    ids = torch.from_numpy(prompt.tokenized.ids.astype(np.int64))[None]
    start = torch.full((1, 1), loaded.model.config.decoder_start_token_id or 0)
    seen: list[torch.Tensor] = []
    handle = layer.module.register_forward_pre_hook(lambda _module, args: seen.append(args[0][0]))
    with torch.no_grad():
        loaded.model(input_ids=ids, decoder_input_ids=torch.cat([start, ids], dim=1))
    handle.remove()
    plain = seen[0][1:] if side == "decoder" else seen[0]  # the decoder reads a start token first
    assert list(probed.neurons[0].values) == plain[:, 4].tolist()


def test_of_a_limited_scan_of_experts_those_that_it_has_are_searched(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("qwen2_moe", limit_neurons=6).subject
    prompt = subject.read(SENTENCE)
    outliers = probe_sentence(subject, prompt, Wanted(position=5, outliers=10_000)).outliers
    assert outliers is not None
    assert outliers.searched == subject.run.neurons
    names = tuple(parse_neuron(outlier.neuron) for outlier in outliers.neurons)
    answers = probe_sentence(subject, prompt, Wanted(names)).neurons
    assert [answer.values[5] for answer in answers] == [outlier.value for outlier in outliers.neurons]


def test_it_can_be_cancelled(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("gpt2").subject
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        probe_sentence(subject, subject.read(SENTENCE), Wanted((NeuronName(2, 1),)), cancel)
    assert hooks_left(subject.loaded.model) == 0
