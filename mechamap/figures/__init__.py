"""What is known about each neuron, by name: start in ``catalogue``, which has a row for each figure.

``figure`` says what a row holds and how values are judged, ``of_run`` which figures a run has, ``values`` reads them,
``findings`` says which neurons stand out.
"""
