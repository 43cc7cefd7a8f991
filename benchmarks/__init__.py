"""Speed and memory as ratios against the bare model and against peers, each measured side by side in one run."""

from mechamap.system.threads import wait_without_spinning

wait_without_spinning()  # as the command line and the engine do, before torch is imported
