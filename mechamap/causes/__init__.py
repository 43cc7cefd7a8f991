"""What neurons cause: how much worse or better a model knows the words of a category without them.

``words`` says which words are predicted where, ``estimate`` gives the first-order effect of all neurons by gradients,
``ablator`` measures that of chosen ones by running the model without them, and ``measure`` does so for a run, with
controls.
"""
