"""Write docs/architectures.md from what becomes of every architecture: ``python scripts/write_architecture_docs.py``.

It builds, loads, proves and scans them all, which takes a minute or two.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.architecture_matrix import Result, Verdict, examine_all  # noqa: E402

FILE = ROOT / "docs" / "architectures.md"
HEAD = """\
# Which architectures can be scanned

<!-- Written by scripts/write_architecture_docs.py from what it sees; run it to bring this up to date. -->

Every type of causal language model that transformers {version} registers, {types} in all. Each is built tiny, with
random weights (`tests/support/tiny_configs.py`), saved, loaded and scanned the way a user does it. It passes when every
layer of it passes the capture proof, when no linear layer that could hold neurons is left out, and when the figures of
the scan are those that plain hooks on the model give. `make matrix` does all this anew and fails where this page says
otherwise.

{counts}

Neurons are the inputs of the modules named; `{{layer}}` is the block's number. A module called `experts` (or one that
names no linear layer) holds all routed experts of its layer; a dense part beside them is a shared expert or an MLP of
its own. Models that are not listed, because transformers does not register them or is another version, are looked
through for modules like these, and where that is not clear the config says where they are
(`neurons: "model.layers.{{layer}}.mlp.down_proj"`).

| type | class | its neurons go into | layers checked | their output passes | result |
| --- | --- | --- | --- | --- | --- |
"""
_COUNTED: dict[Verdict, str] = {
    "pass": "pass",
    "no neurons": "have no MLP neurons, which is what a scan of them says",
    "cannot build": "cannot be built or run by transformers itself as they are registered, or lack a package here",
    "fail": "fail",
}


def page(results: Iterable[Result]) -> str:
    """The whole page."""
    import transformers

    results = sorted(results, key=lambda result: result.model_type)
    verdicts = Counter(result.verdict for result in results)
    counts = "\n".join(f"- {verdicts[verdict]} {said}" for verdict, said in _COUNTED.items() if verdicts[verdict])
    head = HEAD.format(version=transformers.__version__, types=len(results), counts=counts)
    return head + "".join(f"{row(result)}\n" for result in results)


def row(result: Result) -> str:
    """One type's line of the table."""
    cells = (
        result.model_type,
        result.class_name,
        "<br>".join(f"`{path}`" for path in result.paths),
        result.checked,
        "<br>".join(f"`{path}`" for path in result.through),
        _said(result),
    )
    return f"| {' | '.join(cells)} |"


def _said(result: Result) -> str:
    said = f"{result.verdict}: {result.reason}" if result.reason else result.verdict
    if result.kind not in ("", "decoder"):
        said += f", read as an {result.kind}"
    return said.replace("|", r"\|").replace("<", "&lt;")


if __name__ == "__main__":
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    disable_progress_bar()
    set_verbosity_error()
    FILE.write_text(page(examine_all()), encoding="utf-8")
    sys.stdout.write(f"{FILE}\n")
