"""What was gathered in one folder taken over into another: of parts that are merged, of shards that workers read."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from mechamap.errors import RunError
from mechamap.scan.corpus.kept_text import kept_paths
from mechamap.scan.corpus.samples import sample_path
from mechamap.scan.corpus.shard_pass import CorpusFolders
from mechamap.scan.corpus.state import CorpusState
from mechamap.system.bounded_files import check_is_file

__all__ = ["absorb", "folder_from_files", "folder_to_files"]


_COPY_AGAIN = "Copy the part again."


def absorb(state: CorpusState, folders: CorpusFolders, theirs: CorpusState, source: CorpusFolders) -> None:
    """Add a state to another one, and copy the files that belong to it.

    Args:
        state: which grows.
        folders: of its files.
        theirs: of shards that are not in ``state``.
        source: of their files, which stay where they are.

    Raises:
        RunError: a shard is in both, or a file is larger than it can be.
        OSError: a file cannot be copied.
    """
    most = 4 * theirs.neurons * (theirs.rest.capacity + sum(sample.capacity for sample in theirs.categories))
    state.merge(theirs)
    for shard in sorted(theirs.shards):
        path = sample_path(source.samples, shard)
        if path.exists():
            if (size := _size(path)) > most:
                raise RunError(
                    f"{path} is damaged: its {size:,} bytes are more than the activations that are drawn.", _COPY_AGAIN
                )
            shutil.copyfile(path, folders.samples / path.name)
    for path in kept_paths(source.text, theirs.shards):
        _size(path)
        shutil.copyfile(path, folders.text / path.name)


def _size(path: Path) -> int:
    """Of a file that is to be copied.

    Raises:
        RunError: it cannot be read, or is no file.
    """
    try:
        return check_is_file(path)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}.", _COPY_AGAIN) from None


def folder_to_files(folder: Path) -> dict[str, bytes]:
    """The content of all files below a folder, by their paths in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def folder_from_files(folder: Path, files: dict[str, bytes]) -> None:
    """The folder that :func:`folder_to_files` read, made anew.

    Raises:
        OSError: the disk is full or gone.
    """
    shutil.rmtree(folder, ignore_errors=True)
    CorpusFolders(folder).make()
    for name, content in files.items():
        path = folder.joinpath(*PurePosixPath(name).parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
