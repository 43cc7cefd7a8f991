"""What a model's name means: the bundled model, a folder, a GGUF file, or a model of the hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mechamap.catalog.adapters import adapter_in
from mechamap.catalog.example_model import EXAMPLE_MODEL, example_model_file
from mechamap.catalog.hub_cache import cached_repository
from mechamap.catalog.short_names import SHORT_NAMES
from mechamap.catalog.weight_files import UNFINISHED
from mechamap.errors import ModelNotFound, UsageError
from mechamap.system.paths import is_whole, user_path
from mechamap.wording.advice import Action, Advice, Hint, Setting
from mechamap.wording.suggest import nearest

__all__ = ["ModelSource", "demo_folder", "looks_like_path", "resolve", "short_label"]


_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_LONGEST_NAME = 255  # bytes that file systems take for one component of a path
_OTHER_FILES = (
    ((".yaml", ".yml"), "If it is a config, give it beside a model: {}.", "config"),
    ((".txt", ".md"), "If it is a text to scan, give it beside a model: {}.", "text"),
)
_WHAT_A_MODEL_IS = (
    "Give a hub id (openai-community/gpt2), a short name (gpt2-small), a folder with a config.json, "
    "a .gguf file, or demo for the bundled model."
)


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        kind: what sort of place it is.
        id: the hub id, the absolute path of the folder or file, or ``demo``.
        path: where it lies on this machine; None for a hub id.
        label: the short name to show.
        name: as it was given.
    """

    kind: Literal["hub", "folder", "gguf", "demo"]
    id: str
    path: Path | None
    label: str
    name: str

    def check_revision(self, revision: str | None) -> None:
        """Refuse a revision of a model that is not on the hub: only the hub keeps several.

        Raises:
            UsageError: with what to do.
        """
        if revision is not None and self.kind != "hub":
            raise UsageError(
                f"{self.id} is not on the hub, so it has no revision {revision!r}.", "Leave the revision out."
            )


def _check_letters(name: str) -> None:
    if not is_whole(name):
        raise ModelNotFound(f"The name {name[:200]!r} is not UTF-8, so a run cannot tell it.", "Rename the folder.")
    if any(len(part.encode()) > _LONGEST_NAME for part in name.split("/")):
        raise ModelNotFound(f"{name[:60]!r}... is too long for the name of a model.", _WHAT_A_MODEL_IS)


def resolve(name: str) -> ModelSource:
    """What ``name`` means: the bundled model, a folder, a GGUF file, a short name, or else a hub id.

    Nothing is read but the file system, and nothing is fetched: whether a hub id exists shows on loading.

    Raises:
        ModelNotFound: ``name`` is empty, looks like a path that does not exist, is a folder without a
            ``config.json``, a file other than a GGUF file, not a valid hub id, or the example's model, which is not
            on this machine.
    """
    as_given, name = name, name.strip()
    if not name:
        raise ModelNotFound("No model was named.", _WHAT_A_MODEL_IS)
    if name == "demo":
        return _bundled(as_given)
    if name == EXAMPLE_MODEL:
        file = example_model_file()
        return ModelSource("gguf", str(file), file, short_label(file.name), as_given)
    _check_letters(name)
    path = user_path(name)
    known = SHORT_NAMES.get(name.lower())
    if path.is_dir():
        if (path / "config.json").is_file():
            folder = path.resolve()
            return ModelSource("folder", str(folder), folder, short_label(str(folder)), as_given)
        # A folder that merely shares a model's name must not hide that model.
        if known is None and (adapter := adapter_in(path.resolve())) is not None:
            raise ModelNotFound(f"The folder {path} holds {adapter.named} and no whole model.", adapter.advice)
        if known is None:
            raise ModelNotFound(
                f"The folder {path} has no config.json, so it is not a model folder.", _inside_hint(path)
            )
    elif path.exists():
        if path.suffix.lower() != ".gguf":
            raise ModelNotFound(f"{path} is a file, but not a .gguf file.", _file_hint(path))
        file = path.parent.resolve() / path.name  # not what it leads to: files of the hub cache have no suffix
        return ModelSource("gguf", str(file), file, short_label(name), as_given)
    elif looks_like_path(name):
        raise ModelNotFound(f"No such file or folder: {path}.", _nearest_hint(path))
    if known is not None:
        # Caches filled before the hub gave these models an owner hold them under the bare name.
        model_id = known if cached_repository(known).is_dir() or not cached_repository(name).is_dir() else name
        return ModelSource("hub", model_id, None, short_label(known), as_given)
    if not _HUB_ID.fullmatch(name) or ".." in name or "--" in name or len(name) > 96:
        raise ModelNotFound(
            f"{name!r} is neither a folder nor a file here, and it is not a valid hub id.", _WHAT_A_MODEL_IS
        )
    return ModelSource("hub", name, None, short_label(name), as_given)


