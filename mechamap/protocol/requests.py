"""Requests to the engine: the parameters of every method, for both ends.

A parameter that has a default may be left out, or be null.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args

from msgspec import NODEFAULT, Meta, Struct, ValidationError
from msgspec.structs import fields

from mechamap.protocol import rpc
from mechamap.protocol.messages import decode
from mechamap.protocol.rpc import RpcFault

__all__ = [
    "AblateParams",
    "ActivationsParams",
    "CausesParams",
    "CompareParams",
    "ConfirmParams",
    "ExportParams",
    "InterpretParams",
    "LensParams",
    "MatchParams",
    "MovesParams",
    "PlanParams",
    "ProbeParams",
    "ScanParams",
    "SimilarParams",
    "WindowParams",
    "read_params",
]

_P = TypeVar("_P", bound=Struct)

# The values that a parameter takes, as an error message describes them.
_Text = Annotated[str, Meta(min_length=1, description="a text")]
_AnyText = Annotated[str, Meta(description="a text")]
_PathText = Annotated[Path, Meta(description="a path, as text")]
_Flag = Annotated[bool, Meta(description="true or false")]
_Number = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max, description="a number")]
_Natural = Annotated[int, Meta(ge=0, description="a whole number of at least 0")]
_Positive = Annotated[int, Meta(ge=1, description="a whole number of at least 1")]
# With fewer no p is below 0.05.
_Permutations = Annotated[int, Meta(ge=20, description="a whole number of at least 20")]
_Token = Annotated[int, Meta(description="the number of a token")]
_Layer = Annotated[int, Meta(description="a number")]
_Changes = Annotated[dict[str, Any], Meta(description="an object of changed keys")]
_Names = Annotated[tuple[str, ...], Meta(min_length=1, description="a list of names, such as L7.N1844")]
_Chosen = Annotated[tuple[str, ...], Meta(description="a list of names, such as L7.N1844")]
_Rows = Annotated[tuple[int, ...], Meta(description="a list of row numbers")]
_Runs = Annotated[tuple[_PathText, ...], Meta(min_length=2, description="a list of two folders or CSV files or more")]
_Way = Annotated[str, Meta(pattern="^(weights|layers|basis)$")]  # those of mechamap.config.choices.RANDOMIZE
_Ways = Annotated[tuple[_Way, ...], Meta(description="a list of weights, layers or basis")]
_Mode = Annotated[Literal["zero", "mean"], Meta(description="zero or mean")]


class _Params(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Base of all parameters: those that have their default are left out of the message."""


class _Settings(_Params, frozen=True, kw_only=True):
    """A model and the settings of its scan: ``config`` changes keys of ``config_file``, or of the default config."""

    model: _Text
    config: _Changes | None = None
    config_file: _PathText | None = None
    out: _PathText | None = None


class ScanParams(_Settings, frozen=True, kw_only=True):
    """``out``: folder of the run; ``resume``: resume the run in it."""

    resume: _Flag = False


class PlanParams(_Settings, frozen=True, kw_only=True):
    """``fetch``: whether the config of a hub model that is not in the cache may be fetched."""

    fetch: _Flag = True


class ActivationsParams(_Params, frozen=True, kw_only=True):
    run: _PathText
    layer: _Layer


class ConfirmParams(_Params, frozen=True, kw_only=True):
    """None: as it is by default. ``randomize``: ways to make the model random for further searches; with some, a run
    that is confirmed already is not confirmed again."""

    run: _PathText
    randomize: _Ways = ()
    permutations: _Permutations | None = None
    splits: _Positive | None = None
    seed: _Natural | None = None


class CausesParams(_Params, frozen=True, kw_only=True):
    run: _PathText


class AblateParams(_Params, frozen=True, kw_only=True):
    """``controls``, ``seed``: None: as they are by default."""

    run: _PathText
    neurons: _Names
    mode: _Mode = "zero"
    controls: _Natural | None = None
    seed: _Natural | None = None


