"""What a scan over a corpus takes: how much it reads, by shards, and memory, disk space and time for that.

Start in ``size``.
"""
