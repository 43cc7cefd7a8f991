"""A step as the command that repeats it."""

from __future__ import annotations

import shlex

from mechamap.takeaway.step import Step

__all__ = ["command"]


def command(step: Step) -> str:
    """``mechamap steer ...``, one line for a shell."""
    ladder = step.ladder
    words = ["mechamap", "steer", ladder.run or ladder.model]
    if ladder.name:
        words += ["--set", ladder.name]
    else:
        for neuron in ladder.neurons:
            words += ["--neuron", neuron.neuron]
    words += [f"--text={ladder.prompt}", "--mode", ladder.mode]
    if step.strength is not None:
        words.append(f"--strengths={step.strength:.12g}")
    if ladder.where != "all":
        words += ["--from", str(ladder.where)]
    if ladder.category:
        words += ["--category", ladder.category]
    words += ["--controls", str(len(ladder.controls)), "--generate", str(ladder.generated)]
    if ladder.temperature:
        words += ["--sample", f"{ladder.temperature:g}"]
    words += ["--seed", str(ladder.seed)]
    return shlex.join(words) + "\n"
