"""The text of a config file, as a tree of values that know where they stand."""

from __future__ import annotations

from pathlib import Path

from mechamap.config_yaml import Located, from_yaml
from mechamap.errors import ConfigError

__all__ = ["read_config_file"]


def read_config_file(path: Path) -> Located:
    """The values of a YAML file.

    Raises:
        ConfigError: it is missing, unreadable, or not YAML in UTF-8.
    """
    return from_yaml(_text(path), str(path))


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file, expected a config in YAML",
            "`mechamap config init` writes one to start from.",
        ) from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: a folder, expected a config file in YAML") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: cannot be read ({reason})", "Check the path and its rights.") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8")) + 1
        found = f"{path}:{line}:{column}: byte 0x{data[error.start]:02x}, expected UTF-8 text"
        raise ConfigError(found, "Save the file as UTF-8.") from None
