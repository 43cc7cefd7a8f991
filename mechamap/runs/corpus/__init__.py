"""What a run over a corpus has beside others (format 2): its record, and the tokens around its contexts, in arrays."""
