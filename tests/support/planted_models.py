"""Small random models in which chosen neurons are made by hand, so that a test knows what a scan must find.

Every weight is drawn from one seed; no word's embedding has anything in common with those of its category. Into that
noise some neurons are planted (see :class:`PlantedNeuron`). All other cells (neuron, category) are null: a neuron that
only reads writes next to nothing, one that reads and writes is in the last layer, where no neuron can see it, and one
that only writes does so in proportion to an activation that does not depend on the category.

The gated model (llama) has an unembedding of its own; GPT-2's is tied to its embedding, as in every GPT-2 checkpoint,
so that both kinds are met. The norms' gains are far from one: a write that leaves the last one out looks weak.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

Architecture = Literal["llama", "gpt2"]
ARCHITECTURES: tuple[Architecture, ...] = ("llama", "gpt2")
N_LAYERS = 3
D_MODEL = 256
D_MLP = 64
CONTEXT = 512

CATEGORIES = {
    name: tuple(words.split())
    for name, words in {
        "animal": "dog cat horse cow sheep goat lion tiger rabbit wolf fox owl eagle frog",
        "food": "bread cheese butter rice pasta pizza soup salad steak honey cake apple banana sushi",
        "color": "red blue green yellow purple pink brown black white gray silver crimson violet beige",
        "vehicle": "car bus train truck van taxi tram bicycle scooter tractor boat ship ferry canoe",
        "place": "Paris London Madrid Berlin Rome Tokyo Moscow Cairo Sydney Chicago Boston Japan Brazil Egypt",
        "number": "two three four five six seven eight nine ten eleven twelve twenty thirty forty",
    }.items()
}
CONTRAST = tuple(
    word
    for line in (
        "table window mirror hammer pencil button candle pillow curtain ladder shirt glove finger shoulder",
        "doctor nurse teacher brother soldier lawyer idea theory silence courage justice promise music guitar",
        "chess medicine paper plastic cotton glass heavy quiet careful honest narrow gentle",
    )
    for word in line.split()
)
TEMPLATES = (
    "The next word on the list is {}",
    "She wrote a single word on the card: {}",
    "What he said, very slowly, was {}",
    "Nobody in the room had mentioned {}",
    "The title at the top of the page was {}",
    "Then the conversation turned to {}",
)
_PATTERNS = (
    "The old man thought of {}, then of {}.",
    "Nobody had mentioned {} before, and {} was a surprise in the room.",
    "She said {} twice and wrote {} on the wall.",
    "After the rain they talked about {} and also about {}.",
    "A child asked whether {} came first or {}.",
    "There was {} in one story, {} in the other.",
    "On the last page he found {}; below it stood {}.",
    "We could hear the word {}, and much later {}.",
    "It was {} again, not {}, that they had in mind.",
    "In the evening somebody turned from {} to {} without a reason.",
)
_BOS, _UNKNOWN = "<s>", "<unk>"

# (layer, reads, writes, which category of the seed's order): one that reads and writes is in the last layer.
_ROLES = (
    (0, +1, 0, 0),
    (0, 0, -1, 3),
    (1, -1, 0, 1),
    (1, 0, +1, 2),
    (2, +1, +1, 4),
    (2, -1, +1, 5),
    (2, -1, 0, 0),
)
_WIDTH = 0.05  # standard deviation of one entry of an embedding
_UNIT = D_MODEL**-0.5  # weights that keep the scale of a normalised input
_NOISE = 0.15  # of what a planted neuron reads and writes, from word to word, in parts of the signal
_FAINT = 0.02  # what a neuron that only reads writes, in parts of what any other neuron does
_SWING = 2.5  # from a reader's preactivation on any other word to that on its category's words


@dataclass(frozen=True, slots=True)
class PlantedNeuron:
    """One neuron made by hand.

    ``reads`` is +1 where it goes up on the category's words, -1 where it goes down; ``writes`` is +1 where it raises
    the logits of their tokens (as its activation grows), -1 where it lowers them; 0: it does no such thing.
    """

    layer: int
    neuron: int
    category: str
    reads: int
    writes: int

    @property
    def name(self) -> str:
        return f"L{self.layer}.N{self.neuron}"


@dataclass(frozen=True, slots=True)
class Planted:
    """A model in a folder, what was planted in it (nothing: ``neurons`` is empty) and the words to look with."""

    folder: Path
    architecture: Architecture
    seed: int
    neurons: tuple[PlantedNeuron, ...]
    categories: dict[str, tuple[str, ...]]
    contrast: tuple[str, ...]
    templates: tuple[str, ...]
    texts: tuple[str, ...]

    def config(self) -> dict[str, Any]:
        """What ``config_from_dict`` takes to scan and confirm it."""
        return {
            "categories": {name: list(words) for name, words in self.categories.items()},
            "contrast": list(self.contrast),
            "templates": list(self.templates),
            "texts": list(self.texts),
            "dtype": "float32",
            "device": "cpu",
        }


def plant(folder: Path, architecture: Architecture, seed: int, planted: bool = True) -> Planted:
    """Save a model with planted neurons, or one in which nothing is planted, and its tokenizer into ``folder``."""
    from transformers import AutoModelForCausalLM

    tokenizer = word_tokenizer()
    drawn = torch.Generator().manual_seed(2 * seed + ARCHITECTURES.index(architecture))  # no two draw the same
    model = AutoModelForCausalLM.from_config(_config(architecture, len(tokenizer)), dtype=torch.float32).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():  # a tied unembedding is not named a second time
            parameter.copy_(_drawn(architecture, name, parameter, drawn))
        neurons = _neurons(seed) if planted else ()
        garden = _Garden(model, architecture, tokenizer, drawn)
        for layer in range(N_LAYERS):  # upwards, since what a layer reads depends on those below
            garden.plant([neuron for neuron in neurons if neuron.layer == layer])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Planted(folder, architecture, seed, neurons, CATEGORIES, CONTRAST, TEMPLATES, _texts(seed))


@cache
def word_tokenizer() -> Any:
    """A tokenizer with one token for each word and sign used here, whatever its case, a BOS and an unknown."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    cutter = pre_tokenizers.Whitespace()  # runs of letters, and of signs
    around = " ".join(sentence.replace("{}", "") for sentence in (*TEMPLATES, *_PATTERNS))
    pieces = [piece for piece, _ in cutter.pre_tokenize_str(around)]
    words = [_BOS, _UNKNOWN, *sum(CATEGORIES.values(), ()), *CONTRAST, *pieces]
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(words))}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token=_UNKNOWN))
    backend.pre_tokenizer = cutter
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=_BOS, eos_token=_BOS, unk_token=_UNKNOWN)


