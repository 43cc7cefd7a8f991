"""Make the README's picture with the app itself: open a run, sort by food, look at the best neuron, save the screen.

python scripts/take_picture.py RUN docs/explorer.svg
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from mechamap.runs import find_run
from mechamap_tui.app import MechaMapApp
from mechamap_tui.screens.browse import BrowseScreen
from mechamap_tui.target import read_target


async def take_picture(run: Path, out: Path, category: str, size: tuple[int, int]) -> None:
    app = MechaMapApp(read_target(str(run)))
    async with app.run_test(size=size) as pilot:
        await pilot.pause(1)
        assert isinstance(app.screen, BrowseScreen)
        categories = app.screen.run.categories
        for _ in range(categories.index(category)):
            await pilot.press("c")
        await pilot.pause(1)
        app.save_screenshot(out.name, str(out.parent))
    await app.close_engine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a run's folder or name")
    parser.add_argument("out", type=Path, help="the SVG to write")
    parser.add_argument("--category", default="food")
    parser.add_argument("--size", default="150x42", help="columns x lines")
    arguments = parser.parse_args()
    columns, lines = (int(part) for part in arguments.size.split("x"))
    asyncio.run(take_picture(find_run(arguments.run), arguments.out.absolute(), arguments.category, (columns, lines)))


if __name__ == "__main__":
    main()
