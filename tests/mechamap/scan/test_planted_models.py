"""The planted models are what they claim: looked at with plain torch, without the code that they are to test."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
import torch
from scipy.stats import combine_pvalues, rankdata
from sklearn.metrics import roc_auc_score
from support.by_name import load_model
from support.planted_models import ARCHITECTURES, CATEGORIES, CONTRAST, D_MLP, N_LAYERS, TEMPLATES, Planted, plant

from mechamap.config.schema import config_from_dict
from mechamap.models.loaded import LoadedModel
from mechamap.models.proof import prove

SEEDS = (0, 1, 2)
WORDS = (*sum(CATEGORIES.values(), ()), *CONTRAST)
MEMBER = np.array([[word in words for word in WORDS] for words in CATEGORIES.values()])  # [categories, words]
CATEGORY = {name: number for number, name in enumerate(CATEGORIES)}


@dataclass(frozen=True)
class Looked:
    """A model, and what each neuron does at each word of each carrier sentence and of the texts."""

    planted: Planted
    loaded: LoadedModel
    carriers: np.ndarray  # [templates, words, neurons]
    texts: np.ndarray  # [positions, neurons]
    spelled: np.ndarray  # [positions] the word at each position of the texts
    writes: np.ndarray  # [neurons, vocabulary] what activation adds to the logits, but for the last norm's scale

    def row(self, neuron) -> int:
        return neuron.layer * D_MLP + neuron.neuron

    @property
    def token_ids(self) -> list[int]:
        return self.loaded.tokenizer.convert_tokens_to_ids(list(WORDS))

    @property
    def write_z(self) -> np.ndarray:
        """Writes of each word's token, in standard deviations over the vocabulary: [neurons, words]."""
        return zscored(self.writes)[:, self.token_ids]


@pytest.fixture(scope="module", params=product(ARCHITECTURES, SEEDS), ids=lambda it: f"{it[0]}-{it[1]}")
def looked(request, tmp_path_factory) -> Looked:
    return look(plant(tmp_path_factory.mktemp("planted"), *request.param))


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> list[Looked]:
    """Models in which nothing is planted."""
    made = product(ARCHITECTURES, SEEDS)
    return [look(plant(tmp_path_factory.mktemp("bare"), *it, planted=False)) for it in made]


def look(planted: Planted) -> Looked:
    loaded = load_model(str(planted.folder), dtype="float32", device="cpu")
    carriers = []
    for template in planted.templates:
        ids = [with_bos(loaded, template.format(word)) for word in WORDS]
        carriers.append(activations(loaded, ids)[:, -1])  # the word is the last token
    sequences = [with_bos(loaded, text) for text in planted.texts]
    texts = np.concatenate([activations(loaded, [ids])[0, 1:] for ids in sequences])
    tokens = [token for ids in sequences for token in ids[1:]]
    spelled = np.array(loaded.tokenizer.convert_ids_to_tokens(tokens))
    return Looked(planted, loaded, np.stack(carriers), texts, spelled, direct_writes(loaded))


def with_bos(loaded, text) -> list[int]:
    return [loaded.tokenizer.bos_token_id, *loaded.tokenizer(text)["input_ids"]]


def activations(loaded, ids) -> np.ndarray:
    """What goes into each layer's down-projection, layers side by side: [sequences, positions, neurons]."""
    seen: list[torch.Tensor] = []
    handles = [
        down_projection(loaded, layer).register_forward_pre_hook(lambda _module, args: seen.append(args[0]))
        for layer in range(N_LAYERS)
    ]
    with torch.no_grad():
        loaded.model(input_ids=torch.tensor(ids))
    for handle in handles:
        handle.remove()
    return torch.cat(seen, dim=-1).numpy()


def down_projection(loaded, layer):
    if loaded.architecture == "llama":
        return loaded.model.model.layers[layer].mlp.down_proj
    return loaded.model.transformer.h[layer].mlp.c_proj


def direct_writes(loaded, with_gain=True) -> np.ndarray:
    """Each neuron's output weights through the last norm's gain and the unembedding: [neurons, vocabulary]."""
    if loaded.architecture == "llama":
        gain = loaded.model.model.norm.weight
        out = [down_projection(loaded, layer).weight.T for layer in range(N_LAYERS)]
    else:
        gain = loaded.model.transformer.ln_f.weight
        out = [down_projection(loaded, layer).weight for layer in range(N_LAYERS)]
    stream = torch.cat(out) * (gain if with_gain else 1)
    return (stream @ loaded.model.lm_head.weight.T).detach().numpy()


