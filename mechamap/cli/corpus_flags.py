"""The flags of ``mechamap scan`` about a corpus."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from mechamap.errors import UsageError
from mechamap.system.paths import user_path

if TYPE_CHECKING:
    from mechamap.config.corpus_settings import CorpusSettings
    from mechamap.config.scan_config import ScanConfig

__all__ = ["add_corpus_flags", "corpus_change"]


def add_corpus_flags(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    group = parser.add_argument_group("a corpus in place of the text")
    add = group.add_argument
    add(
        "--corpus",
        metavar="PATH",
        action="append",
        help="a file (.txt, .jsonl, .parquet, also .gz or .zst), a folder of them, or a data set of the hub as "
        "hf:owner/name; repeatable",
    )
    add("--field", metavar="NAME", help="the member of a record that holds the text (default: text)")
    add("--per-line", action="store_true", default=None, help="each line of a text file is a document")
    add("--max-tokens", metavar="N", type=int, help="stop with the document that reaches so many tokens")
    add("--seq-len", metavar="N", type=int, help="most tokens of one sequence (default: 256)")
    add("--batch-tokens", metavar="N", type=_auto, help="most tokens of one forward (default: auto, by the device)")
    add("--contexts", metavar="K", type=int, help="how many highest and lowest contexts to keep (default: 16)")
    add("--shard-tokens", metavar="N", type=int, help="about how many tokens a shard has (default: a minute of work)")
    add("--seed", metavar="N", type=int, help="of the draws (default: 0)")
    add(
        "--ray",
        metavar="ADDRESS",
        help="have workers on Ray read the shards: local, or the address of a cluster (extra: ray)",
    )
    add("--workers", metavar="N", type=int, help="how many of them (default: one for each GPU, else one)")
    add("--shard", metavar="I/N", help="read the I-th of N parts alone, to be put together by `mechamap merge`")


def corpus_change(args: argparse.Namespace, config: ScanConfig) -> dict[str, CorpusSettings]:
    """The change that the flags make to a config, none where they are not given.

    Raises:
        UsageError: flags about a corpus, and no corpus.
    """
    from mechamap.config.corpus_settings import CorpusSettings

    names = ("field", "per_line", "max_tokens", "seq_len", "batch_tokens", "contexts", "shard_tokens", "seed")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.corpus:
        sources = tuple(name if name.startswith("hf:") else str(user_path(name).absolute()) for name in args.corpus)
        base = config.corpus or CorpusSettings(sources)
        changed = dataclasses.replace(base, sources=sources, **given)
    elif config.corpus is not None:
        changed = dataclasses.replace(config.corpus, **given)
    elif given or args.shard or args.ray:
        flag = next(iter(given), "shard" if args.shard else "ray").replace("_", "-")
        raise UsageError(f"--{flag} is about a corpus, and none is given.", "Give one with --corpus.")
    else:
        return {}
    if changed.batch_tokens == 0:  # auto
        changed = dataclasses.replace(changed, batch_tokens=None)
    if args.text or args.custom_text or args.text_size is not None:
        raise UsageError("--corpus is read in place of a text, and a text is given too.", "Leave one of them out.")
    return {"corpus": changed}


def _auto(text: str) -> int:
    """A number; 0 for the word auto."""
    return 0 if text == "auto" else int(text)
