"""The browse screen and its panes: start in ``screen``."""
