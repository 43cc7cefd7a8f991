"""``mechamap config``: the settings of a scan, shown, checked, or begun; and the keys of the explorer."""

from __future__ import annotations

import argparse
from pathlib import Path

from mechamap.cli import keys
from mechamap.cli.narration import Narration, print_data, print_path, write_data
from mechamap.cli.parser import Commands
from mechamap.config.bundled import config_path
from mechamap.config.new_file import write_new
from mechamap.system.paths import user_path
from mechamap.wording.amounts import quantity
from mechamap.wording.plain import printable

__all__ = ["STARTER", "add_to"]


STARTER = """\
# What a scan looks for. A file needs only what differs from the default; `mechamap config show` prints that.
# Then: mechamap scan MODEL --config THIS_FILE

extend: default            # keep the default categories and add those below; leave this line out to replace them

categories:
  weather:                 # a category is a name and its words
    words: [rain, snow, wind, storm, fog, "heat wave"]   # lower case matches in any case, Rain only Rain

# The text(s) to scan: each category should occur some ten times, mixed through the text.
# texts:
#   - {file: my_text.txt}  # relative to this file
#   - It rained all Monday, and by noon the fog had reached the red train to Paris.

threshold: 0.2             # a neuron is listed under a category when its mean activation there reaches this
top_k_tokens: 10           # how many highest and lowest tokens are kept for each neuron
# pooling: last            # a word of several tokens counts at its last one; or mean, or max
# layers: all              # or 0-5,11
# dtype: auto              # or float32, bfloat16, float16
# device: auto             # or cpu, cuda, cuda:1, mps

# Several models, one run each and a table over all of them: mechamap scan --config THIS_FILE
# models: [gpt2, {model: pythia-70m, revision: step1000}]
"""


def add_to(commands: Commands) -> None:
    """Declare the commands; ``config`` alone shows the default."""
    parser = commands.add_parser(
        "config",
        help="show, check or begin a config; the keys of the explorer",
        description="The settings of a scan, and the keys of the explorer.",
    )
    parser.set_defaults(run=_show, parser=parser, file=None)
    below = parser.add_subparsers(metavar="show|check|init|keys", dest="config_command")
    show = below.add_parser("show", help="print the full config that a file results in")
    show.add_argument(
        "file",
        metavar="F",
        nargs="?",
        type=config_path,
        help="a file, or a bundled config by its name, such as finance (default: the config a scan uses without one)",
    )
    show.set_defaults(run=_show, parser=show)
    check = below.add_parser("check", help="say whether a file is right, and where it is not")
    check.add_argument("file", metavar="F", type=config_path)
    check.set_defaults(run=_check, parser=check)
    init = below.add_parser("init", help="write a file to start from")
    init.add_argument(
        "file", metavar="F", nargs="?", type=user_path, default=Path("mechamap.yaml"), help="default: mechamap.yaml"
    )
    init.add_argument("--overwrite", action="store_true", help="replace the file if there is one")
    init.set_defaults(run=_init, parser=init)
    keys.add_to(below)


def _show(args: argparse.Namespace, narration: Narration) -> int:
    from mechamap.scan.sweep_jobs import load_sweep, sweep_to_yaml

    write_data(sweep_to_yaml(load_sweep(args.file)))
    return 0


def _check(args: argparse.Namespace, narration: Narration) -> int:
    from mechamap.scan.sweep_jobs import load_sweep, sweep_jobs

    sweep = load_sweep(args.file)
    config, jobs = sweep.config, sweep_jobs(sweep)
    words = sum(len(category.words) for category in config.categories)
    characters = sum(len(text) for text in config.texts)
    print_data(
        f"{args.file}: ok, {len(config.categories)} categories with {words} words, "
        f"{quantity(len(config.texts), 'text')} of {characters:,} characters"
    )
    for category in config.categories:
        print_data(f"  {category.name}: {len(category.words)} words")
    if jobs:
        print_data(f"{quantity(len(jobs), 'model')} to scan")
    for job in jobs:
        print_data(f"  {job.label}: {printable(job.model)}")
    return 0


def _init(args: argparse.Namespace, narration: Narration) -> int:
    path: Path = args.file
    write_new(path, STARTER, overwrite=args.overwrite)
    narration.say(f"Edit it, then: mechamap scan MODEL --config {path}")
    print_path(path)
    return 0
