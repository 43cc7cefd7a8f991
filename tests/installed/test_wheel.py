"""The wheel as people install it: by pipx and by ``uv tool``, in an empty environment, with nothing of this checkout.

``make installed`` builds the wheel into ``dist`` and runs this. The versions are those of ``constraints.txt``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pexpect
import pytest

ROOT = Path(__file__).resolve().parents[2]
LARGEST_EXAMPLE = 6_000_000  # bytes
LONGEST = 3600  # seconds that an installation may take


def wheel() -> Path:
    wheels = sorted((ROOT / "dist").glob("mechamap-*.whl"))
    assert len(wheels) == 1, "make installed builds the wheel first"
    return wheels[0]


def tool(name: str) -> str:
    """A program beside this Python, where make installs it, or on the path; empty where there is none."""
    return shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") or ""


def pip_setting(name: str) -> str:
    """Where pip of this machine looks besides its default, which uv does not read."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", f"global.{name}"], capture_output=True, text=True, check=False
    )
    return " ".join(told.stdout.split())


def with_pipx(home: Path) -> dict[str, str]:
    return {
        "PIPX_HOME": str(home / "pipx"),
        "PIPX_BIN_DIR": str(home / "bin"),
        "PIPX_MAN_DIR": str(home / "man"),
        "PIPX_DEFAULT_PYTHON": sys.executable,
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
    }


def with_uv(home: Path) -> dict[str, str]:
    return {
        "UV_TOOL_DIR": str(home / "uv"),
        "UV_TOOL_BIN_DIR": str(home / "bin"),
        "UV_PYTHON": sys.executable,
        "UV_CACHE_DIR": str(home / "cache"),
        "UV_FIND_LINKS": pip_setting("find-links"),
        "UV_EXTRA_INDEX_URL": pip_setting("extra-index-url"),
        "UV_INDEX_STRATEGY": "unsafe-best-match",  # as pip looks for versions
        "UV_SYSTEM_CERTS": "1",
    }


INSTALLERS: dict[str, tuple[Callable[[Path], Mapping[str, str]], list[str]]] = {
    "pipx": (with_pipx, ["install"]),
    "uv": (with_uv, ["tool", "install", "--constraints", str(ROOT / "constraints.txt")]),
}


def test_the_wheel_has_all_that_is_tracked_and_the_licence() -> None:
    with zipfile.ZipFile(wheel()) as archive:
        sizes = {info.filename: info.compress_size for info in archive.infolist()}
    tracked = subprocess.run(
        ["git", "ls-files", "mechamap", "mechamap_tui"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    assert sorted(set(tracked) - set(sizes)) == []
    assert sizes["mechamap/runs/example/example.zip"] <= LARGEST_EXAMPLE
    assert "mechamap/configs/default.yaml" in sizes
    assert any(name.endswith("licenses/LICENSE") for name in sizes)


@pytest.fixture(scope="module", params=INSTALLERS)
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder in which the wheel is installed, its commands in ``bin``."""
    name: str = request.param
    if not tool(name):
        pytest.skip(f"{name} is not installed")
    home = tmp_path_factory.mktemp(name)
    settings, words = INSTALLERS[name]
    environment = {variable: value for variable, value in os.environ.items() if variable != "PYTHONPATH"}
    environment |= {variable: value for variable, value in settings(home).items() if value}
    done = subprocess.run(
        [tool(name), *words, str(wheel())],
        env=environment, capture_output=True, text=True, check=False, timeout=LONGEST, cwd=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return home


def outside(home: Path) -> dict[str, str]:
    """An environment that knows nothing of this checkout."""
    return {"HOME": str(home), "PATH": f"{home / 'bin'}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}


def mechamap(home: Path, *words: str) -> str:
    """What a command prints."""
    done = subprocess.run(
        ["mechamap", *words],
        env=outside(home), capture_output=True, text=True, check=False, timeout=600, cwd=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(LONGEST)
def test_the_main_job_runs(installed: Path) -> None:
    folder = mechamap(installed, "scan", "demo", "--no-second-text").strip()
    assert (Path(folder) / "run.json").is_file()
    assert "L0.N" in mechamap(installed, "interpret", "demo-1", "--table", "top")
    assert mechamap(installed, "export", "demo-1", "--limit", "3").startswith("model,layer,neuron,category")


@pytest.mark.timeout(LONGEST)
def test_the_example_opens(installed: Path) -> None:
    assert "46,080" in mechamap(installed, "runs", "show", "example")
    explorer = pexpect.spawn(
        "mechamap-tui", ["example"], env=outside(installed), dimensions=(40, 120), timeout=60, cwd=str(installed)
    )
    explorer.expect("1469")  # the first neuron's number
    explorer.send("\x11")
    explorer.expect(pexpect.EOF)
    explorer.close()
    assert explorer.exitstatus == 0


@pytest.mark.timeout(LONGEST)
def test_doctor_and_completion_answer(installed: Path) -> None:
    assert str(installed) in mechamap(installed, "doctor")
    assert "complete " in mechamap(installed, "completion", "bash")
