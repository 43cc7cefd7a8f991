"""What lies in a model folder in place of the weights that transformers reads, and what to do about it."""

from __future__ import annotations

import re
from pathlib import Path

from mechamap.system.bounded_files import check_is_file
from mechamap.system.content import foreign_content, is_lfs_pointer, is_web_page

__all__ = ["UNFINISHED", "WEIGHT_KINDS", "other_content", "unfinished_download", "without_weights"]


_SHARD = re.compile(r"(?P<stem>model|pytorch_model)-(?P<number>\d+)-of-(?P<count>\d+)(?P<suffix>\.safetensors|\.bin)")
UNFINISHED = (".part", ".partial", ".incomplete", ".crdownload", ".aria2", ".download", ".tmp")
_IN_HUB_FOLDER = ".cache/huggingface/download"  # where the hub's client keeps what it downloads into a folder
_OTHER_PROGRAMS = {
    "tf_model.h5": "TensorFlow",
    "tf_model-*.h5": "TensorFlow",
    "model.ckpt.*": "TensorFlow",
    "flax_model*.msgpack": "Flax",
    "*.onnx": "ONNX",
    "openvino_model.*": "OpenVINO",
    "rust_model.ot": "Rust",
    "*.mlmodel": "Core ML",
}
_WEIGHT_SUFFIXES = (".safetensors", ".bin")
_NO_MODEL = ("adapter_", "training_", "optimizer", "scheduler")  # files that training leaves beside a model
WEIGHT_KINDS = ("a file of weights in safetensors", "a file of PyTorch", "a zip archive", "a Python pickle")
"""What files of weights begin like, of the kinds of :func:`mechamap.system.content.foreign_content`."""
_LOOKED_AT = 4096  # bytes of a file


def other_content(path: Path, what: str, allowed: tuple[str, ...] = ()) -> tuple[str, str] | None:
    """What a file holds in place of what its name says, in a sentence, and what to do; None where nothing shows.

    Args:
        what: it should hold, such as ``the weights``.
        allowed: kinds that its format may begin like, see :func:`mechamap.system.content.foreign_content`.

    Raises:
        OSError: it cannot be read.
    """
    check_is_file(path)
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    if not start:
        return f"{path} is empty.", "Download it again."
    if is_lfs_pointer(start):
        return f"{path} is only a Git LFS pointer, not {what}.", "Run `git lfs pull` in its folder."
    if is_web_page(start):
        return (
            f"{path} is a web page, not {what}.",
            "Download the file itself: its address on the hub has /resolve/ where that of its page has /blob/.",
        )
    if not start.strip(b"\0"):
        return (
            f"{path} begins with nothing but zeros, as a file does whose download is under way.",
            "Download it again.",
        )
    foreign = foreign_content(start)
    if foreign is not None and foreign.what not in allowed:
        return (
            f"{path} is {foreign.what}, not {what}.",
            foreign.hint if "packed" in foreign.what else "Download it again.",
        )
    return None


def unfinished_download(folder: Path) -> Path | None:
    """A file of a download that was broken off or is under way, in a model folder or a snapshot of the hub cache."""
    places = [folder / _IN_HUB_FOLDER]
    if folder.parent.name == "snapshots":
        places.append(folder.parent.parent / "blobs")
    unfinished = [path for path in _files(folder) if path.suffix.lower() in UNFINISHED]
    for place in places:
        unfinished += [path for path in _files(place) if path.suffix == ".incomplete"]
    return unfinished[0] if unfinished else None


def without_weights(folder: Path, expected: tuple[str, ...]) -> tuple[str, str]:
    """What a folder has that holds none of the files that transformers reads weights from, and what to do.

    Args:
        expected: the names of those files.
    """
    names = [path.name for path in _files(folder)]
    if shards := [match for name in names if (match := _SHARD.fullmatch(name))]:
        return _shards_alone(folder, shards)
    hints = (
        _of_download(folder),
        _of_gguf(folder, names),
        _of_other_program(folder),
        _of_publisher(names),
        _of_another_name(names),
        _of_folder_below(folder, expected),
    )
    hint = next(filter(None, hints), "Download the weights as well.")
    return f"{folder} has no weights: none of {', '.join(expected)}.", hint


def _of_download(folder: Path) -> str:
    part = unfinished_download(folder)
    return f"{part.name} is of a download that has not finished: finish it." if part is not None else ""


def _of_gguf(folder: Path, names: list[str]) -> str:
    gguf = next((name for name in names if name.lower().endswith(".gguf")), None)
    return f"To use the GGUF file in it, give {folder / gguf}." if gguf else ""


def _of_other_program(folder: Path) -> str:
    for pattern, program in _OTHER_PROGRAMS.items():
        if other := next(iter(sorted(folder.glob(pattern))), None):
            return f"{other.name} is for {program}: get the weights as safetensors."
    return ""


def _of_publisher(names: list[str]) -> str:
    own = (name for name in names if name.startswith("consolidated") and name.endswith((".pth", ".safetensors")))
    name = next(own, "")
    return f"{name} is in its publisher's own format: get the files that transformers reads." if name else ""


def _of_another_name(names: list[str]) -> str:
    """Where there is one file of weights, of another name than transformers looks for."""
    files = [name for name in names if name.endswith(_WEIGHT_SUFFIXES) and not name.startswith(_NO_MODEL)]
    if len(files) != 1:
        return ""
    right = "model.safetensors" if files[0].endswith(".safetensors") else "pytorch_model.bin"
    return f"If {files[0]} holds them, rename it to {right}."


def _of_folder_below(folder: Path, expected: tuple[str, ...]) -> str:
    below = (path for path in sorted(folder.glob("*/")) if any((path / name).is_file() for name in expected))
    path = next(below, None)
    return f"Did you mean {path}?" if path is not None else ""


def _shards_alone(folder: Path, shards: list[re.Match[str]]) -> tuple[str, str]:
    """Shards without the index that says which weights are in which."""
    first = shards[0]
    alike = [match for match in shards if match["suffix"] == first["suffix"] and match["count"] == first["count"]]
    count = int(first["count"])
    index = f"{first['stem']}{first['suffix']}.index.json"
    if count == 1:
        return (
            f"{folder} has its weights in {first[0]}, but no {index}, which says so.",
            f"Rename {first[0]} to {first['stem']}{first['suffix']}.",
        )
    missing = sorted({*range(1, count + 1)} - {int(match["number"]) for match in alike})
    also = (
        f" Shards are missing, too: {', '.join(map(str, missing[:8]))}{' ...' if missing[8:] else ''}."
        if missing
        else ""
    )
    return (
        f"{folder} has {len(alike)} of {count} shards of its weights, but no {index}, which says where each weight is.",
        f"Download {index} as well, a small file beside the shards.{also}",
    )


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return []
