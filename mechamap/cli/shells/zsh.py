"""The completion script of zsh."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from mechamap.cli.shells.names import name_functions
from mechamap.cli.shells.words import CommandWords, FlagWords, Taken

__all__ = ["zsh_script"]


_BODY = r"""
_mechamap_offer_runs() { compadd -- ${(f)"$(_mechamap_list_runs)"} }
_mechamap_offer_models() { compadd -- ${(f)"$(_mechamap_list_models)"} }
_mechamap_offer_categories() { compadd -- ${(f)"$(_mechamap_list_categories "$_mechamap_run")"} }

_mechamap_first_run() {
    # the first word behind the command that is no flag
    local word
    _mechamap_run=
    for word in ${words[2,CURRENT-1]}; do
        [[ $word == -* ]] || { _mechamap_run=$word; return }
    done
}
"""
_ACTIONS = {
    "run": "_mechamap_offer_runs",
    "model": "_mechamap_offer_models",
    "category": "_mechamap_offer_categories",
    "file": "_files",
    "folder": "_files -/",
}


def zsh_script(*roots: CommandWords) -> str:
    """The script, for these commands and all below them."""
    parts = [
        "#compdef mechamap mechamap-tui\n"
        "# Completion of mechamap and mechamap-tui for zsh. In ~/.zshrc, behind compinit: "
        "source <(mechamap completion zsh)\n",
        name_functions(),
        _BODY.lstrip(),
        *(part for root in roots for part in _functions(root)),
        *(f"compdef {_name(root)} {root.path[0]}" for root in roots),
        "",
    ]
    return "\n".join(parts)


def _functions(command: CommandWords) -> Iterator[str]:
    """A function for a command, and one for each below it."""
    specs = [_flag(flag) for flag in command.flags]
    if command.below:
        names = " ".join(shlex.quote(f"{each.path[-1]}:{each.about}") for each in command.below)
        cases = "\n".join(f"            {each.path[-1]}) {_name(each)} ;;" for each in command.below)
        specs += ['"1:command:->command"', '"*::argument:->argument"']
        body = (
            "    local state line\n    typeset -A opt_args\n"
            f"    _arguments -C \\\n{_lines(specs)}\n    case $state in\n"
            f"        command) local -a commands=({names}); _describe command commands ;;\n"
            f"        argument) case $line[1] in\n{cases}\n        esac ;;\n    esac"
        )
    else:
        for place, argument in enumerate(command.arguments, start=1):
            last = place == len(command.arguments)
            number = "*" if last and command.repeats else str(place)
            specs.append(shlex.quote(f"{number}:{_what(argument)}:{_action(argument)}"))
        body = f"    local _mechamap_run; _mechamap_first_run\n    _arguments \\\n{_lines(specs)}"
    yield f"{_name(command)}() {{\n{body}\n}}\n"
    for each in command.below:
        yield from _functions(each)


def _name(command: CommandWords) -> str:
    return "_" + "_".join(command.path).replace("-", "_")


def _lines(specs: list[str]) -> str:
    return " \\\n".join(f"        {spec}" for spec in specs)


def _flag(flag: FlagWords) -> str:
    about = flag.about.replace("[", "(").replace("]", ")").replace(":", " -")
    value = "" if flag.value is None else f":{_what(flag.value)}:{_action(flag.value)}"
    return " ".join(shlex.quote(f"*{name}[{about}]{value}") for name in flag.names)


def _what(taken: Taken) -> str:
    return " or ".join(taken.kinds) or "value"


def _action(taken: Taken) -> str:
    if taken.choices:
        return f"({' '.join(taken.choices)})"
    actions = [_ACTIONS[kind] for kind in taken.kinds]
    if len(actions) > 1:
        return " _alternative " + " ".join(  # a space in front: no further options
            f'"{kind}s:{kind}:{action}"' for kind, action in zip(taken.kinds, actions, strict=True)
        )
    return actions[0] if actions else " "