def looks_like_path(name: str) -> bool:
    """Whether a name can only be a path."""
    return (
        name.startswith((".", "/", "~"))
        or name.count("/") > 1
        or name.endswith("/")
        or "\\" in name
        or name.lower().endswith(".gguf")
    )


def short_label(model_id: str) -> str:
    """The short name to show for a hub id or a path: ``openai-community/gpt2`` is ``gpt2``."""
    parts = [part for part in re.split(r"[/\\]", model_id) if part]
    if len(parts) >= 3 and parts[-2] == "snapshots" and parts[-3].startswith("models--"):
        return parts[-3].rpartition("--")[2]  # a folder inside the hub cache: its name is a commit hash
    last = parts[-1] if parts else model_id
    return last[: -len(".gguf")] if last.lower().endswith(".gguf") else last


def demo_folder() -> Path:
    """Where the bundled model lies."""
    return Path(__file__).parent.parent / "demo"


def _bundled(as_given: str) -> ModelSource:
    folder = demo_folder()
    if not (folder / "config.json").is_file():
        raise ModelNotFound(
            f"The bundled model is missing from this installation: {folder / 'config.json'} does not exist.",
            "Reinstall mechamap, or name another model.",
        )
    return ModelSource("demo", "demo", folder, "demo", as_given)


def _nearest_hint(path: Path) -> str:
    """The nearest existing path to one that does not exist."""
    folder = path.parent
    missing = path
    while not folder.is_dir() and folder != folder.parent:
        folder, missing = folder.parent, folder
    near = nearest(missing.name, _names_in(folder), cutoff=0.5)
    return f"Did you mean {folder / near[0]}?" if near else f"Looked in {folder.resolve()}. {_WHAT_A_MODEL_IS}"


def _inside_hint(folder: Path) -> Hint:
    """What to do about a folder that is not a model."""
    names = _names_in(folder)
    if "run.json" in names:
        return Advice.of("It is a run: open it with {}.", Action(str(folder), program="mechamap-tui"))
    if gguf := next((name for name in names if name.lower().endswith(".gguf")), None):
        return f"To use the GGUF file in it, give {folder / gguf}."
    if below := next((name for name in names if (folder / name / "config.json").is_file()), None):
        return f"Did you mean {folder / below}?"
    return "A model folder holds config.json, the weights (model.safetensors) and the tokenizer (tokenizer.json)."


def _file_hint(path: Path) -> Hint:
    if path.name.startswith("adapter_") and (adapter := adapter_in(path.parent.resolve())) is not None:
        return adapter.advice
    if path.suffix.lower() in UNFINISHED:
        return "It is of a download that has not finished: finish it."
    if (path.parent / "config.json").is_file():
        return f"Give the folder it is in: {path.parent}"
    for suffixes, sentence, setting in _OTHER_FILES:
        if path.suffix.lower() in suffixes:
            return Advice.of(sentence, Setting(setting, str(path)))
    if path.suffix.lower() == ".csv" or path.name == "run.json":
        return Advice.of("It holds results: open it with {}.", Action(str(path), program="mechamap-tui"))
    return _WHAT_A_MODEL_IS


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []
