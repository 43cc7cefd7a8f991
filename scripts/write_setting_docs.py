"""Write docs/settings.md from configs/default.yaml and its comments: ``python scripts/write_setting_docs.py``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE, FILE = ROOT / "configs" / "default.yaml", ROOT / "docs" / "settings.md"
HEAD = """\
# Settings of a config

<!-- Written by scripts/write_setting_docs.py from configs/default.yaml; change that, then run it. -->

A config is a YAML file that says what differs from [the default](../configs/default.yaml), which comes with the
package. `mechamap config show F` prints the full config that a file results in, `mechamap config check F` says whether
it is right and where it is not, `mechamap config init` writes one to start from. Flags of `mechamap scan` win over it,
and `mm.scan` takes the same keys as arguments.

## Words and texts

| key | meaning |
| --- | --- |
| `extend` | `default` keeps the categories of the default config beside those of the file; else they are replaced |
| `categories` | each with `words` and, if you like, `others` and `near`: [your own categories](howto/categories.md) |
| `texts` | what the model reads: a list of texts, each written there or named as `{file: path}` beside the config |
| `templates` | the sentences that a confirmation puts words into, as `{}`; they must fit all categories alike |
"""
_SECTION = re.compile(r"# --- (.+?) -+$")
_KEY = re.compile(r"([a-z_]+): +(.+?) +# (.+)$")


def text() -> str:
    """The whole page."""
    return HEAD + "".join(f"{line}\n" for line in _tables(SOURCE.read_text(encoding="utf-8").splitlines()))


def _tables(lines: list[str]) -> Iterator[str]:
    """A table for each section of settings; those above the first section have one of their own."""
    lines = lines[next(number for number, line in enumerate(lines) if line.startswith("templates:")) :]
    yield from _heading("Confirming")
    remark: list[str] = []
    rows: list[list[str]] = []
    for line in [*lines, "# --- end ---"]:
        if section := _SECTION.match(line):
            yield from _written(rows, remark)
            rows, remark = [], []
            if line != "# --- end ---":
                yield from _heading(section[1])
        elif key := _KEY.match(line):
            rows.append(list(key.groups()))
        elif line.startswith("# "):
            remark.append(line[2:])
        elif (more := line.strip()).startswith("# ") and rows:
            rows[-1][2] += f" {more[2:]}"


def _heading(title: str) -> Iterator[str]:
    yield ""
    yield f"## {title[0].upper()}{title[1:]}"


def _written(rows: list[list[str]], remark: list[str]) -> Iterator[str]:
    yield ""
    if remark:
        yield " ".join(remark).replace("See docs/corpora.md", "See [corpora](corpora.md)")
        yield ""
    yield "| key | default | meaning |"
    yield "| --- | --- | --- |"
    for key, value, meaning in rows:
        yield f"| `{key}` | `{value}` | {meaning.replace('|', '&#124;').replace('<', '&lt;')} |"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"wrote {FILE}", file=sys.stderr)
