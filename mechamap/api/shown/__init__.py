"""What the Python interface shows: tables and reports that print themselves, frames of pandas, charts.

Start in :mod:`mechamap.api.shown.displayed`.
"""
