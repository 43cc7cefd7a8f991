"""The engine process, ``python -m mechamap.engine``: start in ``server``, then ``methods``, what it does when asked."""
