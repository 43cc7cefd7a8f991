"""What the program needs from the operating system: paths, files written whole, memory, a log of failures."""
