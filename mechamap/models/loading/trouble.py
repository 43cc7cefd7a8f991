"""Output and errors of transformers, torch and the hub client: kept off the terminal, turned into MechaMap's errors."""

from __future__ import annotations

import errno
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from mechamap.errors import (
    MechaMapError,
    MissingExtra,
    ModelError,
    ModelNotFound,
    OutOfMemory,
    UnsupportedModel,
    UsageError,
    WeightsError,
)
from mechamap.system.room import lacks_memory
from mechamap.wording.advice import Advice, Setting

__all__ = ["quiet_hub", "quiet_transformers", "translated"]


# What transformers imports when it is installed, and what these log about kernels that a machine cannot use.
_TALKATIVE = ("torchao", "bitsandbytes", "accelerate", "torch.utils._pytree")


def quiet_hub() -> None:
    """No progress bars and no log lines of huggingface_hub, from now on."""
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]
    from huggingface_hub.utils import logging as hub_logging

    disable_progress_bars()
    hub_logging.set_verbosity(logging.CRITICAL)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bars and no log lines of transformers from now on, and no warnings inside the block.

    The caller checks for the problems that the warnings are about (missing weights, for one, are an error here).
    """
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    from transformers.utils import logging as transformers_logging

    quiet_hub()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


_BROKEN_FILE = ("SafetensorError", "UnpicklingError", "EOFError", "BadZipFile")
_BROKEN_ZIP = re.compile(r"PytorchStreamReader|central directory|safetensors metadata", re.I)
_NOT_A_WEIGHT = re.compile(r"\bGLOBAL ([\w.]+)")
_CANNOT_OFFLOAD = re.compile(r"dispatched on the CPU or the disk|disk offload", re.I)
_NO_NAME = re.compile(
    r"cannot import name '\w+' from '?(transformers|torch)|module '(transformers|torch)[\w.]*' has no"
)
_NO_LIBRARY = re.compile(r"cannot open shared object|undefined symbol|DLL load failed|symbol not found", re.I)
_NO_NETWORK = re.compile(r"couldn't connect to 'https?://|Max retries exceeded|Name or service not known", re.I)
_NEEDED = re.compile(
    r"(?:requires|need to have|needs) (?:the )?'?(sentencepiece|tiktoken|protobuf|einops|jinja2)\b", re.I
)
_PACKAGES = {"flash_attn": "flash-attn", "mamba_ssm": "mamba-ssm", "pil": "pillow", "google": "protobuf"}
_OTHER_VERSION = (
    "Python code that comes with the model is written for another version of transformers or torch; its page may say "
    "for which."
)
_OF_SYSTEM = {
    errno.ENOSPC: "Free some space on the disk.",
    errno.EDQUOT: "Your disk quota is used up; free some space.",
    errno.EACCES: "Check the rights of its files.",
    errno.EPERM: "Check the rights of its files.",
    errno.EMFILE: "Allow more open files, as by: ulimit -n 4096",
    errno.ENFILE: "Allow more open files, as by: ulimit -n 4096",
}
_OF_MACHINE = (
    (
        re.compile(r"not implemented for '(Half|BFloat16)'"),
        "This machine cannot compute it in that number format: load it with {}.",
        Setting("dtype", "float32"),
    ),
    (
        re.compile(r"CUDA error|CUDA driver|no kernel image|cuDNN|CUBLAS|HIP error|NCCL"),
        "The graphics card or its driver failed, not the model: try {}.",
        Setting("device", "cpu"),
    ),
    (
        re.compile(r"not (currently )?(implemented|supported) (for|on) (the )?MPS|MPS framework", re.I),
        "The graphics card lacks what the model needs: try {}.",
        Setting("device", "cpu"),
    ),
)
_NO_DTYPE = re.compile(r"module 'torch' has no attribute '([\w.]+)'")
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")


@contextmanager
def translated(model_id: str) -> Iterator[None]:
    """Turn whatever is raised while ``model_id`` is read or run into a :class:`MechaMapError`, never a traceback."""
    try:
        yield
    except MechaMapError:
        raise
    except Exception as error:
        raise _translation(model_id, error) from error


def _translation(model_id: str, error: Exception) -> MechaMapError:
    text = " ".join(str(error).split())
    kind = type(error).__name__
    if lacks_memory(error):
        return OutOfMemory(
            f"{model_id} does not fit into memory: {_first_sentence(text) or kind}",
            Advice.of(
                "Try {}, {}, fewer {}, another {}, or a smaller model; close other programs that use the memory.",
                Setting("dtype", "bfloat16"),
                Setting("device_map", "auto"),
                Setting("layers"),
                Setting("device"),
            ),
        )
    if isinstance(error, ImportError):
        return _missing_package(model_id, text)
    return (
        _refused(model_id, text)
        or _broken_weights(model_id, kind, text)
        or _of_machine(model_id, error, text)
        or ModelError(
            f"{model_id} cannot be used: {kind}: {_shortened(text)}",
            _OTHER_VERSION
            if _in_own_code(error)
            else "Check that its files are complete; a newer transformers may be able to read it.",
        )
    )


def _missing_package(model_id: str, text: str) -> MechaMapError:
    if "trust_remote_code" in text:  # the same message asks for permission to run the model's code
        return _code_not_allowed(model_id)
    if _NO_NAME.search(text):
        return ModelError(f"{model_id} cannot be used: {_first_sentence(text)}", _OTHER_VERSION)
    if _NO_LIBRARY.search(text):
        return ModelError(
            f"{model_id} cannot be used: a package that is installed cannot be loaded: {_shortened(text)}",
            "Install that package again, for this version of Python, torch and the driver.",
        )
    named = _NO_MODULE.search(text) or _NEEDED.search(text)
    module = named.group(1).partition(".")[0] if named else ""
    if module in ("transformers", "torch", "tokenizers"):  # installed, so a part of it is meant
        return ModelError(f"{model_id} cannot be used: {_first_sentence(text)}", _OTHER_VERSION)
    package = _PACKAGES.get(module.lower(), module)
    return MissingExtra(
        f"{model_id} needs a package that is not installed: {package or _first_sentence(text)}.",
        f"Install it: pip install {package}" if package else "Install what the message names.",
    )


def _of_machine(model_id: str, error: Exception, text: str) -> MechaMapError | None:
    """The error where the machine cannot do what the model needs, or a package is missing; None where it is another."""
    problem = f"{model_id} cannot be used: {_shortened(text)}"
    if isinstance(error, OSError) and (hint := _OF_SYSTEM.get(error.errno or 0)):
        return ModelError(problem, hint)
    if (named := _NEEDED.search(text)) is not None:
        return _missing_package(model_id, named.group(0))
    if _NO_NETWORK.search(text):
        return ModelNotFound(problem, "Some of its files are on the hub only: fetch them once with a network.")
    for pattern, sentence, setting in _OF_MACHINE:
        if pattern.search(text):
            return ModelError(problem, Advice.of(sentence, setting))
    return None


def _in_own_code(error: Exception) -> bool:
    """Whether an error was raised in Python code that came with a model."""
    trace = error.__traceback__
    while trace is not None:
        if "transformers_modules" in trace.tb_frame.f_code.co_filename:
            return True
        trace = trace.tb_next
    return False


def _code_not_allowed(model_id: str) -> ModelError:
    return ModelError(
        f"{model_id} needs Python code that comes with the model, but running it was not allowed.",
        Advice.of("If you trust its authors, allow it with {}.", Setting("trust_remote_code")),
    )


def _refused(model_id: str, text: str) -> MechaMapError | None:
    """The error where transformers refused to load the model, None where it did not."""
    if "trust_remote_code" in text:
        return _code_not_allowed(model_id)
    if "does not recognize this architecture" in text or "Unrecognized model" in text:
        return UnsupportedModel(
            f"{model_id}: {_first_sentence(text)}", "It may need a newer transformers: pip install -U transformers"
        )
    if unknown := _NO_DTYPE.search(text):
        return ModelError(
            f"The config of {model_id} names the number format {unknown.group(1)}, which torch does not know.",
            "Write float32, bfloat16 or float16 as its dtype (once torch_dtype); a newer torch may know others.",
        )
    if _CANNOT_OFFLOAD.search(text):
        return UsageError(
            f"{model_id} cannot be spread that way: {_first_sentence(text)}",
            "Packed weights and GGUF files cannot be kept on disk, nor packed ones split between a card and memory.",
        )
    return None


def _broken_weights(model_id: str, kind: str, text: str) -> WeightsError | None:
    """The error where the files of weights are at fault, None where they are not."""
    if "Weights only load failed" in text:
        named = _NOT_A_WEIGHT.search(text)
        problem = f"hold {named.group(1)}, which is not a weight" if named else "are not a pickle of weights alone"
        return WeightsError(
            f"The weights of {model_id} {problem}, so they were not read.",
            "Reading such a file could run arbitrary code. Get the weights as safetensors, or download them again.",
        )
    if kind in _BROKEN_FILE or "size mismatch" in text or _BROKEN_ZIP.search(text):
        return WeightsError(
            f"The weights of {model_id} cannot be read: {_first_sentence(text) or kind}",
            "Download them again; if that does not help, they do not match this config.",
        )
    return None


def _first_sentence(text: str) -> str:
    """The first sentence of a message, which the libraries follow with advice about their own functions."""
    return re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0]


def _shortened(text: str) -> str:
    return text if len(text) <= 400 else text[:399] + "…"
