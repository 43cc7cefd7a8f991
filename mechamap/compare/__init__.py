"""What differs between two runs or more, and which neurons of two models are close.

Start in ``comparison``, which finds out once what can be compared, and ``report``, which says it in tables. Inside:
``alignment`` (how two runs relate) and ``words`` (activations over the words of a text), then ``closest``, then
``tables``.
"""
