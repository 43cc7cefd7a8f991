"""What differs between two runs or more, and which neurons of two models are close: start in ``report``.

Inside: ``alignment`` (how two runs relate) and ``words`` (activations over the words of a text), then ``closest``, then
``tables``.
"""
