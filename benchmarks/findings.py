"""What the checks cost against bare forwards, and what they find: held-out readings, shuffled labels, causes."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.calibration import calibration
from benchmarks.causes import all_causes_figures
from benchmarks.figures import Figure, paired, ratio, seconds
from benchmarks.natural import judge_in_natural_text, list_figures, natural_texts
from benchmarks.near import near_figures
from benchmarks.reliability import reliability_figures
from benchmarks.scan import bare_body
from benchmarks.second_text import second_text_figures
from mechamap.capture.batches import BATCH_TOKENS, window_batches
from mechamap.capture.hooked_pass import PassSettings
from mechamap.capture.prefix_pass import capture_sharing_prefixes
from mechamap.capture.rerun import text_of_run
from mechamap.catalog.source import resolve
from mechamap.checks.causes.ablated_window import Ablated
from mechamap.checks.causes.ablator import Ablator
from mechamap.checks.causes.attribution import estimate_causes
from mechamap.checks.causes.target_words import word_targets
from mechamap.checks.confirm import confirm_run
from mechamap.checks.confirmation_pass import BATCH_TOKENS as CARRIER_TOKENS
from mechamap.config.schema import default_config, with_overrides
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.load import load_model
from mechamap.models.loading.load_settings import LoadSettings
from mechamap.models.unembedding_search import find_unembedding
from mechamap.runs.run import Run
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.scan import scan
from mechamap.scores.writes import WriteScores, category_tokens
from mechamap.system.plain_values import to_plain_values
from mechamap.text.carrier_words import carrier_words
from mechamap.text.carriers import Carriers, carry
from mechamap.text.tokenize import tokenize

__all__ = ["findings_figures"]

WORDS = 16  # of each category
ABLATED_LAYERS, ABLATED_EACH, NAIVE = 10, 6, 5


def findings_figures(model_path: Path, rounds: int, texts: Sequence[Path] = ()) -> list[Figure]:
    """All figures about findings on ``model_path``, in float32 with the default config.

    Args:
        texts: files of natural text, in which the first neurons of each category are judged.
    """
    loaded = load_model(resolve(str(model_path)), LoadSettings(dtype="float32"))
    tokenized = tokenize(default_config().texts, loaded.tokenizer, default_config(), loaded.context)
    bare = bare_body(loaded, tokenized)
    with tempfile.TemporaryDirectory() as folder:
        run = scan(ScanRequest(resolve(loaded.id), default_config(), Path(folder) / "run"), loaded=loaded)
        figures = [
            _writes(loaded, bare, rounds),
            *_confirm(loaded, Path(folder), rounds),
            _causes(run, loaded, bare, rounds),
        ]
        figures += _ablation(estimate_causes(run, loaded), loaded, rounds)
        figures += all_causes_figures(model_path)
        figures += calibration(loaded)
        confirmed = confirm_run(run, loaded)
        figures += [*_held_out(confirmed), *near_figures(confirmed, loaded), *reliability_figures(loaded)]
        return [*figures, *(_lists(confirmed, loaded, Path(folder), texts) if texts else ())]


def _lists(run: Run, loaded: LoadedModel, folder: Path, paths: Sequence[Path]) -> list[Figure]:
    """The first neurons by several orders, judged in natural text."""
    same, other = judge_in_natural_text(loaded, natural_texts(paths), run.config)
    values = {name: np.asarray(run.figure(name)) for name in ("strength", "ap", "p", "held_out_auroc", "mean")}
    orders = {
        "strength": values["strength"],
        "ap": values["ap"],
        "reads, either sign": np.abs(run.figure("selectivity")),
        "p, then held": np.round(-values["p"], 3) * 10 + values["held_out_auroc"],
        "mean": values["mean"],
    }
    return list_figures(run, orders, same, other) + second_text_figures(loaded, folder, same, other)


def _writes(loaded: LoadedModel, bare: Callable[[], None], rounds: int) -> Figure:
    def ours() -> float:
        def work() -> None:
            unembedding = find_unembedding(loaded)
            writes = WriteScores(unembedding, category_tokens(default_config().categories, loaded.tokenizer))
            for layer in loaded.layers:
                writes.score(layer)

        return seconds(work)

    ours()
    pairs = paired(ours, lambda: seconds(bare), rounds)
    return ratio("writes of all neurons, unembedding found and proved / bare body", pairs, 1.0, ("writes", "forward"))


def _confirm(loaded: LoadedModel, folder: Path, rounds: int) -> list[Figure]:
    """A confirmation, and the model's part of it, against plain forwards over the same sentences."""
    config = with_overrides(
        default_config(),
        categories={category.name: list(category.words[:WORDS]) for category in default_config().categories},
        contrast=[],
    )
    run = scan(ScanRequest(resolve(loaded.id), config, folder / "confirmed"), loaded=loaded)
    carriers = carry(carrier_words(config, loaded.tokenizer), config, loaded.tokenizer, loaded.context)
    bare = _bare_carriers(loaded, carriers)
    confirmed, passes = [], []
    for _ in range(rounds):
        forwards = seconds(bare)
        confirmed.append((seconds(lambda: confirm_run(run, loaded)), forwards))
        passes.append((seconds(lambda: _carrier_pass(loaded, carriers)), forwards))
    what = f"{len(carriers.words.words)} words x {carriers.templates} templates"
    over = "bare forwards over the whole sentences"
    return [
        ratio(f"confirm, {what}, 200 permutations / {over}", confirmed, 1.0, ("confirm", "forwards")),
        ratio(f"its pass, what sentences begin with run once / {over}", passes, 0.4, ("pass", "forwards")),
    ]


