"""Make the pictures of the docs with the app itself: open a run, sort by food, press keys, save the screen.

python scripts/take_picture.py RUN docs/explorer.svg
python scripts/take_picture.py RUN docs/interpret.svg --size 100x32 --keys r 4
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from mechamap.runs.library import find_run
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.start.target import read_target

ANSWERED_AFTER = 5.0  # seconds that the engine may take for what a key asks of it


async def take_picture(run: Path, out: Path, category: str, size: tuple[int, int], keys: Sequence[str]) -> None:
    app = MechaMapApp(read_target(str(run)))
    async with app.run_test(size=size) as pilot:
        await pilot.pause(1)
        assert isinstance(app.screen, BrowseScreen)
        categories = app.screen.run.categories
        for _ in range(categories.index(category)):
            await pilot.press("c")
        await pilot.pause(1)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(ANSWERED_AFTER)
        app.save_screenshot(out.name, str(out.parent))
    await app.explorer.close_engine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a run's folder or name")
    parser.add_argument("out", type=Path, help="the SVG to write")
    parser.add_argument("--category", default="food")
    parser.add_argument("--size", default="150x42", help="columns x lines")
    parser.add_argument("--keys", nargs="*", default=(), help="keys to press before the picture is taken")
    arguments = parser.parse_args()
    columns, lines = (int(part) for part in arguments.size.split("x"))
    size = (columns, lines)
    run, out = find_run(arguments.run), arguments.out.absolute()
    asyncio.run(take_picture(run, out, arguments.category, size, arguments.keys))


if __name__ == "__main__":
    main()
