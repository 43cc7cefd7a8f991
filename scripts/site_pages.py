"""A hook of mkdocs: pages of the site that lie outside docs/, and links that lead to them.

The README is the first page. Files that pages link to, such as configs, become pages, so that no link leads nowhere.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
# Pages of the site, by the file each is made of.
PAGES = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "benchmarks/RESULTS.md": "benchmarks.md",
    "mechamap/demo/MODEL_CARD.md": "model-card.md",
    "mechamap/words/SOURCES.md": "word-sources.md",
    "mechamap/runs/example/CARD.md": "example.md",
    "mechamap/text/natural/README.md": "natural-text.md",
} | {f"configs/{file.name}": f"config-files/{file.stem}.md" for file in sorted((ROOT / "configs").glob("*.yaml"))}
_LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)#\s]+)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made of files outside docs/."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        if source.endswith(".yaml"):
            text = f"# {source}\n\n```yaml\n{text}```\n"
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Have links lead to pages of the site, as they lead to files in the repository."""
    path = page.file.src_uri
    source = next((source for source, made in PAGES.items() if made == path), f"docs/{path}")
    if source.endswith(".yaml"):
        return markdown

    def led(match: re.Match[str]) -> str:
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[2]))
        target = PAGES.get(file, file.removeprefix("docs/"))
        return match[1] + posixpath.relpath(target, PurePosixPath(path).parent.as_posix())

    return _LINK.sub(led, markdown)