def zscored(values: np.ndarray) -> np.ndarray:
    return (values - values.mean(1, keepdims=True)) / values.std(1, keepdims=True)


# --- words and texts ------------------------------------------------------------------------------------


def test_every_word_is_one_token_and_keeps_its_case(looked):
    tokenizer = looked.loaded.tokenizer
    for template, word in product(TEMPLATES, WORDS):
        encoding = tokenizer(template.format(word), return_offsets_mapping=True)
        start, end = encoding["offset_mapping"][-1]
        assert template.format(word)[start:end] == word
        assert tokenizer.convert_ids_to_tokens(encoding["input_ids"][-1]) == word
        assert tokenizer.unk_token_id not in encoding["input_ids"]
    assert len(set(WORDS)) == len(WORDS)


def test_every_word_stands_in_the_texts_twice_and_none_in_what_is_around_them(looked):
    assert looked.loaded.tokenizer.unk_token not in looked.spelled
    words, counts = np.unique(looked.spelled[np.isin(looked.spelled, WORDS)], return_counts=True)
    assert sorted(words) == sorted(WORDS)
    assert (counts == 2).all()
    assert sum(text.count(".") for text in looked.planted.texts) >= 40
    around = {piece.lower() for template in TEMPLATES for piece in template.split()}
    assert not around & {word.lower() for word in WORDS}


def test_the_config_is_one_that_a_scan_takes(looked):
    config = config_from_dict(looked.planted.config())
    assert {category.name: category.words for category in config.categories} == CATEGORIES
    assert (config.templates, config.contrast, config.texts) == (TEMPLATES, CONTRAST, looked.planted.texts)
    assert config.dtype == "float32"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_same_seed_gives_the_same_model(architecture, tmp_path):
    first, second = (plant(tmp_path / name, architecture, SEEDS[0]) for name in ("first", "second"))
    assert first.neurons == second.neurons
    weights = [(folder / "model.safetensors").read_bytes() for folder in (first.folder, second.folder)]
    assert weights[0] == weights[1]


def test_the_neurons_are_where_the_program_looks_for_them(looked):
    proofs = prove(looked.loaded)
    assert [(proof.layer, proof.width) for proof in proofs] == [(layer, D_MLP) for layer in range(N_LAYERS)]


# --- what is planted ------------------------------------------------------------------------------------


def test_every_kind_is_planted(looked):
    kinds = {(neuron.reads, neuron.writes) for neuron in looked.planted.neurons}
    assert {(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1)} <= kinds
    assert {neuron.layer for neuron in looked.planted.neurons} == set(range(N_LAYERS))
    assert {neuron.category for neuron in looked.planted.neurons} == set(CATEGORIES)


def test_readers_tell_their_words_from_all_others_in_every_sentence(looked):
    for neuron in looked.planted.neurons:
        if not neuron.reads:
            continue
        member = MEMBER[CATEGORY[neuron.category]]
        for values in looked.carriers[:, :, looked.row(neuron)]:
            assert roc_auc_score(member, neuron.reads * values) > 0.97, neuron
        here = np.isin(looked.spelled, CATEGORIES[neuron.category])
        assert roc_auc_score(here, neuron.reads * looked.texts[:, looked.row(neuron)]) > 0.97, neuron


def test_negative_readers_go_down_the_way_their_architecture_can(looked):
    for neuron in looked.planted.neurons:
        if neuron.reads != -1:
            continue
        values = looked.carriers[:, :, looked.row(neuron)]
        member = MEMBER[CATEGORY[neuron.category]]
        on, off = values[:, member].mean(), values[:, ~member].mean()
        if looked.planted.architecture == "llama":
            assert on < -2, neuron
            assert abs(off) < 0.5, neuron
        else:
            assert abs(on) < 0.5, neuron
            assert off > 1.5, neuron


def test_writers_raise_or_lower_their_words_and_no_others(looked):
    without_gain = zscored(direct_writes(looked.loaded, with_gain=False))[:, looked.token_ids]
    for neuron in looked.planted.neurons:
        if not neuron.writes:
            continue
        z = MEMBER / MEMBER.sum(1, keepdims=True) @ looked.write_z[looked.row(neuron)]  # [categories]
        own = CATEGORY[neuron.category]
        assert neuron.writes * z[own] > 2.5, neuron
        assert np.abs(np.delete(z, own)).max() < 0.8, neuron
        assert neuron.writes * without_gain[looked.row(neuron), MEMBER[own]].mean() < 0.95 * neuron.writes * z[own]


