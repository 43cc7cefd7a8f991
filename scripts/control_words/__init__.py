"""How the bundled table of words is made: its sources, what keeps a word from being a control, and the choice."""
