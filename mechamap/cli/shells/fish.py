"""The completion script of fish."""

from __future__ import annotations

from collections.abc import Iterator

from mechamap.catalog.hub_cache import hub_cache
from mechamap.cli.shells.names import model_names
from mechamap.cli.shells.words import CommandWords, FlagWords, Taken
from mechamap.runs.example.place import EXAMPLE
from mechamap.system.paths import home

__all__ = ["fish_script"]


_FUNCTIONS = r"""
function __mechamap_home
    set -q MECHAMAP_HOME; and echo $MECHAMAP_HOME; or echo @HOME@
end

function __mechamap_list_runs
    echo @EXAMPLE@
    for file in (__mechamap_home)/runs/*/run.json
        set -l name (string split -r -f 2 -m 2 / $file)
        test "$name" != @EXAMPLE@; and echo $name
    end
end

function __mechamap_list_models
    printf '%s\n' @MODELS@
    for folder in @HUB@/models--*
        string replace -r '.*/models--' '' $folder | string replace -- -- /
    end
end

# The words before the cursor that are no flags, the command first.
function __mechamap_words
    commandline -opc | string match -v -- '-*'
end

function __mechamap_at
    set -l words (__mechamap_words)
    set -l path (string split ' ' -- $argv[1])
    test (count $words) -ge (count $path); and test "$words[1..$(count $path)]" = "$path"
end

function __mechamap_exactly_at
    test (string join ' ' -- (__mechamap_words)) = "$argv[1]"
end

function __mechamap_list_categories
    set -l words (__mechamap_words)
    for run in $words[2..-1]
        for file in (__mechamap_home)/runs/$run/run.json $run/run.json
            test -f $file; or continue
            string match -r -g '"categories": \["([^\]]*)"\]' <$file | head -n 1 | string split '", "'
            return
        end
    end
end
"""
_KINDS = {
    "run": "(__mechamap_list_runs)",
    "model": "(__mechamap_list_models)",
    "category": "(__mechamap_list_categories)",
    "folder": "(__fish_complete_directories)",
}


def fish_script(*roots: CommandWords) -> str:
    """The script, for these commands and all below them."""
    text = _FUNCTIONS
    values = {
        "@HOME@": _quoted(str(home())),
        "@HUB@": _quoted(str(hub_cache())),
        "@EXAMPLE@": EXAMPLE,
        "@MODELS@": " ".join(map(_quoted, model_names())),
    }
    for mark, value in values.items():
        text = text.replace(mark, value)
    head = (
        "# Completion of mechamap and mechamap-tui for fish. In ~/.config/fish/config.fish: "
        "mechamap completion fish | source\n"
    )
    lines = [line for root in roots for line in _completions(root)]
    return "\n".join([head, text.lstrip(), *lines, ""])


def _completions(command: CommandWords) -> Iterator[str]:
    start, path = f"complete -c {command.path[0]}", " ".join(command.path)
    if len(command.path) == 1:
        yield f"{start} -f"
    within = f"-n {_quoted(f'__mechamap_at {_quoted(path)}')}"
    exactly = f"-n {_quoted(f'__mechamap_exactly_at {_quoted(path)}')}"
    for each in command.below:
        yield f"{start} {exactly} -a {each.path[-1]} -d {_quoted(each.about)}"
        yield from _completions(each)
    for argument in command.arguments:
        if words := _words(argument):
            yield f"{start} {within} {'-F ' if 'file' in argument.kinds else ''}-a {_quoted(words)}"
    for flag in command.flags:
        yield f"{start} {within} {_flag(flag)}"


def _flag(flag: FlagWords) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names)
    if flag.value is None:
        return f"{names} -d {_quoted(flag.about)}"
    takes = "-r -F" if "file" in flag.value.kinds else "-x"
    words = _words(flag.value)
    return f"{names} {takes} {f'-a {_quoted(words)} ' if words else ''}-d {_quoted(flag.about)}"


def _words(taken: Taken) -> str:
    return " ".join([*taken.choices, *(_KINDS[kind] for kind in taken.kinds if kind in _KINDS)])


def _quoted(text: str) -> str:
    """A word as fish reads it; a quoted one within another keeps its quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
