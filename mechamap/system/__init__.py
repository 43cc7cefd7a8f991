"""What the program needs of the system it runs on: paths, files written whole, memory, a log of failures."""
