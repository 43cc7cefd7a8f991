"""Where a model keeps its neurons: start in ``layers``.

``architectures`` lists where known types have them, ``discovery`` finds them by names and shapes, ``experts`` is about
those in mixture-of-experts layers.
"""
