"""A neuron of a run taken away: the code that reads its activations, and the commands that show what is shown."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mechamap.errors import UsageError
from mechamap.runs.neuron_names import NeuronName
from mechamap.runs.run import Run
from mechamap.takeaway.lens_code import hook_name, refuse_gguf
from mechamap.takeaway.step import attribute, pretrained_arguments

__all__ = ["READING_FORMS", "Reading"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A neuron, the tokens around its highest activation, and what the table around it shows.

    Attributes:
        run: its run.
        name: its name.
        ids: tokens of the window with its highest activation; empty where the run keeps none.
        where, sort, category: of the table, as the command line takes them; may be empty.
    """

    run: Run
    name: NeuronName
    ids: tuple[int, ...]
    where: str = ""
    sort: str = ""
    category: str = ""

    @classmethod
    def of(cls, run: Run, neuron: str, *, where: str = "", sort: str = "", category: str = "") -> Reading:
        """The reading of a neuron.

        Raises:
            UsageError: the run has no such neuron.
        """
        row = run.row_of(neuron)
        ids: tuple[int, ...] = ()
        if run.has("top_positions") and run.has_context:
            position = int(run.figure("top_positions")[row, 0])
            if 0 <= position < len(run.record.tokens.ids):
                here = run.whole_window_of(position)
                ids = tuple(int(token) for token in run.record.tokens.ids[here.start : here.stop])
        return cls(run, run.neuron_name(row), ids, where.strip(), sort, category)

    @property
    def source(self) -> str:
        """What the command line calls the run."""
        return str(self.run.path)

    @property
    def from_pretrained(self) -> str:
        """The arguments that transformers loads the model with."""
        model = self.run.record.model
        own_code = ", trust_remote_code=True" if model.own_code else ""
        return pretrained_arguments(model.id, model.revision) + own_code

    def ids_by(self, tokenizer: str) -> str:
        """What makes the tokens: those of the window, or of a text to fill in where the run keeps none.

        Args:
            tokenizer: what the code calls it.
        """
        if self.ids:
            return f"torch.tensor([{list(self.ids)}])"
        return f'{tokenizer}("Put a text here.", return_tensors="pt").input_ids'

    def refuse_adapter(self, program: str) -> None:
        """Refuse a model whose weights are not those that its name stands for.

        Raises:
            UsageError: an adapter was merged into them.
        """
        if self.run.record.model.adapter:
            raise UsageError(
                f"The model of {self.run.name} has an adapter, which the code for {program} would leave out.",
                "Take the neuron away as Python for transformers.",
            )

    @property
    def place(self) -> tuple[str, int]:
        """The path of the down-projection that the neuron is an input of, and which.

        Raises:
            UsageError: a hook of PyTorch does not see it, or the run does not say where it is.
        """
        if self.name.expert >= 0:
            raise UsageError(
                f"A hook does not see {self.name}: most models compute all experts of a layer in one module.",
                "Take it away as a command, or as Python for this library.",
            )
        place = self.name.index
        for proof in self.run.record.proof:
            if proof.layer == self.name.layer and not proof.experts:
                if place < proof.width:
                    return proof.path, place
                place -= proof.width
        raise UsageError(f"{self.run.name} does not say where {self.name} lies in its model.", "Scan the model itself.")

    @property
    def model_class(self) -> str:
        """The class of transformers that loads the model.

        Raises:
            UsageError: it has two sides, which read a text one token apart.
        """
        if any(rows.side for rows in self.run.layers):
            raise UsageError("The model has an encoder and a decoder; no one call reads a text with both.")
        return "AutoModel" if "write" in self.run.record.undefined else "AutoModelForCausalLM"


def neuron_command(reading: Reading) -> str:
    """The command that asks the neuron with a sentence."""
    return shlex.join(["mechamap", "probe", reading.source, "--neuron", str(reading.name), "--text", "..."]) + "\n"


def table_command(reading: Reading) -> str:
    """The command that exports what the table shows."""
    words = ["mechamap", "export", reading.source, "--format", "csv", "--wide"]
    if reading.where:
        words.append(f"--where={reading.where}")
    if reading.sort:
        words.append(f"--sort={reading.sort}")
    if reading.category:
        words += ["--category", reading.category]
    return shlex.join(words) + "\n"


