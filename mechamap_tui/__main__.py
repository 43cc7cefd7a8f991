"""``mechamap-tui``: nothing else is imported before signals are watched for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from mechamap_tui.terminal.ending import Ending

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Open the explorer; returns the exit status."""
    ending = Ending()
    try:
        from mechamap_tui.command import open_explorer

        return open_explorer(argv, ending)
    except (ImportError, MemoryError, OSError) as error:
        if not isinstance(error, MemoryError) and "map segment" not in str(error):
            raise
        os.write(2, b"mechamap-tui: this process may not take the memory that it needs to begin\n")
        return 1
    finally:
        ending.close()


if __name__ == "__main__":
    sys.exit(main())
