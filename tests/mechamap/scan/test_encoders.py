"""Encoders and encoder-decoders, loaded, proved and scanned; checked against plain hooks on paths given here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from support.by_name import load_model, scan_request
from support.tiny_configs import D_MLP, N_LAYERS
from support.tiny_encoders import D_DECODER, N_DECODER, save_tiny

from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.checks.causes.ablation import ablate_run
from mechamap.checks.causes.attribution import estimate_causes
from mechamap.checks.confirm import confirm_run
from mechamap.checks.confirmation_pass import ConfirmSettings
from mechamap.checks.lens import neuron_lens
from mechamap.config.scan_config import Category, ScanConfig
from mechamap.config.schema import default_config
from mechamap.errors import UnsupportedModel
from mechamap.models.loaded import LoadedModel
from mechamap.models.proof import prove
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from mechamap.scan.with_checks import Checks, scan_and_check
from mechamap.text.tokenize import TokenizedText, tokenize

TEXTS = (
    "The cat sat on the mat and ate an apple. A dog and a horse went to Paris by train.",
    "A dog saw the cat eat bread.",  # shorter, so that its window is padded
    "The horse ate an apple on the train. The dog ran home and slept well, and so did the cat.",
)
CATEGORIES = (Category("animal", ("cat", "dog", "horse")), Category("food", ("apple", "bread")))
CONFIG = replace(
    default_config(), texts=TEXTS, categories=CATEGORIES, contrast=("train", "mat"), templates=("I saw {} there.",)
)


@dataclass(frozen=True)
class Side:
    """One side of a model: a path with ``{}`` for the block, how many blocks and neurons it has, where it begins."""

    path: str
    blocks: int = N_LAYERS
    width: int = D_MLP
    side: str = ""
    shift: int = 0


@dataclass(frozen=True)
class Model:
    """A type of model, by which class it is built, and its sides."""

    name: str
    auto: str
    sides: tuple[Side, ...]
    start: int = 0  # what its decoder reads first

    @property
    def layers(self) -> list[tuple[str, int]]:
        return [(side.side, side.width) for side in self.sides for _ in range(side.blocks)]


def encoder(name: str, path: str, auto: str = "AutoModel", **side: int) -> Model:
    return Model(name, auto, (Side(path, **side),))


def both(
    name: str, encoder: str, decoder: str, *, start: int, width: int = D_DECODER, blocks: int = N_DECODER
) -> Model:
    sides = Side(encoder, side="encoder"), Side(decoder, blocks, width, "decoder", 1)
    return Model(name, "AutoModelForSeq2SeqLM", sides, start)


BERT = "encoder.layer.{}.output.dense"
ENCODERS = (
    encoder("bert", BERT, "AutoModelForMaskedLM"),
    encoder("roberta", BERT, "AutoModelForMaskedLM"),
    encoder("xlm-roberta", BERT),
    encoder("electra", BERT),
    encoder("deberta-v2", BERT),
    encoder("mpnet", BERT),
    encoder("longformer", BERT),  # pads to a multiple of its window
    encoder("convbert", BERT),  # sees padding through its convolution
    encoder("fnet", BERT),  # has no mask
    encoder("distilbert", "transformer.layer.{}.ffn.lin2", "AutoModelForMaskedLM"),
    encoder("modernbert", "layers.{}.mlp.Wo", "AutoModelForMaskedLM"),
    encoder("flaubert", "ffns.{}.lin2", width=128),
    encoder("llama", "layers.{}.mlp.down_proj"),
    encoder("gemma3_text", "layers.{}.mlp.down_proj"),
    encoder("t5", "encoder.block.{}.layer.1.DenseReluDense.wo", "AutoModelForTextEncoding"),
)
ENCODER_DECODERS = (
    both("bart", "model.encoder.layers.{}.fc2", "model.decoder.layers.{}.fc2", start=2),
    both("mbart", "model.encoder.layers.{}.fc2", "model.decoder.layers.{}.fc2", start=-1),
    both("led", "led.encoder.layers.{}.fc2", "led.decoder.layers.{}.fc2", start=2),
    both(
        "t5",
        "encoder.block.{}.layer.1.DenseReluDense.wo",
        "decoder.block.{}.layer.2.DenseReluDense.wo",
        start=0,
        width=D_MLP,
    ),
    both(
        "prophetnet",
        "prophetnet.encoder.layers.{}.feed_forward.output",
        "prophetnet.decoder.layers.{}.feed_forward.output",
        start=2,
    ),
    both("encoder-decoder", f"encoder.{BERT}", f"decoder.bert.{BERT}", start=2),  # two models put together
    both(
        "t5gemma",
        "model.encoder.layers.{}.mlp.down_proj",
        "model.decoder.layers.{}.mlp.down_proj",
        start=0,
        width=D_MLP,
        blocks=N_LAYERS,
    ),
)
EVERY = ENCODERS + ENCODER_DECODERS


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Model], Path]:
    """The folder of a tiny random model; each is built once."""
    return cache(lambda model: save_tiny(tmp_path_factory.mktemp(model.name), model.name, model.auto))


@pytest.fixture(scope="module")
def load(folder_of: Callable[[Model], Path]) -> Callable[[Model], LoadedModel]:
    return cache(lambda model: load_model(str(folder_of(model)), device="cpu"))


@pytest.fixture(scope="module")
def run_of(load: Callable[[Model], LoadedModel], tmp_path_factory: pytest.TempPathFactory) -> Callable[[Model], Run]:
    """A scan of a tiny model that keeps its activations; each is made once."""

    def run(model: Model) -> Run:
        loaded = load(model)
        config = replace(CONFIG, keep_activations="always")
        return scan(scan_request(loaded.id, config, tmp_path_factory.mktemp("runs") / "run"), loaded=loaded)

    return cache(run)


def text_for(loaded: LoadedModel, config: ScanConfig = CONFIG) -> TokenizedText:
    return tokenize(config.texts, loaded.tokenizer, config, loaded.context, loaded.kind)


def plain(model: Model, folder: Path, ids: Sequence[int], windows: Sequence[tuple[int, int, int]]) -> list[NDArray]:
    """Each layer's ``[positions, neurons]``: the class of transformers itself, one window at a time, no padding."""
    auto = "AutoModelForSeq2SeqLM" if model.start or len(model.sides) > 1 else "AutoModel"
    if model.auto == "AutoModelForTextEncoding":
        auto = model.auto
    bare = getattr(transformers, auto).from_pretrained(folder).eval()
    found: dict[tuple[int, int], list[torch.Tensor]] = {}
    for number, side in enumerate(model.sides):
        for block in range(side.blocks):
            its = found[number, block] = []
            bare.get_submodule(side.path.format(block)).register_forward_pre_hook(
                lambda _module, args, its=its: its.append(args[0][0])
            )
    for _, start, length in windows:
        window = [int(token) for token in ids[start : start + length]]
        given = {"input_ids": torch.tensor([window])}
        if len(model.sides) > 1:
            first = window[-1] if model.start < 0 else model.start
            given["decoder_input_ids"] = torch.tensor([[first, *window]])
            given["attention_mask"] = torch.ones_like(given["input_ids"])  # T5Gemma guesses one by the padding's id
            given["decoder_attention_mask"] = torch.ones_like(given["decoder_input_ids"])
        with torch.no_grad():
            bare(**given)
        for (number, _), its in found.items():
            shift = model.sides[number].shift
            its[-1] = its[-1][shift : shift + length]
    return [torch.cat(its).numpy() for its in found.values()]


