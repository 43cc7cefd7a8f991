"""Reports as values, and written for people and programs: start in ``table``, then ``formats``."""
