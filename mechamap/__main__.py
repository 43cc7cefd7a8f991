"""``python -m mechamap`` is ``mechamap``."""

from __future__ import annotations

import sys

from mechamap.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
