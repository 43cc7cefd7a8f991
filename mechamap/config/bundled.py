"""The bundled configs, which are named as their files are: ``finance`` is ``configs/finance.yaml``."""

from __future__ import annotations

from pathlib import Path

from mechamap.errors import ConfigError
from mechamap.system.paths import user_path

__all__ = ["bundled_names", "config_path"]


def bundled_names() -> tuple[str, ...]:
    """The names of all bundled configs, in the order of the alphabet."""
    from mechamap.config.schema import configs_folder

    return tuple(sorted(path.stem for path in configs_folder().glob("*.yaml")))


def config_path(given: Path | str) -> Path:
    """The file that a name or a path means; a file of that name in the working folder comes before a bundled one."""
    path = user_path(given)
    if path.suffix or path.parent != Path() or path.exists():
        return path
    from mechamap.config.schema import configs_folder  # not for a command line without such a name

    try:
        bundled = configs_folder() / f"{path.name}.yaml"
    except ConfigError:  # said where the default itself is read
        return path
    return bundled if bundled.is_file() else path
