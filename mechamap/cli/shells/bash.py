"""The completion script of bash."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from mechamap.cli.shells.names import name_functions
from mechamap.cli.shells.words import CommandWords, Taken, walk

__all__ = ["bash_script"]


# `wants` is what the word under the cursor can be: words, or "@run" and the like; nothing leaves it to file names.
_BODY = r"""
_mechamap_offer() {
    local word
    while IFS= read -r word; do
        [[ -n $word && $word == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$word")")
    done
}

_mechamap_complete() {
    local cur=${COMP_WORDS[COMP_CWORD]} path=$1 value='' named='' run='' wants='' place=0 i word
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $value ]]; then
            value=''
        elif [[ $word == -* ]]; then
            _mechamap_value "$path" "$word" && value=yes
        elif _mechamap_below "$path" "$word"; then
            path="$path $word"
        else
            [[ -z $run ]] && run=$word
            place=$((place + 1))
        fi
    done
    if [[ -n $value ]]; then
        _mechamap_value "$path" "${COMP_WORDS[COMP_CWORD - 1]}"
    elif [[ $cur == -* ]]; then
        _mechamap_flags "$path"
    else
        _mechamap_argument "$path" "$place"
    fi
    for word in $wants; do
        case $word in
            @run) _mechamap_offer < <(_mechamap_list_runs) ;;
            @model) _mechamap_offer < <(_mechamap_list_models) ;;
            @category) _mechamap_offer < <(_mechamap_list_categories "$run") ;;
            @folder) compopt -o dirnames 2>/dev/null ;;
            @file) ;;
            *) _mechamap_offer <<<"$word" ;;
        esac
    done
}

_mechamap() { _mechamap_complete mechamap; }
_mechamap_tui() { _mechamap_complete mechamap-tui; }
complete -o bashdefault -o default -F _mechamap mechamap
complete -o bashdefault -o default -F _mechamap_tui mechamap-tui
"""


def bash_script(*roots: CommandWords) -> str:
    """The script, for these commands and all below them."""
    commands = [command for root in roots for command in walk(root)]
    parts = [
        "# Completion of mechamap and mechamap-tui for bash. In ~/.bashrc: source <(mechamap completion bash)\n",
        name_functions(),
        _function("_mechamap_below", '"$1 $2"', _below(commands), otherwise="return 1"),
        _function("_mechamap_value", '"$1 $2"', _values(commands), otherwise="return 1"),
        _function("_mechamap_flags", '"$1"', _flags(commands)),
        _function("_mechamap_argument", '"$1:$2"', _arguments(commands)),
        _BODY.lstrip(),
    ]
    return "\n".join(parts)


def _function(name: str, subject: str, cases: Iterable[tuple[str, str]], otherwise: str = "") -> str:
    lines = [f"        {pattern}) {does} ;;" for pattern, does in cases]
    if otherwise:
        lines.append(f"        *) {otherwise} ;;")
    return "\n".join([f"{name}() {{", f"    case {subject} in", *lines, "    esac", "}", ""])


def _below(commands: Iterable[CommandWords]) -> Iterator[tuple[str, str]]:
    for command in commands:
        for each in command.below:
            yield f'"{" ".join(each.path)}"', "return 0"


def _values(commands: Iterable[CommandWords]) -> Iterator[tuple[str, str]]:
    for command in commands:
        for flag in command.flags:
            if flag.value is not None:
                pattern = "|".join(f'"{" ".join(command.path)} {name}"' for name in flag.names)
                yield pattern, f"wants={shlex.quote(' '.join(_words(flag.value)))}"


def _flags(commands: Iterable[CommandWords]) -> Iterator[tuple[str, str]]:
    for command in commands:
        names = " ".join(name for flag in command.flags for name in flag.names)
        yield f'"{" ".join(command.path)}"', f"wants={shlex.quote(names)}"


def _arguments(commands: Iterable[CommandWords]) -> Iterator[tuple[str, str]]:
    for command in commands:
        path = " ".join(command.path)
        if command.below:
            yield f'"{path}:"*', f"wants={shlex.quote(' '.join(each.path[-1] for each in command.below))}"
        for place, argument in enumerate(command.arguments):
            last = place + 1 == len(command.arguments)
            pattern = f'"{path}:"*' if last and command.repeats else f'"{path}:{place}"'
            yield pattern, f"wants={shlex.quote(' '.join(_words(argument)))}"


def _words(taken: Taken) -> list[str]:
    return [*taken.choices, *(f"@{kind}" for kind in taken.kinds)]
