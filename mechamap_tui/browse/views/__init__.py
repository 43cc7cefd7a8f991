"""What the browse screen shows as a value: undone, done again, named and restored. Start in ``view_actions``."""
