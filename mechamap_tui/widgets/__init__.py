"""The widgets of the explorer, one concept a file."""
