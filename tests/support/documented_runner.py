"""Run what the documentation shows, each page in a copy of one small world, each command in a process of its own.

``python -m support.documented_runner WORLD RESULT`` makes the world in the folder WORLD and writes what came of each
command to RESULT, as JSON. Commands are children of one process that has loaded torch, so that hundreds take a minute.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from support.documents import Page, pages

__all__ = ["main"]

_SCANS = (
    "scan gpt2",
    "scan pythia-160m",
    "scan smollm2-135m",
    "scan ./base",
    "scan ./tuned",
    "scan demo --confirm",
)
_COPIES = {  # runs that pages name, as copies of such
    "smollm-1": "pythia-160m-1",
    "smollm2-1": "SmolLM2-135M-1",
    "demo-bf16": "demo-1",
    "demo-2": "demo-1",
    "original-1": "base-1",
    "model-1": "tuned-1",
}
_STORY = "On Tuesday the dog from Paris ate bread. Two cats drove a red car to London and spoke French about rain.\n"


def main(world: Path, result: Path, only: Sequence[str] = ()) -> None:
    """Make the world, run all pages in it, write what came of each."""
    home, here = world / "home", world / "here"
    os.environ.update(
        HOME=str(home), MECHAMAP_HOME=str(home / "mechamap"), HF_HUB_CACHE=str(world / "cache"), HF_HUB_OFFLINE="1"
    )
    here.mkdir(parents=True)
    _loaded()
    _in_child(lambda: _make(world, home, here), world / "making.txt")
    outcomes = {
        page.name: _run(page, world)
        for page in pages()
        if (page.commands or page.python) and (not only or page.name in only)
    }
    result.write_text(json.dumps(outcomes), encoding="utf-8")


def _loaded() -> None:
    """Import what commands need; nothing is computed, as threads of torch would not come along into children."""
    import pandas
    import torch
    import transformers
    from transformers import GPT2LMHeadModel, GPTNeoXForCausalLM, LlamaForCausalLM, MixtralForCausalLM

    assert pandas and transformers and GPT2LMHeadModel and GPTNeoXForCausalLM and LlamaForCausalLM
    assert MixtralForCausalLM and torch


def _make(world: Path, home: Path, here: Path) -> int:
    from mechamap.cli.main import main as mechamap
    from support.documented_models import save_models

    save_models(world / "cache", here, home)
    os.chdir(here)
    for command in _SCANS:
        code = mechamap([*command.split(), "--second-text", "never"])
        assert code == 0, command
    runs = home / "mechamap" / "runs"
    for copy, run in _COPIES.items():
        shutil.copytree(runs / run, runs / copy)
    _write_texts(here)
    assert mechamap(["export", "demo-1", "--out", "old.csv"]) == 0
    assert mechamap(["sets", "gpt2-1", "add", "food neurons", "--neuron", "L7.N1844", "--neuron", "L9.N22"]) == 0
    shutil.copy("old.csv", "results.csv")
    return 0


def _write_texts(here: Path) -> None:
    from mechamap.config.schema import configs_folder, default_config

    text = "\n\n".join(default_config().texts)
    for name in ("my.txt", "other.txt", "weather.txt"):
        (here / name).write_text(text, encoding="utf-8")
    stories = [f"{_STORY * 3}Story {number}. {text}" for number, text in enumerate(default_config().texts)]
    lines = [json.dumps({"text": story, "body": story}) + "\n" for story in stories]
    (here / "stories.jsonl").write_text("".join(lines), encoding="utf-8")
    (here / "books").mkdir()
    (here / "books" / "tale.jsonl").write_text("".join(lines), encoding="utf-8")
    import pandas as pd

    pd.DataFrame({"body": stories[:4]}).to_parquet(here / "news.parquet")
    shutil.copytree(configs_folder(), here / "configs")


def _run(page: Page, world: Path) -> list[list[object]]:
    """What came of each command of a page, then of its Python: the command, its exit code, the end of what it said."""
    copy = world / "pages" / page.name.replace("/", "-")
    shutil.copytree(world / "home", copy / "home")
    shutil.copytree(world / "here", copy / "here")
    os.environ.update(HOME=str(copy / "home"), MECHAMAP_HOME=str(copy / "home" / "mechamap"))
    os.chdir(copy / "here")
    _write_yaml(page)
    outcomes: list[list[object]] = []
    said = copy / "said.txt"
    for words in page.commands:
        code = _in_child(lambda words=words: _command(words), said)  # type: ignore[misc]
        outcomes.append([" ".join(words), code, said.read_text(encoding="utf-8", errors="replace")[-1500:]])
    if page.python:
        code = _in_child(lambda: _python(page.python), said)
        outcomes.append(["(Python)", code, said.read_text(encoding="utf-8", errors="replace")[-1500:]])
    return outcomes


def _write_yaml(page: Page) -> None:
    """Blocks of YAML under the names that the page's commands give them."""
    words = [word for command in page.commands for word in command]
    names = dict.fromkeys(word for word in words if re.fullmatch(r"\w+\.yaml", word))
    for name, block in zip(names, page.yaml, strict=False):
        Path(name).write_text(block, encoding="utf-8")


def _command(words: Sequence[str]) -> int:
    from support.documented_commands import run_words

    return run_words(words)


def _python(blocks: Sequence[str]) -> int:
    import importlib.util

    names: dict[str, object] = {}
    if any("mm.scan(model" in block for block in blocks) and not any("AutoTokenizer" in block for block in blocks):
        exec(_LOAD, names)
    for block in blocks:
        for statement in ast.parse(block).body:
            source = ast.unparse(statement)
            if ".plot(" in source and importlib.util.find_spec("matplotlib") is None:
                continue
            exec(compile(ast.Module([statement], []), source, "exec"), names)
    return 0


_LOAD = """
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained("./my-model")
model = AutoModelForCausalLM.from_pretrained("./my-model")
"""


def _in_child(work: Callable[[], int], said: Path) -> int:
    """Do it in a child whose output goes to a file; its exit code."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 99
    try:
        file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(file, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = work()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
