"""Where the explorer begins: the start screen, and what a name given on the command line means."""
