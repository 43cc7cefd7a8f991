"""How amounts, names and other people's text are put into sentences and cells. Knows nothing of models or runs."""
