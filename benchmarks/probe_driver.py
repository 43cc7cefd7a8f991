"""What the benchmark of the probe runs in a terminal of its own: the explorer on the probe screen, typed into.

``python -m benchmarks.probe_driver FOLDER RUN NEURON SENTENCE`` writes ``FOLDER/ready`` when the sentence is coloured;
for each ``FOLDER/go-N`` it types a letter, and writes the seconds from the key to the painted colours to
``FOLDER/done-N``. It ends when ``FOLDER/end`` is there.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.screen import Screen

    from mechamap_tui.probe.screen import ProbeScreen


def main() -> None:
    folder, run, neuron, sentence = Path(sys.argv[1]), *sys.argv[2:]
    from mechamap.runs.run import Run
    from mechamap_tui.app import MechaMapApp
    from mechamap_tui.start.target import read_target

    class Typed(MechaMapApp):
        """The explorer; it tells when a frame was written that shows the answer to what stands in the line."""

        painted: asyncio.Event | None = None

        def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
            super()._display(screen, renderable)
            if self.painted is not None and _answered(screen):
                self.painted.set()

        def on_mount(self) -> None:
            super().on_mount()
            self.run_worker(self.type_on())

        async def type_on(self) -> None:
            from textual import events

            self.explorer.open_probe(Run.open(Path(run)), neuron, lambda name: None)
            await asyncio.sleep(1)
            screen: Any = self.screen
            screen._put(sentence)
            while not _answered(screen):
                await asyncio.sleep(0.1)
            await asyncio.sleep(3)  # what comes next is answered too
            (folder / "ready").touch()
            number = 0
            while not (folder / "end").exists():
                if not (folder / f"go-{number}").exists():
                    await asyncio.sleep(0.02)
                    continue
                self.painted = asyncio.Event()
                started = time.perf_counter()
                letter = "abcdefghij"[number % 10]
                self.post_message(events.Key(letter, letter))
                await self.painted.wait()
                seconds = time.perf_counter() - started
                self.painted = None
                await asyncio.sleep(1)  # until the next tokens are there too, and the engine rests
                (folder / f"new-{number}").write_text(str(seconds), encoding="ascii")
                (folder / f"new-{number}").rename(folder / f"done-{number}")
                number += 1
            self.exit()

    Typed(read_target(run)).run()


def _answered(screen: Screen[Any]) -> bool:
    """Whether the colours on the screen are those of what stands in the line."""
    from mechamap_tui.probe.screen import ProbeScreen

    if not isinstance(screen, ProbeScreen):
        return False
    probe: ProbeScreen = screen
    return bool(probe.session.text) and probe.asking.text == probe.session.text


if __name__ == "__main__":
    main()
