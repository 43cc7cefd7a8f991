"""The statistics on the CPU, compiled by numba where it is installed: everything in one walk over the activations.

Start in ``kernel``. ``vectors`` has the loops that every value goes through, ``lists`` what is rare: contexts and draws
that enter a neuron's lists. ``backend`` is what the rest of the house calls; it alone may be imported without numba.
"""