class LensParams(_Params, frozen=True, kw_only=True):
    """``k`` tokens on either side."""

    run: _PathText
    neuron: _Text
    k: _Natural = 10


class WindowParams(_Params, frozen=True, kw_only=True):
    """``position``: of a token that the run keeps; its whole stretch is read. ``kept``: the folder of the tokens that
    it is a position in, as ``corpus.kept`` of the run's record has it; None: the current one."""

    run: _PathText
    neuron: _Text
    position: _Natural
    kept: _Text | None = None


class ProbeParams(_Params, frozen=True, kw_only=True):
    """About a run's neurons, or those of a ``model`` without one.

    Attributes:
        neurons: whose activations at every token are wanted.
        position: the token that ``outliers`` and ``next`` are about, from the end where negative; None: the last one.
        outliers, next: how many neurons that stand out there, how many tokens that come next.
        overtakes: whether it makes earlier probes that may be overtaken needless; it may be overtaken itself then.
    """

    text: _AnyText
    run: _PathText | None = None
    model: _Text | None = None
    neurons: _Chosen = ()
    position: _Token | None = None
    outliers: _Natural = 0
    next: _Natural = 0
    overtakes: _Flag = False


class MovesParams(_Params, frozen=True, kw_only=True):
    """``top`` neurons that differ most between two texts, and the differences of some ``neurons``."""

    run: _PathText
    first: _AnyText
    second: _AnyText
    neurons: _Chosen = ()
    top: _Positive = 20


class SimilarParams(_Params, frozen=True, kw_only=True):
    """The ``top`` neurons most like one."""

    run: _PathText
    neuron: _Text
    top: _Positive = 20


class ExportParams(_Params, frozen=True):
    """What to write and where; by rows, in their order, by names or by a query. All neurons where none is given."""

    run: _PathText
    path: _PathText
    format: _Text
    wide: _Flag = False
    scope: _Text = "all"
    rows: _Rows | None = None
    overwrite: _Flag = False
    names: _Chosen | None = None
    where: _Text | None = None
    sort: _Text | None = None
    limit: _Positive | None = None
    excel: _Flag = False


class InterpretParams(_Params, frozen=True, kw_only=True):
    """``top`` neurons are named for each category; ``most``: rows of the tables that have one for each neuron."""

    run: _PathText
    by: _Text | None = None
    threshold: _Number | None = None
    top: _Positive = 5
    most: _Positive | None = None


class CompareParams(_Params, frozen=True, kw_only=True):
    runs: _Runs
    by: _Text | None = None
    threshold: _Number | None = None
    most: _Positive | None = None


class MatchParams(CompareParams, frozen=True, kw_only=True):
    """``words``: over how many of the text's words; None: all."""

    words: _Positive | None = None


def read_params(method: str, params: Mapping[str, Any], kind: type[_P]) -> _P:
    """The parameters of a request; unknown ones are ignored.

    Raises:
        RpcFault: one is missing or is not valid; the message names it and says what it takes.
    """
    values: dict[str, Any] = {}
    for field in fields(kind):
        required = field.default is NODEFAULT
        value = params.get(field.name)
        if value is None and not required:
            continue
        if field.name not in params:
            raise RpcFault(rpc.INVALID_PARAMS, f"{method} needs {field.name}, {_takes(field.type)}.")
        try:
            values[field.name] = decode(value, field.type)
        except ValidationError:
            nullable = ", or null" if field.default is None else ""
            raise RpcFault(rpc.INVALID_PARAMS, f"{field.name} is {_takes(field.type)}{nullable}.") from None
    return kind(**values)


def _takes(hint: object) -> str:
    """The description in an annotation, also of one that may be None."""
    for part in get_args(hint):
        if isinstance(part, Meta) and part.description:
            return part.description
    return next((_takes(part) for part in get_args(hint) if part is not NoneType), "")