def _texts(seed: int) -> tuple[str, ...]:
    """Sentences in which every word stands twice, each time beside other words; a text is a few of them."""
    rng = np.random.default_rng(seed)
    words = [*sum(CATEGORIES.values(), ()), *CONTRAST]
    shuffled = [word for _ in range(2) for word in rng.permutation(words)]
    patterns = [str(pattern) for pattern in rng.permutation(_PATTERNS)]
    sentences = [
        patterns[number % len(patterns)].format(first, second)
        for number, (first, second) in enumerate(zip(shuffled[::2], shuffled[1::2], strict=True))
    ]
    return tuple(" ".join(sentences[start : start + 16]) for start in range(0, len(sentences), 16))


def _neurons(seed: int) -> tuple[PlantedNeuron, ...]:
    rng = np.random.default_rng(seed)
    names = [str(name) for name in rng.permutation(list(CATEGORIES))]
    places = rng.permutation(D_MLP)[: len(_ROLES)]
    return tuple(
        PlantedNeuron(layer, int(place), names[category], reads, writes)
        for place, (layer, reads, writes, category) in zip(places, _ROLES, strict=True)
    )


def _config(architecture: Architecture, vocabulary: int) -> Any:
    from transformers import GPT2Config, LlamaConfig

    common = {"vocab_size": vocabulary, "bos_token_id": 0, "eos_token_id": 0}
    if architecture == "gpt2":
        return GPT2Config(
            n_embd=D_MODEL, n_layer=N_LAYERS, n_head=4, n_inner=D_MLP, n_positions=CONTEXT,
            tie_word_embeddings=True, **common,
        )  # fmt: skip
    return LlamaConfig(
        hidden_size=D_MODEL, num_hidden_layers=N_LAYERS, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=D_MLP, max_position_embeddings=CONTEXT, tie_word_embeddings=False, **common,
    )  # fmt: skip


# --- what is random -------------------------------------------------------------------------------------

# By the end of a parameter's name: its standard deviation. What a head or a position adds to the stream is a small
# part of a word's embedding, and what a layer's neurons add together a quarter of it.
_SPREAD = {
    "llama": {
        "embed_tokens.weight": _WIDTH,
        "lm_head.weight": _UNIT,
        "o_proj.weight": 0.2 * _WIDTH * _UNIT,
        "down_proj.weight": 0.25 * _WIDTH / (0.6 * D_MLP**0.5),
    },
    "gpt2": {
        "wte.weight": _WIDTH,
        "wpe.weight": 0.1 * _WIDTH,
        "attn.c_proj.weight": 0.2 * _WIDTH * _UNIT,
        "mlp.c_proj.weight": 0.25 * _WIDTH / (0.6 * D_MLP**0.5),
        "c_proj.bias": 0.05 * _WIDTH,
        "c_fc.bias": 0.3,
    },
}


def _drawn(architecture: Architecture, name: str, parameter: Tensor, drawn: torch.Generator) -> Tensor:
    noise = torch.randn(parameter.shape, generator=drawn)
    if parameter.ndim == 1 and name.endswith("weight"):  # a norm's gains
        return torch.exp(0.5 * noise)
    spread = next((spread for end, spread in _SPREAD[architecture].items() if name.endswith(end)), None)
    if spread is None:
        spread = 0.1 if parameter.ndim == 1 else _UNIT
    return spread * noise