def _carrier_pass(loaded: LoadedModel, carriers: Carriers) -> None:
    settings = PassSettings(
        position_mask=carriers.tokenized.scored,
        batch_tokens=CARRIER_TOKENS.get(loaded.device.type),
        give_back=False,
    )
    capture_sharing_prefixes(loaded, carriers.tokenized, loaded.layers, lambda layer, activations: None, settings)
    if loaded.device.type == "cuda":
        torch.cuda.synchronize()


def _bare_carriers(loaded: LoadedModel, carriers: Carriers) -> Callable[[], None]:
    tokenized = carriers.tokenized
    kind = loaded.device.type
    size = CARRIER_TOKENS.get(kind) or BATCH_TOKENS.get(kind, BATCH_TOKENS["cpu"])
    batches = window_batches(tokenized, tokenized.scored, size, loaded.device)
    body = cast(torch.nn.Module, loaded.model.base_model)

    def forwards() -> None:
        with torch.inference_mode():
            for batch in batches:
                body(input_ids=batch.ids, attention_mask=batch.mask, use_cache=False)
        if loaded.device.type == "cuda":
            torch.cuda.synchronize()

    return forwards


def _causes(run: Run, loaded: LoadedModel, bare: Callable[[], None], rounds: int) -> Figure:
    categories = len(run.categories)
    pairs = paired(
        lambda: seconds(lambda: estimate_causes(run, loaded)) / categories, lambda: seconds(bare), min(rounds, 3)
    )
    return ratio("estimated causes, per category / bare body", pairs, 4.0, ("category", "forward"))


