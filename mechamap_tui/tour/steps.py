"""The six steps of the tour: what each is about, what to press, and what is to be seen then."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NEURON", "STEPS", "Step"]


NEURON = "L8.N1348"


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        title: what it does, in a word.
        keys: what to press, in order, as the help writes keys.
        before: what it is about, read before anything is pressed.
        after: what is to be seen once the last key was pressed.
        actions: the actions that do the step; each of them is enough.
        model: what would need the model, in a sentence; empty where nothing does.
    """

    title: str
    keys: str
    before: str
    after: str
    actions: tuple[str, ...]
    model: str = ""


STEPS = (
    Step(
        title="Categories",
        keys="c",
        before="The table lists 46,080 neurons by how well each reads one category, in the text, in a second text and "
        "in sentences that differ by the word alone. c goes to the next category; go to food.",
        after="The strongest neurons of that category are first. The list on the left counts them by layer.",
        actions=("category",),
    ),
    Step(
        title="Reading",
        keys=f"' {NEURON} enter, then t",
        before="A name leads to a neuron: layer 8, number 1348. The pane on the right has its highest tokens in "
        "context; t turns to its other tabs.",
        after="Each tab is another side of the same neuron: its tokens, the text, what its weights write, your notes.",
        actions=("next_detail",),
    ),
    Step(
        title="Confirming",
        keys="i",
        before="A high figure may be chance, with so many neurons. ✓ marks readings that held on words that did not "
        "choose them, against shuffled labels and words that are alike in all but meaning.",
        after="How this run was confirmed, and what the same search finds in random models. Esc closes it.",
        actions=("info", "confirm_run"),
        model="V would confirm anew",
    ),
    Step(
        title="Ablating",
        keys="a",
        before=f"Does the model need {NEURON}, or does it only light up? The ablation holds it at zero and reads the "
        "text again. For this neuron that was done: the result is in the run.",
        after="How each category's log probability changes, beside random neurons of the layer. Esc closes it.",
        actions=("ablate",),
        model="other neurons are measured when you press a on them",
    ),
    Step(
        title="Comparing",
        keys="r",
        before="From neurons to the model: how many neurons each category has, in which layers, which categories share "
        "them. With a second run, d puts both beside each other.",
        after="[ and ] turn the tables, enter on a cell shows the neurons behind it, Esc leads back.",
        actions=("interpret", "compare"),
    ),
    Step(
        title="Exporting",
        keys="e",
        before="All, the filtered or the marked neurons go to a CSV, JSON, Parquet or Markdown file; y copies one row, "
        "Y copies a neuron as code that reads it.",
        after="Enter writes the file, Esc leaves it. That was the tour: n scans a model of yours, ? has all keys.",
        actions=("export", "take_away", "copy"),
    ),
)
