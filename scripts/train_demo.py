"""Trains the bundled model: a small GPT-2 on generated text and stories, on a CPU, from a seed.

    python scripts/train_demo.py --stories stories.txt --out mechamap/demo --seed 0 --minutes 25

The stories are text files in which ``<|endoftext|>`` parts one story from the next (TinyStories' form).
Without ``--steps`` the run is sized by timing a few steps; a seed and a number of steps repeat a run.
Everything the folder needs is written at each checkpoint, and ``--state`` lets a stopped run go on.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from demo_corpus.generate import MIXES, documents
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, GenerationConfig, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

END = "<|endoftext|>"
CONTEXT = 256
VOCABULARY = 2048


@dataclass(frozen=True, slots=True)
class Corpus:
    """Token ids of each document, the end token in front of each."""

    train: tuple[NDArray[np.int64], ...]
    held_out: dict[str, tuple[NDArray[np.int64], ...]]


def read_stories(paths: Sequence[Path]) -> list[str]:
    """The stories of all files, in order."""
    stories = (story.strip() for path in paths for story in path.read_text(encoding="utf-8").split(END))
    return [story for story in stories if len(story) > 100]


def train_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer, so that any text has tokens and they join back to it."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.post_processor = processors.ByteLevel(trim_offsets=True)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token=END,
        eos_token=END,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def encode(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> tuple[NDArray[np.int64], ...]:
    """Ids of each text, the end token in front."""
    rows = tokenizer(list(texts), verbose=False)["input_ids"]
    return tuple(np.array([tokenizer.bos_token_id, *row], dtype=np.int64) for row in rows)


def pack(docs: Sequence[NDArray[np.int64]], end: int, rng: random.Random) -> NDArray[np.int64]:
    """The documents in a new order, cut into rows of CONTEXT + 1.

    Every row begins with the end token, also in the middle of a document: a scan puts it in front of
    every window, so position 0 must never have held anything else.
    """
    order = list(range(len(docs)))
    rng.shuffle(order)
    stream = np.concatenate([docs[i] for i in order])  # [tokens]
    rows = len(stream) // CONTEXT
    body = stream[: rows * CONTEXT].reshape(rows, CONTEXT)  # [rows, context]
    front = np.full((rows, 1), end, dtype=np.int64)
    packed: NDArray[np.int64] = np.concatenate([front, body], axis=1)  # [rows, context + 1]
    return packed[rng.sample(range(rows), rows)]


def build_model(end: int, seed: int) -> GPT2LMHeadModel:
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=CONTEXT,
        n_embd=160,
        n_layer=4,
        n_head=5,
        n_inner=640,
        initializer_range=0.05,  # GPT-2's 0.02 is for widths five times as large
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=end,
        eos_token_id=end,
    )
    return GPT2LMHeadModel(config)


def learning_rate(step: int, steps: int, top: float) -> float:
    """Linear warm-up, the top, and a line down over the last third.

    Not a cosine: the end can be set while the run goes on, by stopping it and naming other ``--steps``.
    """
    left = (steps - step) / (steps / 3)
    return top * min(1.0, (step + 1) / 100, max(left, 0.02))


def loss_of(model: GPT2LMHeadModel, rows: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy in nats over rows of [batch, context + 1]."""
    logits = model(rows[:, :-1], use_cache=False).logits  # [batch, context, vocabulary]
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())


@torch.no_grad()
def held_out_losses(model: GPT2LMHeadModel, corpus: Corpus, end: int) -> dict[str, float]:
    model.eval()
    losses = {}
    for name, docs in corpus.held_out.items():
        rows = torch.from_numpy(pack(docs, end, random.Random(0))[:64])  # [64, context + 1]
        losses[name] = round(loss_of(model, rows).item(), 3)
    model.train()
    return losses


