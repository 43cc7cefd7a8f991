"""Is the bundled model worth looking at? Prints what it writes and how well its neurons know categories.

    python scripts/check_demo.py [FOLDER] [--fresh]

For each category of configs/default.yaml its words, and all others', are split in halves. The neuron and
its sign are chosen by AUROC on one half (this category's words against the other categories' words, each
in carrier sentences that fit no category better than another) and measured on the half that did not
choose it. Several splits; the mean over them has to reach 0.95.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, AutoTokenizer

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "mechamap" / "demo"
GOAL = 0.95
SPLITS = 8

PROMPTS = (
    "The capital of France is",
    "Once upon a time, there was a little dog",
    "On Monday, Anna went to",
    "To make soup, you need",
    "Three plus four is",
    "The lion lives in",
    "In Japan, most people speak",
    "Tom painted the car",
    "The old man took the train to Rome and",
)

# None of these is a sentence the model was trained on.
CARRIERS = (
    "My essay has to mention {}",
    "The voice on the radio repeated {}",
    "At the bottom of the page he found {}",
    "I keep forgetting {}",
    "Our conversation turned to {}",
    "You can look up {}",
    "Here it only says {}",
    "Why did she underline {}",
    "The poem is called {}",
    "Somewhere in the text there is {}",
)


# Sentences that nobody looked at while the model was trained; with them, other splits of the words are used too.
FRESH_CARRIERS = (
    "The teacher wrote on the board {}",
    "I have nothing to say about {}",
    "Please spell the name {}",
    "The last line of the song is {}",
    "We laughed when she read aloud {}",
    "His answer was {}",
    "Nobody here has heard of {}",
    "The first word on the list is {}",
    "In my dream there was {}",
    "The title of the picture is {}",
)
FRESH_SEED = 1000


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The neuron one split chose for a category, and how it did on the words that did not choose it."""

    layer: int
    neuron: int
    sign: int
    chosen_auroc: float
    held_out_auroc: float


def load(folder: Path) -> tuple[Any, Any]:
    """The model, in evaluation mode, and its tokenizer; nothing is looked up outside the folder."""
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    return model.eval(), AutoTokenizer.from_pretrained(folder, local_files_only=True)


def category_words(config: Path = ROOT / "configs" / "default.yaml") -> dict[str, tuple[str, ...]]:
    categories = yaml.safe_load(config.read_text(encoding="utf-8"))["categories"]
    lists = {name: body["words"] if isinstance(body, Mapping) else body for name, body in categories.items()}
    return {name: tuple(str(word) for word in words) for name, words in lists.items()}


@torch.no_grad()
def greedy(model: Any, tokenizer: Any, prompt: str, length: int = 60) -> str:
    """The prompt and what follows under greedy decoding, up to the end token."""
    ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer(prompt)["input_ids"]]])  # [1, tokens]
    mask = torch.ones_like(ids)
    out = model.generate(ids, attention_mask=mask, max_new_tokens=length, do_sample=False)
    return str(tokenizer.decode(out[0], skip_special_tokens=True))


@torch.no_grad()
def activations(
    model: Any, tokenizer: Any, words: Sequence[str], carriers: Sequence[str] = CARRIERS
) -> NDArray[np.float32]:
    """Every neuron at the last token of each word in each carrier: [words, carriers, layers * d_mlp]."""
    seen: list[torch.Tensor] = []
    hooks = [
        block.mlp.c_proj.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
        for block in model.transformer.h
    ]
    rows = []
    try:
        for word in words:
            texts = [tokenizer(carrier.format(word))["input_ids"] for carrier in carriers]
            last = torch.tensor([len(text) for text in texts])  # [carriers]; the BOS shifts by one
            longest = int(last.max()) + 1
            ids = torch.tensor([[tokenizer.bos_token_id, *t] + [0] * (longest - 1 - len(t)) for t in texts])
            seen.clear()
            model(ids, use_cache=False)  # causal: what pads the end changes nothing before it
            at = torch.stack([layer[torch.arange(len(texts)), last] for layer in seen], dim=1)
            rows.append(at.flatten(1))  # [carriers, layers * d_mlp]
    finally:
        for hook in hooks:
            hook.remove()
    stacked: NDArray[np.float32] = torch.stack(rows).float().numpy()
    return stacked


