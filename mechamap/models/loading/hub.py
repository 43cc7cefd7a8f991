"""Fetching a model from the hub, or finding it in the local cache, as a folder."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mechamap.catalog.hub_cache import cached_repository, hub_cache
from mechamap.catalog.short_names import SHORT_NAMES
from mechamap.errors import ModelError, ModelNotFound, WeightsError
from mechamap.models.loading.trouble import quiet_hub
from mechamap.wording.advice import Advice, Hint, Setting
from mechamap.wording.suggest import nearest

__all__ = ["fetch", "from_cache"]

_LOG = logging.getLogger(__name__)


_TIMEOUT = 4.0  # seconds the hub has to answer before the local cache is used instead
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
_SMALL_FILES = ("*.json", "*.model", "*.txt", "*.jinja", "*.tiktoken")


def fetch(
    model_id: str,
    revision: str | None,
    *,
    code: bool,
    stage: Callable[[str], None],
    weights: bool = True,
    check: Callable[[Path], None] = lambda folder: None,
) -> tuple[Path, str | None]:
    """The folder a hub model lies in, downloaded if necessary, and the commit it is from.

    The hub is asked once, without retries; where it cannot be reached, or HF_HUB_OFFLINE is set, the local
    cache is used. Only config, tokenizer and one form of the weights are downloaded.

    Args:
        model_id: the id on the hub.
        revision: branch, tag or commit; None for the main branch.
        code: whether to fetch the model's own Python code.
        stage: called with what is downloaded and how far it is.
        weights: whether to download them; otherwise only config and tokenizer are.
        check: called with the folder before weights are downloaded; if it raises, they are not downloaded.

    Raises:
        ModelNotFound: no such id or revision, or neither network nor a copy in the cache.
        ModelError: the model is gated, or the download failed.
    """
    if _is_set("HF_HUB_OFFLINE") or _is_set("TRANSFORMERS_OFFLINE"):
        return from_cache(model_id, revision, "HF_HUB_OFFLINE is set")
    from huggingface_hub import errors

    unreachable: tuple[type[Exception], ...] = (OSError, *_network_errors())
    try:
        folder = _download(model_id, revision, code=code, stage=stage, weights=weights, check=check)
    except errors.GatedRepoError:
        raise ModelError(
            f"{model_id} is gated: its owners ask you to log in and accept their terms.",
            "Open its page on the hub, accept the terms, then run `hf auth login`.",
        ) from None
    except errors.RevisionNotFoundError:
        raise ModelNotFound(
            f"{model_id} has no revision {revision!r} on the hub.", "Give a branch, tag or commit."
        ) from None
    except errors.RepositoryNotFoundError as error:
        if _refuses_token(error):
            return _without_hub(model_id, revision)
        raise ModelNotFound(f"The hub has no model {model_id}, or it is private.", _near_hint(model_id)) from None
    except errors.HFValidationError as error:
        raise ModelNotFound(f"{model_id!r} is not a valid hub id: {error}") from None
    except unreachable as error:
        if getattr(error, "errno", None) in _CANNOT_WRITE:
            raise ModelError(f"{model_id} cannot be written to {hub_cache()}: {_reason(error)}.") from None
        if _refuses_token(error):
            return _without_hub(model_id, revision)
        return from_cache(model_id, revision, f"the hub cannot be reached ({_reason(error)})")
    return folder, folder.name


def _without_hub(model_id: str, revision: str | None) -> tuple[Path, str | None]:
    """What the local cache has, where the hub refuses the token that is set."""
    try:
        return from_cache(model_id, revision, "the hub refuses the token that is set")
    except ModelNotFound:
        raise ModelError(
            f"{model_id} cannot be fetched: the hub refuses the token that is set here, for public models too.",
            "Log in again with `hf auth login`, or unset HF_TOKEN: public models need none.",
        ) from None


def _refuses_token(error: Any) -> bool:
    """Whether the hub says that a token is wrong or expired; it says so of every model, as if there were none."""
    from huggingface_hub import get_token

    answer = f"{error} {getattr(error, 'server_message', '')}"
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status == 401 and bool(get_token()) and ("Invalid credentials" in answer or "expired" in answer)


def _download(
    model_id: str,
    revision: str | None,
    *,
    code: bool,
    stage: Callable[[str], None],
    weights: bool,
    check: Callable[[Path], None],
) -> Path:
    """The folder in the cache, with what was not there fetched; arguments as for :func:`fetch`."""
    import huggingface_hub

    quiet_hub()
    endpoint = os.environ.get("HF_ENDPOINT")
    info = huggingface_hub.HfApi(endpoint=endpoint).model_info(model_id, revision=revision, timeout=_TIMEOUT)
    files = [sibling.rfilename for sibling in info.siblings or []]
    if "config.json" not in files:
        raise ModelNotFound(f"{model_id} on the hub has no config.json.", _no_config_hint(files))
    stage(f"fetching {model_id}")
    download = partial(
        huggingface_hub.snapshot_download,
        model_id,
        revision=revision,  # not the commit: only a name leaves a reference that works offline
        cache_dir=hub_cache(),
        ignore_patterns=["*/*"],
        tqdm_class=_reporting(stage),
        endpoint=endpoint,
    )
    large = _weights(model_id, files) if weights else []
    folder = Path(download(allow_patterns=[*_SMALL_FILES, "*.py"] if code else list(_SMALL_FILES)))
    check(folder)
    if large:
        download(allow_patterns=large)
    return folder


def from_cache(model_id: str, revision: str | None, why: str) -> tuple[Path, str | None]:
    """The newest snapshot in the local cache; ``why`` says why the hub was not asked."""
    repository = cached_repository(model_id)
    branch = revision or "main"
    reference = repository / "refs" / branch
    commit = reference.read_text(encoding="utf-8", errors="replace").strip() if reference.is_file() else branch
    if revision is None and not reference.is_file():  # only ever fetched by commit: take the newest of those
        snapshots = sorted(repository.glob("snapshots/*"), key=lambda path: path.stat().st_mtime)
        commit = snapshots[-1].name if snapshots else branch
    folder = repository / "snapshots" / commit
    if not (folder / "config.json").is_file():
        revision_note = f" at revision {revision}" if revision else ""
        raise ModelNotFound(
            f"{model_id}{revision_note} is not in the local cache ({hub_cache()}), and {why}.",
            f"{_near_hint(model_id)} Without a network, use demo, a folder or a .gguf file.".strip(),
        )
    return folder, commit


def _weights(model_id: str, files: Sequence[str]) -> list[str]:
    """The patterns of the weights to download, in one form: safetensors if there are any."""
    for suffix, stem in ((".safetensors", "model"), (".bin", "pytorch_model")):
        if f"{stem}{suffix}" in files:
            return [f"{stem}{suffix}"]
        if f"{stem}{suffix}.index.json" in files:
            return [f"{stem}-*{suffix}"]
    if shard := next((name for name in files if "-of-" in name and name.endswith((".safetensors", ".bin"))), None):
        raise WeightsError(
            f"{model_id} on the hub has shards of its weights, such as {shard}, but no index that says where each is.",
            "Ask its authors for model.safetensors.index.json, or give a model that it was made from.",
        )
    raise WeightsError(f"{model_id} on the hub has no weights that transformers can read.", _no_config_hint(files))


def _no_config_hint(files: Sequence[str]) -> Hint:
    if "adapter_config.json" in files:
        return Advice.of(
            "It is an adapter: download it, and give the model it was trained on with {}.", Setting("adapter", "DIR")
        )
    if any(name.lower().endswith(".gguf") for name in files):
        return "It holds GGUF files: download one and give its path."
    return "Give the id of a model in the format of transformers."


def _near_hint(model_id: str) -> str:
    near = nearest(model_id.lower(), SHORT_NAMES, cutoff=0.7)
    if near and SHORT_NAMES[near[0]] != model_id:
        return f"Did you mean {near[0]} ({SHORT_NAMES[near[0]]})?"
    return "Check its spelling."


def _reporting(stage: Callable[[str], None]) -> type[Any]:
    """A progress bar that draws nothing and calls ``stage`` with the bytes downloaded so far."""
    from tqdm import tqdm

    class Reporting(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._bytes = kwargs.get("unit") == "B"
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": False, "file": _Nowhere(), "mininterval": 0.25})

        def display(self, *args: Any, **kwargs: Any) -> None:
            if self._bytes and self.total:
                stage(f"downloading {self.n / 1e6:,.0f} of {self.total / 1e6:,.0f} MB")

    return Reporting


class _Nowhere:
    """A stream that swallows what is written to it."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None: ...


def _network_errors() -> tuple[type[Exception], ...]:
    """The error of huggingface_hub's HTTP client when no server answers; it is httpx, under one of two names."""
    for module in ("httpx2", "httpx"):
        try:
            return (__import__(module).HTTPError,)
        except ImportError:
            continue
    return ()


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").upper() in {"1", "ON", "YES", "TRUE"}