def every(models: Sequence[Model]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("model", models, ids=[f"{model.name}-{model.auto}" for model in models])


# --- what is captured -------------------------------------------------------------------------------------


@every(EVERY)
def test_every_layer_of_every_side_is_proved(model: Model, load: Callable[[Model], LoadedModel]) -> None:
    loaded = load(model)
    assert loaded.kind == ("encoder-decoder" if len(model.sides) > 1 else "encoder")
    assert [(layer.side, layer.width) for layer in loaded.layers] == model.layers
    assert [layer.layer for layer in loaded.layers] == list(range(len(model.layers)))
    proofs = prove(loaded)
    assert [proof.layer for proof in proofs] == list(range(len(model.layers)))
    assert all(proof.finite and proof.largest_error <= proof.tolerance for proof in proofs)


@every(EVERY)
def test_what_is_captured_is_what_plain_hooks_see(
    model: Model, load: Callable[[Model], LoadedModel], folder_of: Callable[[Model], Path]
) -> None:
    """In batches with padding, for every position, special tokens too; and so in forwards of one window."""
    loaded = load(model)
    text = text_for(loaded)
    assert len({window.length for window in text.windows}) > 1
    windows = [(window.text, window.start, window.length) for window in text.windows]
    expected = plain(model, folder_of(model), text.ids.tolist(), windows)
    for batch_tokens in (10_000, 1):
        seen: list[NDArray] = []
        capture_layers(
            loaded,
            text,
            loaded.layers,
            lambda layer, values, seen=seen: seen.append(values.clone().numpy()),
            PassSettings(batch_tokens=batch_tokens),
        )
        for its, bare in zip(seen, expected, strict=True):
            np.testing.assert_allclose(its, bare, rtol=1e-4, atol=1e-5 * np.abs(bare).max())


def test_layers_that_share_their_weights_are_layers_of_their_own(
    load: Callable[[Model], LoadedModel], folder_of: Callable[[Model], Path]
) -> None:
    """ALBERT runs one block three times: one set of neurons, and three activations of each."""
    path = "encoder.albert_layer_groups.0.albert_layers.0.ffn_output"
    model = encoder("albert", path)
    loaded = load(model)
    assert [(layer.layer, layer.path) for layer in loaded.layers] == [(0, path), (1, path), (2, path)]
    assert [proof.layer for proof in prove(loaded)] == [0, 1, 2]
    text = text_for(loaded)
    seen: list[NDArray] = []
    capture_layers(loaded, text, loaded.layers, lambda _layer, values: seen.append(values.clone().numpy()))
    bare = transformers.AutoModel.from_pretrained(folder_of(model)).eval()
    runs: list[torch.Tensor] = []
    bare.get_submodule(path).register_forward_pre_hook(lambda _module, args: runs.append(args[0][0]))
    window = text.windows[0]
    with torch.no_grad():
        bare(input_ids=torch.from_numpy(text.ids[: window.length].astype(np.int64))[None])
    assert len(runs) == 3
    for its, run in zip(seen, runs, strict=True):
        np.testing.assert_allclose(its[: window.length], run.numpy(), rtol=1e-4, atol=1e-5)
    assert np.abs(seen[0] - seen[1]).max() > 0.1


def test_a_model_whose_states_come_length_first_is_read_the_right_way_round(
    load: Callable[[Model], LoadedModel], folder_of: Callable[[Model], Path]
) -> None:
    model = encoder("xlnet", "layer.{}.ff.layer_2")
    loaded = load(model)
    prove(loaded)
    text = text_for(loaded)
    seen: list[NDArray] = []
    capture_layers(loaded, text, loaded.layers, lambda _layer, values: seen.append(values.clone().numpy()))
    bare = transformers.AutoModel.from_pretrained(folder_of(model)).eval()
    found: list[torch.Tensor] = []
    bare.layer[1].ff.layer_2.register_forward_pre_hook(lambda _module, args: found.append(args[0][:, 0]))
    for window in text.windows:
        ids = torch.from_numpy(text.ids[window.start : window.start + window.length].astype(np.int64))
        with torch.no_grad():
            bare(input_ids=ids[None])
    np.testing.assert_allclose(seen[1], torch.cat(found).numpy(), rtol=1e-4, atol=1e-5)


def test_a_model_that_shortens_the_text_inside_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UnsupportedModel, match=r"is a funnel model \(FunnelModel\), which shortens the sequence internally"
    ):
        load_model(str(save_tiny(tmp_path, "funnel", "AutoModel")), device="cpu")


# --- what a run says of it --------------------------------------------------------------------------------

SCANNED = (ENCODERS[0], *(model for model in ENCODER_DECODERS if model.name in ("bart", "t5")))


@every(SCANNED)
def test_the_figures_of_a_run_are_those_of_plain_activations(
    model: Model, run_of: Callable[[Model], Run], folder_of: Callable[[Model], Path]
) -> None:
    run = run_of(model)
    tokens = run.record.tokens
    values = np.concatenate(plain(model, folder_of(model), tokens.ids, tokens.windows), axis=1)  # [positions, neurons]
    assert run.neurons == values.shape[1] == sum(width for _, width in model.layers)
    scored = [n for n in range(len(tokens.ids)) if n not in run.excluded]
    np.testing.assert_allclose(run.figure("mean_all"), values[scored].mean(axis=0), rtol=1e-3, atol=1e-4)
    for number in range(len(CATEGORIES)):
        spans = [(first, last) for category, _, first, last in tokens_of(run) if category == number]
        ends = [last for _, last in spans]
        inside = {n for first, last in spans for n in range(first, last + 1)}
        rest = [n for n in scored if n not in inside]
        np.testing.assert_allclose(run.figure("mean")[:, number], values[ends].mean(axis=0), rtol=1e-3, atol=1e-4)
        labels = [1] * len(ends) + [0] * len(rest)
        two_pairs = 2 / (len(ends) * len(rest))  # which padding may have moved past each other
        for row in range(0, run.neurons, 7):
            expected = roc_auc_score(labels, values[ends + rest, row])
            assert run.figure("auroc")[row, number] == pytest.approx(expected, abs=two_pairs)


def tokens_of(run: Run) -> Sequence[tuple[int, int, int, int]]:
    return [tuple(occurrence) for occurrence in run.record.occurrences]


def test_specials_are_not_scored_and_the_policy_says_where_they_are(run_of: Callable[[Model], Run]) -> None:
    run = run_of(ENCODERS[0])
    left_out = [run.record.tokens.pieces[n] for n in sorted(run.excluded)]
    assert left_out == ["[CLS]", "[SEP]"] * len(TEXTS)
    assert "[CLS] in front of each window and [SEP] behind it" in run.record.exclusions.summary
    assert run.record.tokens.special == tuple(sorted(run.excluded))


def test_both_sides_are_layers_of_one_run(run_of: Callable[[Model], Run]) -> None:
    run = run_of(ENCODER_DECODERS[0])
    assert [(layer.side, layer.width) for layer in run.layers] == ENCODER_DECODERS[0].layers
    assert run.row_of("L3.N0") == N_LAYERS * D_MLP


@every(SCANNED)
def test_what_cannot_mean_anything_is_empty_and_the_run_says_why(model: Model, run_of: Callable[[Model], Run]) -> None:
    run = run_of(model)
    assert np.isnan(run.figure("write")).all()
    assert set(run.record.undefined) == {"write", "cause"}
    assert all(len(reason) > 40 for reason in run.record.undefined.values())


@every(SCANNED)
def test_what_cannot_mean_anything_is_refused_with_that_reason(
    model: Model, run_of: Callable[[Model], Run], load: Callable[[Model], LoadedModel], tmp_path: Path
) -> None:
    run, loaded = run_of(model), load(model)
    attempts: dict[str, Callable[[], object]] = {
        "cause": lambda: estimate_causes(run, loaded),
        "cause ": lambda: ablate_run(run, loaded, [0]),
        "cause  ": lambda: scan_and_check(
            scan_request(loaded.id, CONFIG, tmp_path / "run"), Checks(causes=True), load=lambda: loaded
        ),
        "write": lambda: neuron_lens(loaded, run.neuron_name(0)),
    }
    for figure, attempt in attempts.items():
        with pytest.raises(UnsupportedModel) as caught:
            attempt()
        assert run.record.undefined[figure.strip()] in caught.value.message
        assert caught.value.hint
    assert not (tmp_path / "run").exists()


@every(SCANNED)
def test_readings_are_confirmed_on_both_sides_and_writings_are_not(
    model: Model, run_of: Callable[[Model], Run], load: Callable[[Model], LoadedModel], tmp_path: Path
) -> None:
    loaded = load(model)
    run = scan(scan_request(loaded.id, CONFIG, tmp_path / "run"), loaded=loaded)
    checked = confirm_run(run, loaded, ConfirmSettings(permutations=20, splits=1))
    assert np.isfinite(checked.figure("held_out_auroc")).all()
    assert np.isfinite(checked.figure("p")).all()
    assert np.isfinite(checked.figure("strength")).all()
    assert np.isnan(checked.figure("write_p")).all()
    assert run.record.undefined["write"] in checked.record.confirmation.undefined["write_p"]
