"""``python -m mechamap.engine``: serves requests on stdin and stdout until stdin ends."""

from __future__ import annotations

import sys

from mechamap.engine.server import main

sys.exit(main())
