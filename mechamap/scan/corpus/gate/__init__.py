"""What was gathered of a corpus, held to what it must be before it is used: parts come from anywhere. Start in
``ledger``."""
