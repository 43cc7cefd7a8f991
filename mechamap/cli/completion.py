"""``mechamap completion``: a script that teaches a shell the commands, the flags and the names of runs and models."""

from __future__ import annotations

import argparse

from mechamap.cli.narration import Narration, write_data
from mechamap.cli.parser import Commands

__all__ = ["add_to"]


_SHELLS = ("bash", "zsh", "fish")
_DESCRIPTION = """Print a completion script for a shell: commands, flags and their values, names of runs, models and
categories. bash, in ~/.bashrc: source <(mechamap completion bash); zsh, in ~/.zshrc behind compinit: source <(mechamap
completion zsh); fish, in ~/.config/fish/config.fish: mechamap completion fish | source."""


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("completion", help="a completion script for a shell", description=_DESCRIPTION)
    parser.add_argument("shell", metavar="SHELL", choices=_SHELLS, help=", ".join(_SHELLS))
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Print the script."""
    from mechamap.cli.shells.bash import bash_script
    from mechamap.cli.shells.fish import fish_script
    from mechamap.cli.shells.words import command_words, explorer_words
    from mechamap.cli.shells.zsh import zsh_script

    script = {"bash": bash_script, "zsh": zsh_script, "fish": fish_script}[args.shell]
    write_data(script(command_words(args.whole), explorer_words()))
    return 0
