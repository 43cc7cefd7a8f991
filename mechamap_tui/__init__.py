"""The explorer: browses runs in a terminal, and asks the engine process for everything that needs a model."""
