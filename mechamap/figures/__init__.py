"""What is known of each neuron, by name: start in ``catalogue``.

``values`` reads figures of a run, ``findings`` says which neurons stand out.
"""
