"""A file to start from, written where there is none yet."""

from __future__ import annotations

from pathlib import Path

from mechamap.errors import ConfigError
from mechamap.wording.advice import Advice, Setting

__all__ = ["write_new"]


def write_new(path: Path, text: str, *, overwrite: bool) -> None:
    """Write ``text`` to a new file, or in place of the one there.

    Raises:
        ConfigError: there is one already, or it cannot be written.
    """
    try:
        with path.open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(
            f"{path} already exists.", Advice.of("Choose another name, or overwrite it ({}).", Setting("overwrite"))
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}.", "Choose another place.") from None
