"""The command ``mechamap-tui``: its arguments, and the app from its making to its end."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap import __version__
from mechamap.errors import MechaMapError, OutOfMemory
from mechamap.system.paths import typed_text
from mechamap.system.room import EXPLORER, require_room
from mechamap_tui.terminal.ending import Ending

if TYPE_CHECKING:
    from mechamap_tui.app import MechaMapApp

__all__ = ["open_explorer", "run_explorer"]


def open_explorer(argv: Sequence[str] | None, ending: Ending) -> int:
    """Open the explorer; returns the exit status."""
    options = _parser().parse_args(argv)
    if options.plain:
        return _plainly(options)
    if options.web:
        return _serve(options.port, sys.argv[1:] if argv is None else argv)
    if (stream := _not_a_terminal()) is not None:
        told = sys.stdout if stream == "standard error" else sys.stderr
        print(
            f"mechamap-tui: {stream} is not a terminal. The explorer needs one; --plain and `mechamap` work without.",
            file=told,
        )
        return 1
    try:
        require_room(EXPLORER, "The explorer")
    except OutOfMemory as error:
        sys.stderr.write(f"mechamap-tui: {error.message} {error.hint}\n")
        return 1
    if options.offline:
        from mechamap.system.network import go_offline

        go_offline()  # the engine process inherits it
    return _explore(options, ending)


def _plainly(options: argparse.Namespace) -> int:
    """Have the command line answer in the explorer's place, in a process of its own: this one knows no models."""
    words = [sys.executable, "-m", "mechamap", "plain", *filter(None, [options.what])]
    given = {name: getattr(options, name) for name in ("view", "where", "sort", "category", "neuron")}
    words += [f"--{name}={value}" for name, value in given.items() if value is not None]
    if options.offline:
        words.append("--offline")
    if os.name == "posix":
        os.execv(sys.executable, words)
    return subprocess.call(words)


def _not_a_terminal() -> str | None:
    """The first standard stream that is no terminal, None where all are: Textual draws on standard error.

    A page in a browser has no terminal: its server says so with the driver that Textual is to draw with.
    """
    if os.environ.get("TEXTUAL_DRIVER", "").startswith("textual.drivers.web_driver:"):
        return None
    streams = {"standard input": sys.stdin, "standard output": sys.stdout, "standard error": sys.stderr}
    return next((name for name, stream in streams.items() if stream is None or not stream.isatty()), None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mechamap-tui",
        description="Scan the MLP neurons of a language model and explore what they read, in the terminal.",
        epilog="Without an argument it starts with recent runs and models. Press ? for the keys, ctrl+q to quit.",
    )
    parser.add_argument(
        "what",
        nargs="?",
        default="",
        metavar="MODEL | RUN | FILE.csv",
        help="a model to scan (demo, gpt2, a hub id, a folder, a .gguf file), a run's name or folder, "
        "a CSV of results, or example: a scan of SmolLM2-135M to look around in",
    )
    parser.add_argument(
        "--config", type=Path, metavar="F", help="config file for the scan of a model, or a bundled config by name"
    )
    parser.add_argument(
        "--plain",
        action="store_true",
        help="answer commands line by line instead, for screen readers and scripts; the same as `mechamap plain RUN`",
    )
    view = parser.add_argument_group("of a run, in place of what it was left with")
    view.add_argument("--view", metavar="NAME", type=typed_text, help="show a named view (b in the explorer)")
    view.add_argument("--where", metavar="EXPR", type=typed_text, help="show the neurons that this is true for")
    view.add_argument(
        "--sort", metavar="COLS", type=typed_text, help="sort by these columns; - in front sorts downwards"
    )
    view.add_argument("--category", metavar="C", type=typed_text, help="show this category")
    view.add_argument("--neuron", metavar="L7.N1844", type=typed_text, help="put the cursor on this neuron")
    parser.add_argument("--new", action="store_true", help="scan the model even if a run has that name")
    parser.add_argument(
        "--offline", action="store_true", help="reach no network: models of the hub come from the cache alone"
    )
    parser.add_argument(
        "--web", action="store_true", help="show the explorer in a browser on this machine, at the address printed"
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="the port of --web (default: any free one)")
    parser.add_argument(
        "--version", action="version", version=f"mechamap-tui {__version__}", help="print the version and exit"
    )
    return parser


def _serve(port: int, argv: Sequence[str]) -> int:
    """Serve the explorer to a browser, with all other arguments; returns the exit status."""
    from mechamap_tui.web.server import serve_explorer

    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--web", action="store_true")
    own.add_argument("--port")
    try:
        return serve_explorer(own.parse_known_args(argv)[1], port, _tell_address)
    except MechaMapError as error:
        sys.stderr.write(f"mechamap-tui: {error.message} {error.hint}\n")
        return error.exit_code


def _tell_address(address: str) -> None:
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    sys.stderr.write(
        "Open this address in a browser on this machine; whoever has it can use the explorer. Ctrl+C ends.\n"
    )


def _explore(options: argparse.Namespace, ending: Ending) -> int:
    from mechamap_tui.data.first_view import FirstView
    from mechamap_tui.start.target import Target, prepare, read_target

    target = read_target(options.what)
    if options.new and target.kind == "run":
        target = Target("model", options.what)
    first = FirstView(options.view, options.where, options.sort, options.category, options.neuron)
    if first.asked and target.kind not in ("run", "example"):
        flags = ", ".join(f"--{name}" for name in first.asked)
        sys.stderr.write(f"mechamap-tui: {flags} needs a run. `mechamap runs` lists them.\n")
        return 2

    prepare(target)

    def make() -> MechaMapApp:
        from mechamap_tui.app import MechaMapApp

        return MechaMapApp(target, options.config, first=first)

    return run_explorer(make, ending)


def run_explorer(make: Callable[[], MechaMapApp], ending: Ending | None = None) -> int:
    """Make the app, run it until it is left, and end its engine process; returns the exit status."""
    import asyncio
    import gc

    from mechamap_tui.terminal.encoding import draw_in_utf8

    draw_in_utf8()
    # What is loaded until the first frame stays for good: looking for garbage in it only delays that frame.
    gc.disable()
    app = make()

    async def run() -> None:
        loop = asyncio.get_running_loop()

        def leave(code: int) -> None:
            loop.call_soon_threadsafe(lambda: app.exit(return_code=code))

        if ending is not None:
            ending.watch(leave, app.explorer.kill_engine)
        try:
            await app.run_async()
        finally:
            await app.explorer.close_engine()

    asyncio.run(run())
    if ending is not None:
        ending.done()
        if ending.number is not None:  # whatever the app made of it
            return 128 + ending.number
    return app.return_code or 0
