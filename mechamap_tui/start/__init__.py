"""Where the explorer starts: the start screen, and what the command line's argument means."""
