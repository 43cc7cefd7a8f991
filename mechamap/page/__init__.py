"""A page to share: neurons of a run with their figures, checks, contexts and charts, as one file of HTML or Markdown.

Start in :mod:`mechamap.page.composing`, which makes the page as values (:mod:`mechamap.page.content`); ``html`` and
``markdown`` write them. Reads a run's files; no model is loaded.
"""
