"""What the engine was asked by the explorer, as the command that does the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from mechamap.protocol.requests import (
    AblateParams,
    CausesParams,
    CompareParams,
    ConfirmParams,
    ExportParams,
    InterpretParams,
    MatchParams,
    MovesParams,
    SimilarParams,
)
from mechamap.protocol.steer_requests import ControlVectorParams, SteerParams
from mechamap.protocol.steering import STRENGTHS, parse_strengths
from mechamap.replay.actions import source_of
from mechamap.replay.view import View

__all__ = ["command_of", "run_of"]


def run_of(params: Struct | None) -> Path | None:
    """The run that a request is about, the first of several; None of a request that explores none."""
    if type(params) not in _FLAGS:
        return None
    if isinstance(params, CompareParams):
        return params.runs[0]
    path: Path = params.run  # type: ignore[union-attr]  # as all others of these have
    return path


def command_of(params: Struct | None, view: View) -> list[str] | None:
    """The words of the command; None where the request explores nothing, or no command can say it.

    Args:
        view: what the table of the run shows, which an export may be of.
    """
    path = run_of(params)
    if params is None or path is None:
        return None
    words = _export(params, view) if isinstance(params, ExportParams) else _FLAGS[type(params)](params)
    if words is None:
        return None
    command, *flags = words
    runs = params.runs if isinstance(params, CompareParams) else (path,)
    return ["mechamap", command, *map(source_of, runs), *flags]


def _confirm(params: ConfirmParams) -> list[str]:
    return ["confirm", *_each("randomize", params.randomize)]


def _causes(params: CausesParams) -> list[str]:
    return ["ablate", "--top", "0"]


def _ablate(params: AblateParams) -> list[str]:
    return ["ablate", *_each("neuron", params.neurons), *(["--mean"] if params.mode == "mean" else [])]


def _interpret(params: InterpretParams) -> list[str]:
    return ["interpret", *_judged(params.by, params.threshold)]


def _compare(params: CompareParams) -> list[str]:
    return ["compare", *_judged(params.by, params.threshold)]


def _match(params: MatchParams) -> list[str]:
    return [*_compare(params), "--match", "--words", str(params.words or 0)]


def _similar(params: SimilarParams) -> list[str]:
    return ["similar", "--neuron", params.neuron, "--top", str(params.top)]


def _moves(params: MovesParams) -> list[str] | None:
    if "-" in (params.first, params.second):
        return None
    texts = [f"--text={params.first}", f"--text={params.second}"]
    return ["probe", *_each("neuron", params.neurons), *texts, "--compare", "--top", str(params.top)]


def _judged(by: str | None, threshold: float | None) -> list[str]:
    flags = [] if by is None else ["--by", by]
    return flags if threshold is None else [*flags, f"--threshold={threshold:.12g}"]


def _export(params: ExportParams, view: View) -> list[str]:
    """The neurons of the table where it was filtered, the marked ones, or all."""
    flags = ["export", "--format", params.format]
    flags += [flag for flag, on in (("--wide", params.wide), ("--excel", params.excel)) if on]
    if params.scope == "filtered":
        flags += view.flags()
    elif params.scope == "marked":
        flags += View("", view.sort, view.category, marked=True).flags()
    return [*flags, f"--out={params.path}"]


def _steer(params: SteerParams) -> list[str] | None:
    if params.text == "-":
        return None
    flags = ["steer", *(["--set", params.name] if params.name else _each("neuron", params.neurons))]
    flags += [f"--text={params.text}", "--mode", params.mode]
    if params.strengths is not None and params.strengths != parse_strengths(STRENGTHS):
        flags.append(f"--strengths={','.join(f'{strength:.12g}' for strength in params.strengths)}")
    flags += ["--from", str(params.where)] if params.where != "all" else []
    flags += [f"--category={params.category}"] if params.category else []
    flags += ["--controls", str(params.controls), "--generate", str(params.generate)]
    flags += ["--sample", f"{params.temperature:.12g}"] if params.temperature else []
    return [*flags, "--seed", str(params.seed)]


def _control_vector(params: ControlVectorParams) -> list[str]:
    """The vector alone: the ladder that the command makes beside is as short as can be."""
    strength = f"{params.strength:.12g}"
    flags = ["steer", *_each("neuron", params.neurons), "--text=The", f"--strengths={strength}"]
    flags += ["--controls", "0", "--generate", "0", f"--strength={strength}"]
    flags += [f"--category={params.category}"] if params.category else []
    return [*flags, f"--control-vector={params.path}"]


def _each(flag: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (f"--{flag}", value)]


_FLAGS: Mapping[type[Struct], Callable[[Any], list[str] | None]] = {
    ConfirmParams: _confirm,
    CausesParams: _causes,
    AblateParams: _ablate,
    InterpretParams: _interpret,
    CompareParams: _compare,
    MatchParams: _match,
    SimilarParams: _similar,
    MovesParams: _moves,
    ExportParams: lambda params: _export(params, View()),
    SteerParams: _steer,
    ControlVectorParams: _control_vector,
}
"""The command and its flags, without the run, for each request that explores one."""