# --- what is planted ------------------------------------------------------------------------------------


class _Garden:
    """A model whose neurons can be made by hand, the lowest layer first."""

    def __init__(self, model: Any, architecture: Architecture, tokenizer: Any, drawn: torch.Generator) -> None:
        self.model = model
        self.gated = architecture == "llama"
        self.drawn = drawn
        self.blocks: list[Any] = list(model.base_model.layers if self.gated else model.base_model.h)
        self.size = len(tokenizer)
        self.words = {
            name: torch.tensor(tokenizer.convert_tokens_to_ids(list(words))) for name, words in CATEGORIES.items()
        }
        # Sequences of random words: what a neuron reads is solved for in no particular sentence.
        orders = [torch.randperm(self.size, generator=drawn) for _ in range(12)]
        length = 16
        sequences = torch.cat([order[: self.size // length * length] for order in orders]).reshape(-1, length)
        self.sequences = torch.cat([torch.zeros(len(sequences), 1, dtype=torch.long), sequences], 1)  # [sequences, 17]

    def plant(self, neurons: list[PlantedNeuron]) -> None:
        """Make ``neurons``, all of one layer, what they say they are."""
        if not neurons:
            return
        block = self.blocks[neurons[0].layer]
        inputs = self._inputs(block.mlp)  # [tokens, d_model]
        for neuron in neurons:
            if neuron.reads:
                self._read(block.mlp, neuron, inputs)
            if neuron.writes:
                self._write(block.mlp, neuron)
            else:
                self._out(block.mlp, neuron.neuron).mul_(_FAINT if neuron.reads else 1)

    def _inputs(self, mlp: nn.Module) -> Tensor:
        """What the layer's neurons read, normalised, after each token of each sequence but the first."""
        seen: list[Tensor] = []
        handle = mlp.register_forward_pre_hook(lambda _module, args: seen.append(args[0]))
        try:
            self.model(input_ids=self.sequences, use_cache=False)
        finally:
            handle.remove()
        return seen[0][:, 1:].reshape(-1, D_MODEL)

    def _read(self, mlp: Any, neuron: PlantedNeuron, inputs: Tensor) -> None:
        wanted = self._signal(neuron.category)[self.sequences[:, 1:].flatten()]  # [tokens]
        if self.gated:  # act(gate) * up: about zero for other words, far from it for the category's
            weight, _ = _ridge(inputs, _SWING * wanted, offset=False)
            mlp.gate_proj.weight[neuron.neuron] = weight
            mlp.up_proj.weight[neuron.neuron] = neuron.reads * weight
            return
        # GELU is flat below zero: a reader rests there and comes out, a negative reader is out and goes to rest.
        rest = -0.5 if neuron.reads > 0 else _SWING - 0.5
        weight, offset = _ridge(inputs, rest + neuron.reads * _SWING * wanted, offset=True)
        mlp.c_fc.weight[:, neuron.neuron] = weight
        mlp.c_fc.bias[neuron.neuron] = offset

    def _write(self, mlp: Any, neuron: PlantedNeuron) -> None:
        norm = self.model.base_model.norm if self.gated else self.model.base_model.ln_f
        directions = self.model.get_output_embeddings().weight * norm.weight  # [vocabulary, d_model]
        if not self.gated:  # what LayerNorm takes away, its mean, a neuron cannot write
            directions = directions - directions.mean(1, keepdim=True)
        weight, _ = _ridge(directions, neuron.writes * self._signal(neuron.category), offset=False)
        out = self._out(mlp, neuron.neuron)
        out.copy_(weight * out.norm() / weight.norm())

    def _out(self, mlp: Any, neuron: int) -> Tensor:
        out: Tensor = mlp.down_proj.weight[:, neuron] if self.gated else mlp.c_proj.weight[neuron]
        return out

    def _signal(self, category: str) -> Tensor:
        """For each token of the vocabulary, about 1 for the category's words and about 0 for all others."""
        signal = _NOISE * torch.randn(self.size, generator=self.drawn)
        signal[self.words[category]] += 1
        return signal


def _ridge(inputs: Tensor, wanted: Tensor, offset: bool) -> tuple[Tensor, Tensor]:
    """Weights, and an offset if one is allowed, with which ``inputs`` [n, d] give about ``wanted`` [n]."""
    x, y = inputs.double(), wanted.double()
    x_mean, y_mean = (x.mean(0), y.mean()) if offset else (torch.zeros(x.shape[1]).double(), torch.zeros(()).double())
    x, y = x - x_mean, y - y_mean
    scatter = x.T @ x
    scatter.diagonal().add_(0.01 * scatter.diagonal().mean())
    weight = torch.linalg.solve(scatter, x.T @ y)
    return weight.float(), (y_mean - x_mean @ weight).float()