def library_code(reading: Reading) -> str:
    """Python that reads the run."""
    sort = f", {reading.sort!r}" if reading.sort else ", None"
    return f'''"""{reading.name} in {reading.run.label}."""

from mechamap.query.evaluate import chosen_rows
from mechamap.runs.run import Run

run = Run.open({reading.source!r})
row = run.row_of({str(reading.name)!r})
for category in run.categories:
    print(category, float(run.column("selectivity", category)[row]))
for hit in run.top_tokens(row):
    print(f"{{hit.value:+.4f}} {{hit.piece!r}}")

# What the table shows.
rows = chosen_rows(run, {reading.where or None!r}{sort}, None, {reading.category or None!r})  # [neurons]
print(run.neuron_names(rows[:20]))
'''


def hook_code(reading: Reading) -> str:
    """Python that reads the neuron's activations with transformers alone.

    Raises:
        UsageError: see :class:`Reading`.
    """
    (path, place), kind, model = reading.place, reading.model_class, reading.run.record.model
    adapter = ""
    if model.adapter:
        adapter = f"""from peft import PeftModel

model = PeftModel.from_pretrained(model, {model.adapter!r}).merge_and_unload()
"""
    return f'''"""The activations of {reading.name} in {reading.run.label}, around its highest one."""

import torch
from transformers import {kind}, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained({reading.from_pretrained})
model = {kind}.from_pretrained({reading.from_pretrained}, dtype=torch.{model.dtype}).eval()
{adapter}ids = {reading.ids_by("tokenizer")}.to(model.device)
seen = []
down_projection = model.get_submodule({path!r})  # its inputs are the layer's neurons
handle = down_projection.register_forward_pre_hook(lambda module, args: seen.append(args[0][0, :, {place}]))
with torch.no_grad():
    model(ids)
handle.remove()
for token, value in zip(ids[0].tolist(), seen[0].tolist()):
    print(f"{{value:+.4f}} {{tokenizer.decode([token])!r}}")
'''


def nnsight_reading(reading: Reading) -> str:
    """Python that reads them with nnsight.

    Raises:
        UsageError: see :class:`Reading`.
    """
    reading.refuse_adapter("nnsight")
    path, place = reading.place
    dtype = reading.run.record.model.dtype
    return f'''"""The activations of {reading.name} in {reading.run.label}, around its highest one."""

import torch
from nnsight import LanguageModel

model = LanguageModel({reading.from_pretrained}, dtype=torch.{dtype}, dispatch=True)
ids = {reading.ids_by("model.tokenizer")}
with model.trace(ids):
    activations = model.{attribute(path)}.input[0, :, {place}].save()
for token, value in zip(ids[0].tolist(), activations.tolist()):
    print(f"{{value:+.4f}} {{model.tokenizer.decode([token])!r}}")
'''


def lens_reading(reading: Reading) -> str:
    """Python that reads them with TransformerLens.

    Raises:
        UsageError: the neuron is an expert's, or the model a GGUF file or one with an adapter.
    """
    refuse_gguf(reading.run.record.model.id)
    if reading.name.expert >= 0:
        raise UsageError(f"{reading.name} is an expert's neuron, which has another name in TransformerLens.")
    reading.refuse_adapter("TransformerLens")
    hook = hook_name(reading.name.layer)
    return f'''"""The activations of {reading.name} in {reading.run.label}, around its highest one."""

import torch
from transformer_lens.model_bridge import TransformerBridge

model = TransformerBridge.boot_transformers({reading.from_pretrained}, dtype=torch.{reading.run.record.model.dtype})
ids = {reading.ids_by("model.tokenizer")}.to(model.cfg.device)
_, cache = model.run_with_cache(ids, names_filter={hook!r})
for token, value in zip(ids[0].tolist(), cache[{hook!r}][0, :, {reading.name.index}].tolist()):
    print(f"{{value:+.4f}} {{model.tokenizer.decode([token])!r}}")
'''


READING_FORMS: Mapping[str, tuple[str, Callable[[Reading], str]]] = {
    "table": ("a command that exports what the table shows", table_command),
    "command": ("a command that asks the neuron with a sentence", neuron_command),
    "python": ("Python for this library", library_code),
    "transformers": ("Python for transformers alone", hook_code),
    "nnsight": ("Python for nnsight", nnsight_reading),
    "transformer_lens": ("Python for TransformerLens", lens_reading),
}
"""What each is, and what writes it."""
