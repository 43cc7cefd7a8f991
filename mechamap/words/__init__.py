"""What a word is in a text of any script: its borders, when two spellings are one word, and where the words of lists
stand. Start in ``finder``.

And a bundled table of English words with their features, some of which may be control words: start in ``pool``. Where
the table comes from is in ``SOURCES.md``; ``scripts/make_control_words.py`` makes it again.
"""