def auroc(values: NDArray[np.float32], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """AUROC of each column of values [samples, neurons] for each row of labels [categories, samples].

    Ties count half: a dead neuron is one large tie, and without that the order of the samples would win.
    """
    forward = values.argsort(axis=0, kind="stable").argsort(axis=0)  # [samples, neurons]
    backward = values[::-1].argsort(axis=0, kind="stable").argsort(axis=0)[::-1]
    ranks = (forward + backward) / 2 + 1.0  # equal values share their mean rank
    inside = labels.sum(axis=1, keepdims=True)  # [categories, 1]
    wins: NDArray[np.float64] = labels.astype(np.float64) @ ranks - inside * (inside + 1) / 2
    share: NDArray[np.float64] = wins / (inside * (labels.shape[1] - inside))  # [categories, neurons]
    return share


def confirm(
    model: Any,
    tokenizer: Any,
    categories: Mapping[str, Sequence[str]],
    carriers: Sequence[str] = CARRIERS,
    first_seed: int = 0,
) -> dict[str, list[Confirmed]]:
    """One Confirmed a split for every category."""
    names = list(categories)
    words = [word for name in names for word in categories[name]]
    owner = np.array([i for i, name in enumerate(names) for _ in categories[name]])  # [words]
    acts = activations(model, tokenizer, words, carriers)  # [words, carriers, neurons]
    d_mlp = acts.shape[2] // len(model.transformer.h)
    found: dict[str, list[Confirmed]] = {name: [] for name in names}
    for seed in range(first_seed, first_seed + SPLITS):
        rng = np.random.default_rng(seed)
        first = np.zeros(len(words), dtype=np.bool_)
        for i in range(len(names)):
            own = rng.permutation(np.flatnonzero(owner == i))
            first[own[: len(own) // 2]] = True
        scores = []
        for half in (first, ~first):
            labels = np.repeat(owner[half], len(carriers)) == np.arange(len(names))[:, None]
            scores.append(auroc(acts[half].reshape(-1, acts.shape[2]), labels))
        for i, name in enumerate(names):
            best = int(np.abs(scores[0][i] - 0.5).argmax())
            sign = 1 if scores[0][i, best] > 0.5 else -1
            chosen, held_out = (float(s[i, best] if sign > 0 else 1 - s[i, best]) for s in scores)
            found[name].append(Confirmed(best // d_mlp, best % d_mlp, sign, chosen, held_out))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the bundled model.")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--fresh", action="store_true", help="other carrier sentences and splits")
    arguments = parser.parse_args()
    folder = arguments.folder
    torch.set_num_threads(1)
    model, tokenizer = load(folder)
    print(f"{model.num_parameters():,} parameters, {sum(f.stat().st_size for f in folder.iterdir()):,} bytes\n")
    for prompt in PROMPTS:
        print(f"> {greedy(model, tokenizer, prompt)}\n")
    print(f"{'category':10}  held-out AUROC: mean, lowest of {SPLITS} splits; a neuron chosen")
    worst = 1.0
    carriers, first_seed = (FRESH_CARRIERS, FRESH_SEED) if arguments.fresh else (CARRIERS, 0)
    for name, splits in confirm(model, tokenizer, category_words(), carriers, first_seed).items():
        held_out = [split.held_out_auroc for split in splits]
        one = splits[int(np.argmax([split.chosen_auroc for split in splits]))]
        sign = "+" if one.sign > 0 else "-"
        print(f"{name:10}  {np.mean(held_out):.3f}  {min(held_out):.3f}  L{one.layer}.N{one.neuron} ({sign})")
        worst = min(worst, float(np.mean(held_out)))
    return 0 if worst >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
