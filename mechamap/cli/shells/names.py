"""Shell functions that list the names of runs, models and categories, in what bash and zsh have in common.

They look into folders and start no Python, which would be felt at each press of the key. Nothing that they print is
ever evaluated: a folder may have any name.
"""

from __future__ import annotations

import shlex

from mechamap.catalog.hub_cache import hub_cache
from mechamap.catalog.short_names import SHORT_NAMES
from mechamap.runs.example.place import EXAMPLE
from mechamap.system.paths import home

__all__ = ["model_names", "name_functions"]


_FUNCTIONS = r"""
_mechamap_home=@HOME@
_mechamap_hub=@HUB@

_mechamap_list_runs() {
    local folder runs="${MECHAMAP_HOME:-$_mechamap_home}/runs"
    printf '%s\n' @EXAMPLE@
    command ls -1 "$runs" 2>/dev/null | while IFS= read -r folder; do
        [ "$folder" != @EXAMPLE@ ] && [ -f "$runs/$folder/run.json" ] && printf '%s\n' "$folder"
    done
}

_mechamap_list_models() {
    local folder
    printf '%s\n' @MODELS@
    command ls -1 "$_mechamap_hub" 2>/dev/null | while IFS= read -r folder; do
        case $folder in
            models--*) printf '%s\n' "${folder#models--}" | sed 's|--|/|' ;;
        esac
    done
}

_mechamap_list_categories() {
    local file="${MECHAMAP_HOME:-$_mechamap_home}/runs/$1/run.json"
    [ -f "$file" ] || file="$1/run.json"
    [ -f "$file" ] || return 0
    grep -o '"categories": \["[^]]*"\]' "$file" | head -n 1 |
        sed 's/^"categories": \["//; s/"\]$//; s/", "/|/g' | tr '|' '\n'
}
"""


def model_names() -> tuple[str, ...]:
    """The names of models that are known without looking anywhere."""
    return ("demo", *SHORT_NAMES)


def name_functions() -> str:
    """Functions that list runs, models and the categories of a run, with this machine's folders."""
    values = {
        "@HOME@": shlex.quote(str(home())),
        "@EXAMPLE@": EXAMPLE,
        "@MODELS@": " ".join(map(shlex.quote, model_names())),
        "@HUB@": shlex.quote(str(hub_cache())),
    }
    text = _FUNCTIONS
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text.lstrip()