def save(model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Writes everything the folder needs to be loaded by its path."""
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    end = tokenizer.bos_token_id
    GenerationConfig(bos_token_id=end, eos_token_id=end, pad_token_id=end).save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)  # written for its owner alone; a wheel keeps that


def make_corpus(args: argparse.Namespace) -> tuple[Corpus, PreTrainedTokenizerFast]:
    stories = read_stories(args.stories)
    cut = len(stories) - max(1, len(stories) // 20)
    told, kept = stories[:cut] * args.repeat_stories, stories[cut:]
    generated = list(documents(args.documents, args.seed, args.mix))
    unseen = list(documents(400, args.seed + 1, args.mix))
    resumed = args.state is not None and args.state.exists()
    tokenizer = AutoTokenizer.from_pretrained(args.out) if resumed else train_tokenizer([*told, *generated])
    corpus = Corpus(
        train=encode(tokenizer, [*told, *generated]),
        held_out={"stories": encode(tokenizer, kept), "generated": encode(tokenizer, unseen)},
    )
    return corpus, tokenizer


def optimizer_of(model: GPT2LMHeadModel, rate: float) -> torch.optim.AdamW:
    """AdamW that decays matrices and leaves gains and biases alone."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95))


def batches(corpus: Corpus, end: int, size: int, seed: int) -> Iterator[torch.Tensor]:
    """Rows of [size, context + 1] for ever, the documents in a new order each time round."""
    rng = random.Random(seed)
    while True:
        rows = pack(corpus.train, end, rng)  # [rows, context + 1]
        for at in range(0, len(rows) - size + 1, size):
            yield torch.from_numpy(rows[at : at + size])


def take_step(model: GPT2LMHeadModel, optimizer: torch.optim.AdamW, batch: torch.Tensor, rate: float) -> float:
    """One step of the optimizer; returns the loss before it."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    with torch.autocast("cpu", torch.bfloat16):  # three times as fast; weights and optimizer stay float32
        loss = loss_of(model, batch)
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def train(args: argparse.Namespace) -> None:
    torch.set_num_threads(args.threads)
    corpus, tokenizer = make_corpus(args)
    end = int(tokenizer.bos_token_id)
    model = build_model(end, args.seed)
    print(f"{model.num_parameters():,} parameters, {sum(map(len, corpus.train)):,} training tokens", flush=True)
    optimizer = optimizer_of(model, args.rate)
    steps, done = args.steps, 0
    if args.state is not None and args.state.exists():
        state = torch.load(args.state, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        steps, done = steps or state["steps"], state["done"]
    model.train()
    # A run that goes on skips what it drew before, so that it sees the batches it would have seen.
    upcoming = islice(batches(corpus, end, args.batch, args.seed), done, None)
    began = last_save = time.monotonic()
    for step, batch in enumerate(upcoming, start=done + 1):
        loss = take_step(model, optimizer, batch, learning_rate(step - 1, steps or 1_000_000, args.rate))
        now = time.monotonic()
        if steps is None and step == 30:
            steps = max(200, round(args.minutes * 60 / ((now - began) / 30)))
            print(f"{(now - began) / 30:.2f} s a step: {steps} steps", flush=True)
        if step % 50 == 0:
            print(f"step {step}/{steps} loss {loss:.3f} {now - began:.0f} s", flush=True)
        if steps is not None and (now - last_save > args.save_every or step >= steps):
            print(f"step {step} held out {json.dumps(held_out_losses(model, corpus, end))}", flush=True)
            save(model, tokenizer, args.out)
            if args.state is not None:
                kept = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
                torch.save({**kept, "done": step, "steps": steps}, args.state)
            last_save = time.monotonic()
        if steps is not None and step >= steps:
            break


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the bundled model.")
    parser.add_argument("--stories", type=Path, nargs="+", required=True, help="text files of stories")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and its tokenizer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=25, help="how long, where --steps does not say")
    parser.add_argument("--steps", type=int, help="how many steps; repeats a run exactly")
    parser.add_argument("--documents", type=int, default=30_000, help="generated paragraphs")
    parser.add_argument("--mix", choices=sorted(MIXES), default="broad", help="kinds of generated paragraphs")
    parser.add_argument("--repeat-stories", type=int, default=3, help="how often each story counts")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=4e-3, help="highest learning rate")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save-every", type=float, default=120, help="seconds between checkpoints")
    parser.add_argument("--state", type=Path, help="file to keep a stopped run in; used when it exists")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
