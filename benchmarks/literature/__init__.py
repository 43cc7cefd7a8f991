"""Neurons that others have published, looked for again with this library: ``make literature``, which needs the hub.

``published/`` has the tables, ``published/SOURCES.md`` where they are from. ``compound_words``, ``languages`` and
``universal`` measure such neurons in any model, so that the measurement itself is tested on a small one.
"""
