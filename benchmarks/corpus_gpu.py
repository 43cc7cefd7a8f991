"""A corpus scan of a large model on a GPU, against the bare forward over the same batches; at most eight minutes.

    python -m benchmarks.corpus_gpu                      # a random model of Llama 8B's size in bfloat16, on CUDA
    python -m benchmarks.corpus_gpu --size tiny --device cpu --tokens 2000      # to see that it runs

No weights are downloaded: speed does not depend on their values. The text is the bundled natural text, repeated, in the
tokens of the bundled model, which all lie in the large vocabulary.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import torch

from benchmarks.corpus import bare_forward
from mechamap.capture.batches import batch_tokens, sorted_batches
from mechamap.catalog.source import resolve
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.schema import default_config
from mechamap.corpus.documents import Document
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.load import load_model
from mechamap.models.loading.load_settings import LoadSettings
from mechamap.models.neurons.model_layers import neuron_layers
from mechamap.models.reading import reading_of
from mechamap.scan.corpus.shard_pass import BATCHES_OF_CHUNK, CorpusFolders, ShardReader
from mechamap.scan.corpus.shards import layer_spans
from mechamap.scan.corpus.state import CorpusState
from mechamap.statistics.neuron_statistics import bytes_per_neuron
from mechamap.text.chunk import ChunkReader
from mechamap.text.natural_text import natural_passages

SIZES: dict[str, dict[str, Any]] = {
    "8b": {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
    },
    "1b": {
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
    },
    "tiny": {
        "hidden_size": 64,
        "intermediate_size": 192,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 4096,
    },
}


def random_llama(size: str, device: str, dtype: torch.dtype) -> LoadedModel:
    """A model of Llama's architecture with random weights, and the bundled model's tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    demo = load_model(resolve("demo"), LoadSettings(device="cpu"))
    config = LlamaConfig(**SIZES[size], max_position_embeddings=8192, dtype=dtype)
    torch.manual_seed(0)
    with torch.device(device):
        previous = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            model = LlamaForCausalLM(config).eval().requires_grad_(False)
        finally:
            torch.set_default_dtype(previous)
    layers = neuron_layers(model)
    return LoadedModel(
        label=f"random-llama-{size}",
        id=f"random-llama-{size}",
        revision=None,
        model=model,
        tokenizer=demo.tokenizer,
        device=torch.device(device),
        dtype=dtype,
        layers=layers,
        n_layers=len(layers),
        context=8192,
        vocabulary=config.vocab_size,
        architecture="llama",
        parameters=sum(parameter.numel() for parameter in model.parameters()),
    )


def documents(loaded: LoadedModel, tokens: int) -> Iterator[Document]:
    """The bundled passages, over and over, until there are so many tokens."""
    passages = natural_passages()
    total = number = 0
    while total < tokens:
        text = passages[number % len(passages)]
        yield Document(number, f"passage:{number + 1}", text)
        total += len(loaded.tokenizer(text, add_special_tokens=False)["input_ids"])
        number += 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus_gpu", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="8b")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seq-len", type=int, default=256)
    arguments = parser.parse_args()
    dtype = torch.float32 if arguments.device == "cpu" else torch.bfloat16
    began = time.perf_counter()
    loaded = random_llama(arguments.size, arguments.device, dtype)
    settings = CorpusSettings(("none",), seq_len=arguments.seq_len)
    config = replace(default_config(), corpus=settings)
    texts = list(documents(loaded, arguments.tokens))
    size = batch_tokens(loaded.device.type)
    chunks = ChunkReader(loaded.tokenizer, config, loaded.context, loaded.kind).chunks(texts, size * BATCHES_OF_CHUNK)
    batches = [
        batch
        for chunk in chunks
        for batch in sorted_batches(chunk.tokenized, chunk.tokenized.scored, size, loaded.device, reading_of(loaded))
    ]
    count = sum(int(batch.mask.sum()) for batch in batches)
    spans = layer_spans(loaded.layers, None, loaded.device)
    neurons = sum(span.width for span in spans)
    name = torch.cuda.get_device_name() if arguments.device.startswith("cuda") else "CPU"
    print(f"{date.today()}, {name}, torch {torch.__version__}")
    print(
        f"{loaded.parameters:,} parameters, {neurons:,} neurons, {count:,} tokens in {len(batches)} batches of {size:,}"
    )
    print(f"statistics: {neurons * bytes_per_neuron(settings.contexts, len(config.categories)) / 2**30:.2f} GiB")
    print(f"ready after {time.perf_counter() - began:.0f} s", flush=True)

    bare = {
        "forward": bare_forward(loaded.model, batches),
        "body": bare_forward(loaded.model.base_model, batches),  # type: ignore[arg-type]
    }
    with tempfile.TemporaryDirectory() as folder:
        folders = CorpusFolders(Path(folder))
        folders.make()

        def scan() -> float:
            state = CorpusState.empty(spans, settings, config.categories)
            reader = ShardReader(loaded, loaded.layers, config, folders, threading.Event())
            started = time.perf_counter()
            reader.read(state, 0, texts)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            return time.perf_counter() - started

        scan(), bare["forward"]()  # what is compiled or allocated once
        times = []
        for number in range(arguments.rounds):
            times.append((scan(), bare["forward"](), bare["body"]()))
            ours, forward, body = (count / seconds for seconds in times[-1])
            print(
                f"round {number + 1}: scan {ours:,.0f} tokens/s, forward {forward:,.0f}, body {body:,.0f}", flush=True
            )
    for place, what in ((1, "the model's forward"), (2, "its body, without logits")):
        middle = statistics.median(each[place] / each[0] for each in times)
        print(f"tokens/s with everything on, over {what}: {middle:.3f} (asked: at least 0.90)")
    if torch.cuda.is_available():
        print(f"peak memory: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")
    print(f"all in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
