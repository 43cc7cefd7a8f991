"""The table of neurons: a view that draws the visible lines alone. Start in ``table``."""
