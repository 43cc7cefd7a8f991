"""A scan from Python: of a model by its name, or of one that is in memory already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from mechamap.api.progress import following
from mechamap.api.python_words import in_python_words
from mechamap.api.scanned_run import ScannedRun
from mechamap.config.bundled import config_path
from mechamap.config.schema import config_from_dict, load_config, with_overrides
from mechamap.errors import Cancelled, UsageError
from mechamap.events import ScanEvent, ScanStarted
from mechamap.system.paths import user_path
from mechamap.system.text_files import read_text_file

if TYPE_CHECKING:
    from mechamap.catalog.source import ModelSource
    from mechamap.config.scan_config import ScanConfig
    from mechamap.models.loaded import LoadedModel

__all__ = ["scan"]


Words: TypeAlias = "Sequence[str] | Mapping[str, Any]"


@in_python_words
def scan(
    model: Any,
    *,
    tokenizer: Any = None,
    categories: Mapping[str, Words] | None = None,
    text: str | Path | Sequence[str | Path] | None = None,
    corpus: str | Path | Sequence[str | Path] | Mapping[str, Any] | None = None,
    config: Path | str | Mapping[str, Any] | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    confirm: bool = False,
    causes: bool = False,
    progress: bool = True,
    **settings: Any,
) -> ScannedRun:
    """Score every MLP neuron of a model against categories, and keep the result as a run.

    ::

        run = mm.scan("gpt2", categories={"food": ["apple", "bread", "soup"]}, text=Path("recipes.txt"))
        run.top("food")

    Args:
        model: a hub id, a folder, a GGUF file, ``demo``; or a loaded model of transformers.
        tokenizer: of a loaded model, a fast tokenizer.
        categories: words by category, in place of the default config's; or what a config file says of each.
        text: the text to scan, or several; a Path is read.
        corpus: paths of a corpus to scan instead, or what a config file says of it.
        config: a config file, a bundled one by its name (``"finance"``), or its content as a mapping; the arguments win
            over it.
        out: the run's folder; a new one in the default place where not given.
        resume: go on with the run in ``out``.
        confirm: then check every finding.
        causes: then estimate what every neuron causes.
        progress: whether to draw a bar.
        settings: any other key of a config file, as ``layers="0-5"``, ``dtype="float32"``, ``window=512``.

    Returns:
        The run; it keeps a model that was given, and lets go of one that was loaded.

    Raises:
        UsageError, ConfigError: a setting that is unknown or makes no sense.
        MechaMapError: anything else that keeps the scan from being done, see :mod:`mechamap.errors`.
        Cancelled: it was interrupted; what is finished is kept.
    """
    changes = dict(settings)
    if categories is not None:
        changes["categories"] = _named_lists(categories)
    if text is not None:
        changes["texts"] = _texts(text)
    if corpus is not None:
        changes["corpus"] = _corpus(corpus)
    chosen = with_overrides(_config(config), **changes)
    folder = None if out is None else user_path(out)
    if folder is not None:
        from mechamap.runs.library import check_run_folder

        check_run_folder(folder, resume=resume)
    elif resume:
        raise UsageError("A scan can only go on in a folder that is named.", "Name it: out=FOLDER.")
    source, loaded = _model(model, tokenizer, chosen)
    from mechamap.scan.prepare import ScanRequest
    from mechamap.scan.with_checks import Checks, scan_and_check

    place: list[Path] = []
    with following("scanning", show=progress) as (tell, cancel):

        def hear(event: ScanEvent) -> None:
            if isinstance(event, ScanStarted):
                place.append(event.run)
            tell(event)

        try:
            run = scan_and_check(
                ScanRequest(source, chosen, folder, resume),
                Checks(confirm, causes),
                hear,
                cancel,
                None if loaded is None else lambda: loaded,
            )
        except Cancelled as stopped:
            if not place:
                raise
            again = f"What is finished is kept; to go on: mm.scan(..., out={str(place[0])!r}, resume=True)"
            raise Cancelled(stopped.message, again) from None
    return ScannedRun(run, loaded, progress=progress)


def _config(config: Path | str | Mapping[str, Any] | None) -> ScanConfig:
    if isinstance(config, Mapping):
        return config_from_dict(config)
    return load_config(None if config is None else config_path(config))


def _named_lists(categories: Mapping[str, Words]) -> dict[str, Any]:
    """Categories as a config file has them: a list of words each, or a mapping with ``words``."""
    return {name: words if isinstance(words, Mapping) else [*words] for name, words in categories.items()}


def _texts(given: str | Path | Sequence[str | Path]) -> list[str]:
    """The texts; paths are read."""
    several = [given] if isinstance(given, str | Path) else [*given]
    return [read_text_file(user_path(text)) if isinstance(text, Path) else text for text in several]


def _corpus(given: str | Path | Sequence[str | Path] | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    return {"sources": [str(path) for path in ([given] if isinstance(given, str | Path) else given)]}


def _model(model: Any, tokenizer: Any, config: ScanConfig) -> tuple[ModelSource, LoadedModel | None]:
    """What a scan is given of a model: where it comes from, and itself where it is in memory."""
    if isinstance(model, str | Path):
        if tokenizer is not None:
            raise UsageError("A model that is named brings its own tokenizer.", "Leave tokenizer out.")
        from mechamap.catalog.source import resolve

        return resolve(str(model)), None
    from mechamap.api.in_memory import from_memory

    return from_memory(model, tokenizer, config.neurons)
