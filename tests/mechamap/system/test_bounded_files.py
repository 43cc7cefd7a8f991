"""Files of others are read as far as is believed of them, and pipes and devices in their place not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from mechamap.system.bounded_files import check_is_file, read_at_most, read_stream
from mechamap.system.json_files import read_json

DEVICE = Path("/dev/zero")
needs_devices = pytest.mark.skipif(not DEVICE.exists(), reason="this system has no /dev/zero")


@pytest.mark.parametrize("size", [0, 1, 1000, 3_000_000])
def test_a_file_is_read_whole(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    assert read_at_most(tmp_path / "file", size) == content
    assert read_at_most(tmp_path / "file", size, or_pipe=True) == content
    assert read_stream(io.BytesIO(content), size) == content


def test_what_is_larger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1001))
    for or_pipe in (False, True):
        with pytest.raises(OSError, match="more than"):
            read_at_most(tmp_path / "file", 1000, or_pipe=or_pipe)
    with pytest.raises(OSError, match="more than"):
        read_stream(io.BytesIO(bytes(1001)), 1000)


@needs_devices
def test_a_device_is_no_file_and_where_one_may_be_named_is_read_so_far(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(DEVICE)
    with pytest.raises(OSError, match="a pipe or a device"):
        check_is_file(tmp_path / "link")
    with pytest.raises(OSError, match="a pipe or a device"):
        read_at_most(tmp_path / "link", 1000)
    with pytest.raises(OSError, match="more than 5 MB"):
        read_at_most(tmp_path / "link", 5_000_000, or_pipe=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on Unix alone")
def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a pipe or a device"):
        read_at_most(tmp_path / "pipe", 1000)


def test_json_that_is_nested_too_deeply_is_a_mistake_like_another(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{"a": [1]}', encoding="utf-8")
    assert read_json(tmp_path / "a.json") == {"a": [1]}