def _ablation(run: Run, loaded: LoadedModel, rounds: int) -> list[Figure]:
    """Neurons of layers spread over the model, measured, against a whole forward for each neuron and text."""
    rng = np.random.default_rng(0)
    layers = np.linspace(0, len(loaded.layers) - 1, min(ABLATED_LAYERS, len(loaded.layers))).astype(int)
    neurons = [
        Ablated(int(layer), int(index))
        for layer in layers
        for index in rng.choice(loaded.layers[layer].width, ABLATED_EACH, replace=False)
    ]
    targets, text = word_targets(run), text_of_run(run)
    measured: list[NDArray[np.float64]] = []

    def ours() -> float:
        started = time.perf_counter()
        measured[:] = Ablator(loaded, text, targets).effects(neurons)
        return (time.perf_counter() - started) / len(neurons)

    # The naive way takes so long that a few neurons, spread over the layers alike, stand for all.
    some = [round(at) for at in np.linspace(0, len(neurons) - 1, NAIVE)]
    naive = _Naive(run, loaded)
    pairs, differences = [], []
    for _ in range(min(rounds, 3)):
        mine = ours()
        started = time.perf_counter()
        known = naive.log_probabilities(None)
        effects = [naive.log_probabilities(neurons[at]) - known for at in some]
        theirs = (time.perf_counter() - started) / (len(some) + 1)
        pairs.append((theirs, mine))
        differences.append(max(np.abs(its - measured[0][at]).max() for its, at in zip(effects, some, strict=True)))
    faster = [theirs / mine for theirs, mine in pairs]
    middle = statistics.median(faster)
    least = 20 if loaded.device.type == "cuda" else 3
    means, _ = targets.means(measured[0])  # [neurons, categories]
    rows = [run.row_of(f"L{neuron.layer}.N{neuron.index}") for neuron in neurons]
    estimates = run.figure("cause")[rows]
    by_word = naive.seconds_by_word(neurons[some[len(some) // 2]])
    mine = statistics.median(m for _, m in pairs)
    return [
        Figure(
            "one whole forward per neuron and prompt (the text before a word) / measured ablation",
            f"{by_word / mine:.1f} x",
            f">= {least} x",
            by_word / mine >= least,
            f"{by_word:.3g} s a neuron against {mine:.3g} s, {len(targets.positions)} prompts; one neuron",
        ),
        Figure(
            "one whole forward per neuron and text, all its words read from it / measured ablation",
            f"{middle:.1f} x",
            f">= {least} x",
            middle >= least,
            f"{statistics.median(t for t, _ in pairs):.3g} s a neuron against "
            f"{statistics.median(m for _, m in pairs):.3g} s, {len(neurons)} neurons of {len(layers)} layers, "
            f"{len(text.windows)} texts, {len(targets.positions)} words; results differ by {max(differences):.1g} nats",
        ),
        Figure(
            "rank correlation of estimated and measured causes (Spearman)",
            f"{_spearman(estimates.ravel(), means.ravel()):.3f}",
            "-",
            None,
            f"{means.size} effects, {np.abs(means).max():.2g} nats at most",
        ),
    ]


class _Naive:
    """What anybody would write first: the whole model, once for every neuron and text, all logits."""

    def __init__(self, run: Run, loaded: LoadedModel) -> None:
        self._loaded, self._text, self._targets = loaded, text_of_run(run), word_targets(run)

    def log_probabilities(self, neuron: Ablated | None) -> NDArray[np.float64]:
        found = np.zeros(len(self._targets.positions))
        for window in self._text.windows:
            span = slice(window.start, window.start + window.length)
            ids = torch.from_numpy(self._text.ids[span].astype(np.int64))[None].to(self._loaded.device)
            scored = torch.from_numpy(np.flatnonzero(self._text.scored[span])).to(self._loaded.device)
            with torch.no_grad():
                logits = self._forward(ids, scored, neuron)
            for at, position in enumerate(self._targets.positions):
                if window.start < position < window.start + window.length:
                    row = logits[position - 1 - window.start].float()
                    found[at] = float(row[int(self._text.ids[position])] - row.logsumexp(0))
        return found

    def seconds_by_word(self, neuron: Ablated) -> float:
        """How long one neuron takes with a forward for each word, over what precedes it."""
        started = time.perf_counter()
        for position in self._targets.positions.tolist():
            window = next(w for w in self._text.windows if w.start < position < w.start + w.length)
            span = slice(window.start, position)
            ids = torch.from_numpy(self._text.ids[span].astype(np.int64))[None].to(self._loaded.device)
            scored = torch.from_numpy(np.flatnonzero(self._text.scored[span])).to(self._loaded.device)
            with torch.no_grad():
                row = self._forward(ids, scored, neuron)[-1].float()
            float(row[int(self._text.ids[position])] - row.logsumexp(0))
        return time.perf_counter() - started

    def _forward(self, ids: Tensor, scored: Tensor, neuron: Ablated | None) -> Tensor:
        def hook(_module: torch.nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            assert neuron is not None
            held = args[0].clone()
            held.reshape(-1, held.shape[-1])[scored, neuron.index] = neuron.value
            return (held, *args[1:])

        handle = None
        if neuron is not None:
            handle = self._loaded.layers[neuron.layer].module.register_forward_pre_hook(hook)
        logits: Tensor = self._loaded.model(input_ids=ids, use_cache=False).logits[0]
        if handle is not None:
            handle.remove()
        return logits


def _spearman(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float(np.corrcoef(np.argsort(np.argsort(one)), np.argsort(np.argsort(other)))[0, 1])


def _held_out(run: Run) -> list[Figure]:
    """For each category, the neuron that half of the words chose, on the other half; beside ranking by mean."""
    figures = []
    for name, about in to_plain_values(run.record.confirmation)["categories"].items():
        held = about["held_out_auroc"]
        figures.append(
            Figure(
                f"held-out AUROC, {name}",
                f"{held:.3f}",
                ">= 0.95",
                held >= 0.95,
                f"lowest half {about['held_out_auroc_lowest']:.3f}, average precision {about['held_out_ap']:.3f}, "
                f"best {about['best']}; chosen by mean activation: {about['by_mean']:.3f}",
            )
        )
    return figures
