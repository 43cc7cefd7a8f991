"""Requests to steer: the parameters of ``steer`` and ``control_vector``, for both ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = ["ControlVectorParams", "SteerParams"]


_Text = Annotated[str, Meta(description="a text")]
_PathText = Annotated[Path, Meta(description="a path, as text")]
_Flag = Annotated[bool, Meta(description="true or false")]
_Strength = Annotated[float, Meta(ge=-1e12, le=1e12, description="a number from -1e12 to 1e12")]
_Strengths = Annotated[
    tuple[_Strength, ...], Meta(min_length=1, max_length=101, description="a list of 1 to 101 numbers")
]
_Names = Annotated[tuple[str, ...], Meta(min_length=1, description="a list of names, such as L7.N1844")]
_Mode = Annotated[Literal["add", "set", "zero", "mean"], Meta(description="add, set, zero or mean")]
_Where = Annotated[Literal["all", "last"] | int, Meta(description="all, last, or the number of a token")]
_Natural = Annotated[int, Meta(ge=0, description="a whole number of at least 0")]
_Temperature = Annotated[float, Meta(ge=0, le=1000, description="a number from 0 to 1000")]


class SteerParams(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A ladder: see :class:`mechamap.steering.ladder.LadderSettings`; ``name``: of the set that the neurons are.

    ``strengths`` None: the usual ones. ``overtakes``: whether it makes earlier ladders that may be overtaken needless.
    """

    run: _PathText
    neurons: _Names
    text: _Text
    strengths: _Strengths | None = None
    mode: _Mode = "add"
    where: _Where = "all"
    controls: _Natural = 8
    category: _Text = ""
    generate: _Natural = 20
    temperature: _Temperature = 0.0
    seed: _Natural = 0
    top: _Natural = 5
    name: _Text = ""
    overtakes: _Flag = False


class ControlVectorParams(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What ``add`` does at a strength, as a control vector for llama.cpp in the file ``path``."""

    run: _PathText
    neurons: _Names
    strength: _Strength
    path: _PathText
    category: _Text = ""
    overwrite: _Flag = False
