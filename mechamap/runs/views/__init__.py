"""Views of a run's neurons: which are shown, in what order and in which columns. Start in ``table_view``."""
