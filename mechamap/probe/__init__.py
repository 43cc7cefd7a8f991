"""What neurons do with a sentence: start in ``sentence`` and ``comparison``.

``prompt`` is a text as it is read, ``reading`` the pass over it, ``reference`` what is usual for each neuron;
``outliers``, ``comparison`` and ``similar`` are what is asked of all neurons.
"""
