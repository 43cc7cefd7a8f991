"""Files of the user's beside a run, changed by one process after another. Start in ``notes``."""
