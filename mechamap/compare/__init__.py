"""What differs between two or more runs, and which neurons of two models are close.

Start in ``comparison``, which determines what can be compared, and ``report``, which makes the tables. Inside:
``alignment`` (how two runs relate) and ``words`` (activations over the words of a text), then ``closest``, then
``tables``.
"""
