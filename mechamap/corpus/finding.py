"""The files that a corpus' sources name: in a stable order, each once."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from mechamap.corpus.source_files import KINDS_IN_WORDS, FileKind, SourceFile, file_kind, safe_name
from mechamap.errors import CorpusError
from mechamap.system.paths import can_be_path, path_problem, user_path
from mechamap.wording.advice import Advice, Setting
from mechamap.wording.plain import printable, shortened
from mechamap.wording.suggest import nearest

__all__ = ["existing_source", "find_files"]


def find_files(sources: Sequence[str], per_line: bool) -> list[SourceFile]:
    """All files of the sources, those of a folder sorted by path.

    Of a folder, hidden files and files of other kinds are left out, and what a link leads to a second time. Links to
    folders are followed.

    Raises:
        CorpusError: a source is not there, has no such file, is of another kind, cannot be read, or has a file that
            another source has as well.
    """
    files: list[SourceFile] = []
    given: dict[tuple[int, int], str] = {}
    for source, label in zip(sources, _labels(sources), strict=True):
        path = existing_source(source)
        of_source = list(_files_of(path, label, per_line))
        if not of_source:
            raise CorpusError(f"The folder {_shown(path)} has no file that is read: {KINDS_IN_WORDS}.", _other_kinds())
        for file, identity in of_source:
            if identity in given:
                raise CorpusError(
                    f"{file.shown} is given twice: by {printable(safe_name(given[identity]))} and by "
                    f"{printable(safe_name(source))}.",
                    "Leave one of them out; its documents would count twice.",
                )
            files.append(file)
        given |= {identity: source for _, identity in of_source}
    return files


def existing_source(source: str) -> Path:
    """The path of a source.

    Raises:
        CorpusError: there is nothing.
    """
    if not source:
        raise CorpusError("The corpus '' does not exist.", "Name a file or a folder.")
    path = user_path(source)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        pass
    except OSError as error:
        reason, hint = path_problem(error, "Check the path and its rights.")
        raise CorpusError(f"{_shown(path)} cannot be read: {reason}.", hint) from None
    else:
        return path
    missing, parent = path, path.parent
    while can_be_path(source) and parent != missing and not parent.exists():
        missing, parent = parent, parent.parent
    message = f"The corpus {_shown(path)} does not exist."
    if "://" in source:
        raise CorpusError(
            f"{printable(shortened(source, 300))} is an address; a corpus is read from files.", "Download it first."
        )
    try:
        names = [name for name in os.listdir(parent) if not name.startswith(".")]  # noqa: PTH208 names alone
    except (OSError, ValueError):
        names = []
    if similar := nearest(missing.name, names):
        raise CorpusError(message, f"Did you mean {_shown(parent / similar[0])}?")
    if _may_be_id(source):
        raise CorpusError(message, f"Check the path; a data set on the hub is given as hf:{printable(source)}.")
    raise CorpusError(message, "Check the path.")


def _may_be_id(source: str) -> bool:
    owner, _, name = source.partition("/")
    return all(part and part[0].isalnum() and "/" not in part for part in (owner, name))


def _labels(sources: Sequence[str]) -> list[str]:
    """What each source's documents are named after: as few of the last parts of its path as tell it from the others."""
    parts = [Path(os.path.abspath(user_path(source))).parts for source in sources]  # noqa: PTH100 links stay
    labels = ["/".join(of_source[-1:]) for of_source in parts]
    for length in range(2, max(map(len, parts), default=0) + 1):
        counts = Counter(labels)
        labels = [
            "/".join(of_source[-length:]) if counts[label] > 1 else label
            for of_source, label in zip(parts, labels, strict=True)
        ]
    return [safe_name(label) for label in labels]


def _files_of(path: Path, label: str, per_line: bool) -> Iterator[tuple[SourceFile, tuple[int, int]]]:
    """The files of one source, each with what is the same however a link leads to it."""
    state = _state(path)
    if stat.S_ISDIR(state.st_mode):
        seen: set[tuple[int, int]] = set()
        for below, name, kind in _walk(path, label, per_line, {_identity(state)}):
            identity = _identity(_state(below))
            if identity not in seen:
                seen.add(identity)
                yield SourceFile(below, name, kind), identity
        return
    if not stat.S_ISREG(state.st_mode):
        raise CorpusError(f"{_shown(path)} is neither a file nor a folder.", "Write its text into a file first.")
    if (given := file_kind(path.name, per_line)) is None:
        raise CorpusError(f"{_shown(path)} is of a kind that is not read; {KINDS_IN_WORDS} are.", _other_kinds())
    yield SourceFile(path, label, given), _identity(state)


def _walk(
    folder: Path, label: str, per_line: bool, walked: set[tuple[int, int]]
) -> Iterator[tuple[Path, str, FileKind]]:
    """Files of a folder and those below it, by name; folders that were walked through already are left out."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        reason, hint = path_problem(error, "Check its rights.")
        raise CorpusError(f"The folder {_shown(folder)} cannot be read: {reason}.", hint) from None
    for name in names:
        path, below = folder / name, f"{label}/{safe_name(name)}"
        kind = file_kind(name, per_line)
        try:
            state = path.stat()
        except OSError as error:
            if kind is None:
                continue
            reason, hint = path_problem(error, "Check it, or take it out of the folder.")
            link = "leads nowhere" if isinstance(error, FileNotFoundError) else f"cannot be read: {reason}"
            raise CorpusError(f"{_shown(path)} {link}.", hint) from None
        if stat.S_ISDIR(state.st_mode):
            if _identity(state) not in walked:
                walked.add(_identity(state))
                yield from _walk(path, below, per_line, walked)
        elif kind is not None and stat.S_ISREG(state.st_mode):
            yield path, below, kind


def _state(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        reason, hint = path_problem(error, "Check the path and its rights.")
        raise CorpusError(f"{_shown(path)} cannot be read: {reason}.", hint) from None


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino


def _shown(path: Path) -> str:
    return shortened(printable(safe_name(str(path))), 300)


def _other_kinds() -> Advice:
    return Advice.of(
        "Unpack archives, and write other kinds as JSON Lines, one record a line; {} says which member is read.",
        Setting("field"),
    )
