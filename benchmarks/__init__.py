"""Speed and memory as ratios against the bare model and against peers, each measured side by side in one run."""
