"""A bundled table of English words with their features, and those of them that may be control words: start in ``pool``.

Where the table comes from is in ``SOURCES.md``; ``scripts/make_control_words.py`` makes it again.
"""
