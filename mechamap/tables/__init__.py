"""Tables that say something about runs: one value, written for a terminal, a page, a program or a screen."""
