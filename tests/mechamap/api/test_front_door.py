"""``import mechamap``: what it offers, and that it costs nothing before it is used."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import mechamap as mm


def test_every_name_that_is_offered_is_there_and_documented() -> None:
    for name in mm.__all__:
        if name != "__version__":
            assert inspect.getdoc(getattr(mm, name)), name
    assert {*mm.__all__} <= {*dir(mm)}


def test_everything_that_can_be_called_is_documented_and_typed() -> None:
    assert (Path(mm.__file__).parent / "py.typed").is_file()
    lacking = []
    for name in mm.__all__:
        offered = getattr(mm, name)
        if inspect.isclass(offered) and not issubclass(offered, Exception):
            members = [(key, member) for key, member in inspect.getmembers(offered) if not key.startswith("_")]
        else:
            members = [(name, offered)] if callable(offered) and not inspect.isclass(offered) else []
        for key, member in members:
            function = member.fget if isinstance(member, property) else member
            if not callable(function) or not str(getattr(function, "__module__", "mechamap")).startswith("mechamap"):
                continue  # a field of a dataclass, which its class documents; what Python's own classes have
            signature = inspect.signature(function)
            given = [each.annotation for each in signature.parameters.values() if each.name != "self"]
            if not inspect.getdoc(function) or inspect.Signature.empty in (*given, signature.return_annotation):
                lacking.append(f"{name}.{key}")
    assert lacking == []


def test_importing_loads_neither_torch_nor_numpy() -> None:
    heavy = {"torch", "numpy", "transformers", "pandas"}
    code = f"import sys, mechamap; print(len({heavy} & {{*sys.modules}}))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "0"


def test_opening_a_run_loads_no_torch(tmp_path: object) -> None:
    code = (
        "import sys, mechamap as mm\n"
        "print(len(mm.runs()))\n"
        "try: mm.open('no-such-run')\n"
        "except mm.MechaMapError: print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**_environment(), "MECHAMAP_HOME": str(tmp_path)},
    )
    assert done.stdout.split() == ["0", "False"]


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)


def test_scan_and_runs_are_rooms_that_can_be_called() -> None:
    import mechamap.runs.library
    import mechamap.scan.scan

    assert callable(mm.scan) and callable(mm.runs)
    assert mm.scan.scan is mechamap.scan.scan  # type: ignore[attr-defined]
    assert [*inspect.signature(mm.scan).parameters][:2] == ["model", "tokenizer"]
    assert mm.runs.library.list_runs is mechamap.runs.library.list_runs  # type: ignore[attr-defined]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'scna'"):
        mm.scna  # noqa: B018
