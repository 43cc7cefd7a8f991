"""Where a model keeps its neurons: start in ``model_layers``, which finds the ``layers`` of a loaded model.

``architectures`` lists where known types have them, ``discovery`` finds them by names and shapes, ``experts`` is about
those in mixture-of-experts layers.
"""
