"""Shards of a corpus read by several processes, on this machine or on others; Ray starts them."""
