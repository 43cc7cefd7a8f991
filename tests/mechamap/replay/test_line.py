"""Commands on one line: quoted for a shell, and read back without one."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechamap.errors import UsageError
from mechamap.replay.line import command_line, words_of

ODD = ["it's", "", "a b", "line\nend", "tab\t", "$HOME `id` $(id)", "#no comment", "\x1b[31m", "é 漢\u202e", "\\", '"']


@given(st.lists(st.text(max_size=12), max_size=5), st.text(alphabet="abc ,0", max_size=9))
def test_words_come_back_as_they_were(words: list[str], remark: str) -> None:
    line = f"{command_line(words)} # {remark}"
    assert "\n" not in line and line.isprintable()
    assert words_of(line) == (words, remark.strip())


def test_odd_words_come_back_as_they_were() -> None:
    assert words_of(command_line([*ODD, "\ud800"])) == ([*ODD, "\ud800"], "")


def test_bash_reads_the_same_words() -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    script = "printf '%s\\0' " + command_line(ODD)
    out = subprocess.run([bash, "-c", script], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}).stdout
    assert out.decode().split("\0")[:-1] == ODD


@pytest.mark.parametrize(
    "line",
    [
        "a; b", "a | b", "a && b", "a > f", "a $HOME", "a `id`", "a $(id)", 'a "$(id)"', 'a "`id`"', "a 'open",
        'a "open', "a $'open", "a \\", "a $'\\UFFFFFFFF'", "(a)", "a &", "a\rb",
    ],
)  # fmt: skip
def test_what_a_shell_would_do_more_with_is_refused(line: str) -> None:
    with pytest.raises(UsageError, match="no single command"):
        words_of(line)


def test_a_hand_written_line_is_read_as_a_shell_reads_it() -> None:
    assert words_of("mechamap count r --by \"layer, best\"\t--where='a > 1' # why") == (
        ["mechamap", "count", "r", "--by", "layer, best", "--where=a > 1"],
        "why",
    )
    assert words_of("  # nothing") == ([], "nothing")
    assert words_of("a#b") == (["a#b"], "")
