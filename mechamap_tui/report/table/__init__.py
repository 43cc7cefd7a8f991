"""A report's table, as numbers or as a heat map: a view that draws the visible lines alone. Start in ``table``."""
