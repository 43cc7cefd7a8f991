"""Reading a model's activations in one hooked pass: start in ``hooked_pass``.

``batches`` says what goes through the model at once, ``turns`` how batches take each layer in turn, ``gather`` what is
collected. ``prefix_pass`` is the same pass for windows that begin alike.
"""
