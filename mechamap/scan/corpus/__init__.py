"""A scan over a corpus: shards, the ledger of those that are merged, and the run that their statistics make."""
