"""``run.json``: the content of a run besides its arrays.

The file is one JSON object. What never changes during a scan (texts, tokens, config, ...) is serialized once,
because the file is replaced whenever layers are finished.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from mechamap.config.recorded import recorded_config
from mechamap.config.scan_config import ScanConfig, config_to_dict
from mechamap.errors import RunError
from mechamap.runs.checked import Causes, Confirmation, RandomizedSearches, SecondText
from mechamap.runs.coverage import Coverage
from mechamap.runs.scanned import Exclusions, LayerProof, TokenProof, UnembeddingRecord
from mechamap.system.plain_values import from_plain_values, to_plain_values
from mechamap.wording.advice import Action, Advice
from mechamap.wording.plain import shortened

if TYPE_CHECKING:
    from mechamap.runs.corpus.record import CorpusRecord

__all__ = ["CORPUS_FORMAT", "DAMAGED", "FORMAT", "RUN_DAMAGED", "LayerRows", "ModelRecord", "RunRecord", "TokenRecord"]


T = TypeVar("T")

FORMAT = 1
CORPUS_FORMAT = 2  # tokens lie in arrays beside run.json
RUN_DAMAGED = Advice.of("{} says what is wrong with it, and copies what is good.", Action("doctor RUN"))


DAMAGED = "weights not finite"  # a flag of layers


@dataclass(frozen=True, slots=True)
class LayerRows:
    """Which rows of every figure belong to a layer.

    ``width`` rows from ``first_row`` on; of ``d_mlp`` neurons that the layer has (more than ``width`` when the
    scan was limited). ``experts`` is 0 in a dense layer, else the rows are ``shared`` neurons that every token goes to,
    and then the experts' neurons one expert after another. ``side`` is encoder or decoder in a model that has both.
    """

    layer: int
    first_row: int
    width: int
    d_mlp: int
    experts: int = 0
    complete: bool = False
    flags: tuple[str, ...] = ()
    shared: int = 0
    side: str = ""

    @property
    def rows(self) -> slice:
        return slice(self.first_row, self.first_row + self.width)

    @property
    def damaged(self) -> bool:
        """Whether weights of the model hold NaN or infinity, so that this layer's activations are not finite."""
        return DAMAGED in self.flags


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """The model as it was loaded: ``name`` is what the user typed, ``id`` what it stands for.

    ``id`` is empty for a CSV that does not name its model; ``name`` is then that of the file.
    """

    name: str
    label: str
    id: str
    revision: str | None
    architecture: str
    parameters: int
    dtype: str
    device: str
    layers: int = 0
    context: int | None = None
    packing: str = ""  # what the weights are packed as, such as "nf4 (bitsandbytes)"
    adapter: str = ""  # the folder of the adapter that was merged into the weights
    attention: str = ""  # what it is computed with, in words, where the config names something else
    own_code: tuple[str, ...] = ()  # classes that came with the model as Python code, which was run


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """Every position of the scanned text, BOS and specials included, windows one after another.

    ``pieces[p]`` is the stretch of text position p stands for; ``windows`` are (text, first position, length);
    ``special`` are the positions of prepended tokens (BOS), ``excluded`` those that are not scored. Without
    windows (a CSV), positions have no neighbours. Of a corpus only stretches of windows are kept, and the number of the
    text is that of the document; see :mod:`mechamap.runs.corpus.tokens`.
    """

    ids: Sequence[int] = ()
    pieces: Sequence[str] = ()
    windows: Sequence[tuple[int, int, int]] = ()
    special: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The content of ``run.json``."""

    model: ModelRecord
    categories: tuple[str, ...]
    layers: tuple[LayerRows, ...]
    figures: tuple[str, ...]
    config: ScanConfig | None = None  # None of a CSV, which does not say
    tokens: TokenRecord = field(default_factory=TokenRecord)
    # (category, word, first position, last position) of every scored occurrence
    occurrences: tuple[tuple[int, int, int, int], ...] = ()
    coverage: Mapping[str, Coverage] = field(default_factory=dict)
    exclusions: Exclusions | None = None  # None of a CSV
    corpus: CorpusRecord | None = None  # None where texts were read
    proof: tuple[LayerProof, ...] = ()
    token_proof: TokenProof | None = None  # None where that is not known: of a CSV and of older versions
    unembedding: UnembeddingRecord | None = None  # None where neurons have no direct effect on the logits
    # why a figure is empty, by its name
    undefined: Mapping[str, str] = field(default_factory=dict)
    # what was checked after the scan; see docs/findings.md
    confirmation: Confirmation | None = None
    causes: Causes = field(default_factory=Causes)
    second_looks: tuple[SecondText, ...] = ()
    randomized: RandomizedSearches = field(default_factory=RandomizedSearches)
    versions: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    state: str = "complete"
    created: str = ""
    finished: str | None = None
    source: str = "scan"
    format: int = FORMAT

    @property
    def neurons(self) -> int:
        """Number of rows of every figure."""
        return sum(layer.width for layer in self.layers)


# These change while a scan runs; everything else is serialized once.
CHANGING = ("format", "state", "created", "finished", "layers", "problems", "timings", "proof")

# None of these is an empty object in the file.
_OBJECTS = ("config", "exclusions", "token_proof", "unembedding", "confirmation")

# Written only where they are there: most runs are over texts.
_RARE = ("corpus",)


def dump_fixed(record: RunRecord) -> str:
    """JSON of the members that stay the same during a scan, without the outer braces."""
    if record.format == CORPUS_FORMAT:
        record = replace(record, tokens=TokenRecord())  # they are in arrays
    members = {f.name: _plain(getattr(record, f.name)) for f in fields(record) if f.name not in CHANGING}
    members |= {name: {} for name in _OBJECTS if members[name] is None}
    members = {name: value for name, value in members.items() if name not in _RARE or value is not None}
    return json.dumps(members, ensure_ascii=False, allow_nan=False)[1:-1]


def dump(record: RunRecord, fixed: str | None = None) -> str:
    """The whole ``run.json``; ``fixed`` is what :func:`dump_fixed` gave for this record earlier."""
    members = {name: _plain(getattr(record, name)) for name in CHANGING}
    head = json.dumps(members, ensure_ascii=False, allow_nan=False)[:-1]
    return f"{head},\n{fixed if fixed is not None else dump_fixed(record)}}}\n"


def parse(text: str, where: str) -> RunRecord:
    """Read ``run.json``; whether its members fit one another is for :mod:`mechamap.runs.gate` to say.

    Raises:
        RunError: not JSON, not a run, or of a newer format.
    """
    try:
        data = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RunError(f"{where} is not valid JSON: {reason}.", "The run is damaged; scan again.") from None
    if not isinstance(data, dict) or "format" not in data:
        raise RunError(f"{where} does not describe a run: it has no format number.")
    if type(data["format"]) is not int or data["format"] > CORPUS_FORMAT:
        raise RunError(
            f"{where} has format {shortened(repr(data['format']))}; this version reads up to {CORPUS_FORMAT}.",
            "Update MechaMap to open it.",
        )
    try:
        if "\\ud" in text or "\\uD" in text:
            _check_characters(data)
        return RunRecord(
            **{
                **{f.name: data[f.name] for f in fields(RunRecord) if f.name in data},
                "model": from_plain_values(ModelRecord, data["model"], "model"),
                "categories": _list(data["categories"], "categories"),
                "figures": _list(data["figures"], "figures"),
                "layers": _listed(LayerRows, data, "layers"),
                "config": recorded_config(data.get("config", {})),
                "tokens": _tokens(data.get("tokens", {})),
                "occurrences": tuple(map(tuple, _list(data.get("occurrences", []), "occurrences"))),
                "proof": _listed(LayerProof, data, "proof"),
                "token_proof": _member(TokenProof, data, "token_proof"),
                "coverage": {
                    name: from_plain_values(Coverage, entry, f"coverage.{name}")
                    for name, entry in data.get("coverage", {}).items()
                },
                "exclusions": _member(Exclusions, data, "exclusions"),
                "corpus": _corpus(data),
                "unembedding": _member(UnembeddingRecord, data, "unembedding"),
                "confirmation": _member(Confirmation, data, "confirmation"),
                "causes": _member(Causes, data, "causes") or Causes(),
                "second_looks": _listed(SecondText, data, "second_looks"),
                "randomized": _member(RandomizedSearches, data, "randomized") or RandomizedSearches(),
                "problems": _list(data.get("problems", []), "problems"),
            }
        )
    except (TypeError, LookupError, AttributeError, ValueError, RecursionError, OverflowError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else shortened(str(error), 200)
        raise RunError(f"{where} is damaged: {reason}.", RUN_DAMAGED) from None


def _finite(written: str) -> float:
    """A number; NaN and what is too large for one are not JSON, which Python would read."""
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(f"{shortened(written)} is no number")
    return number


def _check_characters(data: Mapping[str, Any]) -> None:
    """Refuse halves of characters, which JSON can spell and no file or terminal can hold.

    Raises:
        ValueError: there is one; the message names the member.
    """
    for member, value in data.items():
        try:
            json.dumps({member: value}, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError(f"{shortened(ascii(member)[1:-1])} holds half of a character") from None


def _member(kind: type[T], data: Mapping[str, Any], member: str) -> T | None:
    return from_plain_values(kind, data[member], member) if data.get(member) else None


def _corpus(data: Mapping[str, Any]) -> CorpusRecord | None:
    if not data.get("corpus"):  # of most runs: what describes one is loaded for those that have it
        return None
    from mechamap.runs.corpus.record import CorpusRecord

    return _member(CorpusRecord, data, "corpus")


def _listed(kind: type[T], data: Mapping[str, Any], member: str) -> tuple[T, ...]:
    values = _list(data.get(member, []), member)
    return tuple(from_plain_values(kind, value, f"{member}[{number}]") for number, value in enumerate(values))


def _list(value: object, place: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{place} is {shortened(repr(value))}; expected a list")
    return tuple(value)


def _tokens(data: object) -> TokenRecord:
    if not isinstance(data, dict):
        raise ValueError(f"tokens is {shortened(repr(data))}; expected an object")
    lists = {name: _list(data.get(name, []), f"tokens.{name}") for name in ("ids", "pieces", "special", "excluded")}
    windows = _list(data.get("windows", []), "tokens.windows")
    return TokenRecord(**lists, windows=tuple((text, first, length) for text, first, length in windows))


def _plain(value: Any) -> Any:
    if isinstance(value, ScanConfig):
        return config_to_dict(value)
    return to_plain_values(value)