def test_a_writer_moves_the_logits_of_the_model_itself(looked):
    """The neuron's activation is raised in a real forward: its words gain on all others, or lose."""
    ids = torch.tensor([with_bos(looked.loaded, template.format("").strip()) for template in TEMPLATES[:1]])
    with torch.no_grad():
        before = looked.loaded.model(input_ids=ids).logits[0, -1]
    for neuron in looked.planted.neurons:
        if not neuron.writes:
            continue

        def raised(_module, args, at=neuron.neuron):
            args[0][..., at] += 1
            return args

        handle = down_projection(looked.loaded, neuron.layer).register_forward_pre_hook(raised)
        with torch.no_grad():
            after = looked.loaded.model(input_ids=ids).logits[0, -1]
        handle.remove()
        change = zscored((after - before).numpy()[None])[0, looked.token_ids]
        # by chance 0.27; the layers above answer to it as well, so below the last one it is not all of 3.5
        assert neuron.writes * change[MEMBER[CATEGORY[neuron.category]]].mean() > 1, neuron


def test_readers_that_do_not_write_leave_hardly_a_trace(looked):
    for neuron in looked.planted.neurons:
        weight = down_projection(looked.loaded, neuron.layer).weight.detach()
        norms = weight.norm(dim=0 if looked.planted.architecture == "llama" else 1)
        if neuron.reads and not neuron.writes:
            assert norms[neuron.neuron] < 0.04 * norms.median()
        elif neuron.reads:
            assert neuron.layer == N_LAYERS - 1  # no neuron comes after it


# --- what is not ----------------------------------------------------------------------------------------


def rank_among_shuffles(values: np.ndarray, planted_cells: np.ndarray, seed: int) -> float:
    """How often shuffled words reach what the true categories reach, planted cells ([neurons, categories]) aside.

    ``values`` is [neurons, words]; compared is the largest |difference of mean ranks| over neurons and categories.
    """
    ranks = rankdata(values, axis=1)
    ranks -= ranks.mean(1, keepdims=True)
    rng = np.random.default_rng(seed)
    member = MEMBER.T.astype(float)  # [words, categories]
    true = np.abs(ranks @ member)[~planted_cells].max()
    shuffled = [np.abs(ranks @ member[rng.permutation(len(WORDS))]).max() for _ in range(199)]
    return (1 + sum(value >= true for value in shuffled)) / 200


def no_cells() -> np.ndarray:
    return np.zeros((N_LAYERS * D_MLP, len(CATEGORIES)), bool)


def assert_uniform(ranks: list[float]) -> None:
    """Neither are the true categories beyond shuffled ones, nor is something wrong with the shuffles."""
    assert combine_pvalues(ranks).pvalue > 0.001, ranks
    assert combine_pvalues([1 - rank + 1 / 200 for rank in ranks]).pvalue > 0.001, ranks


@pytest.mark.parametrize("figure", ["reads", "writes"])
def test_where_nothing_is_planted_the_categories_are_like_any_other_words(bare, figure):
    assert all(model.planted.neurons == () for model in bare)
    values = [model.carriers.mean(0).T if figure == "reads" else model.write_z for model in bare]
    assert_uniform([rank_among_shuffles(its, no_cells(), seed) for seed, its in enumerate(values)])


@pytest.mark.parametrize("figure", ["reads", "writes"])
def test_what_is_planted_shows_in_no_other_cell(looked, figure):
    cells = no_cells()
    for neuron in looked.planted.neurons:
        cells[looked.row(neuron), CATEGORY[neuron.category]] = bool(getattr(neuron, figure))
    values = looked.carriers.mean(0).T if figure == "reads" else looked.write_z
    assert rank_among_shuffles(values, cells, looked.planted.seed) > 0.005  # 1 in 200: beyond every shuffle


def test_the_words_are_read_through_the_sentence_a_little(looked):
    """Attention and positions do something, and not much: a word differs from itself less than from others."""
    between = looked.carriers.mean(0).var(0)
    within = looked.carriers.var(0).mean(0)
    share = np.median(within / (within + between))
    assert 0.005 < share < 0.2
