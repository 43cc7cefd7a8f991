"""CSV files that say little are shown with what they have."""

from __future__ import annotations

from pathlib import Path

import pytest
from browse_host import BrowseHost
from small_csv import written

from mechamap.csv_files.run import read_csv


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("model,layer,neuron,category,avg_activation\n", "m,0,1,,\nm,2,2,,\n"),  # no neuron is under any category
        ("layer,neuron,category,avg_activation\n", "0,1,food,inf\n2,2,food,nan\n"),
        ("layer,neuron,write.food\n", "0,1,3.5\n2,2,-1\n"),  # wide, without means and selectivity
    ],
)
async def test_a_csv_that_lacks_most_figures_can_be_browsed(tmp_path: Path, header: str, rows: str) -> None:
    app = BrowseHost(read_csv(written(tmp_path, rows, header)))
    async with app.run_test(size=(110, 30)) as pilot:
        for key in ("down", "s", "S", "c", "right_square_bracket", "enter", "escape", "down"):
            await pilot.press(key)
        await pilot.pause()
        assert app.is_running and not app.errors
        assert app.screen_of_run.run.neurons == 2
