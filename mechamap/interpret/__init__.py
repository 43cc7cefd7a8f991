"""What a run's neurons say about its model: how many each category has, how strong, where, and how specialised.

Start in ``report``, which makes each table that is wanted; ``tables`` has their keys. pandas does the counting; it is
imported with ``report``.
"""
