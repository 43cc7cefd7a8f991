"""Models: ``loading`` reads them from the hub, a folder or a file, ``neurons`` finds where they keep their neurons, and
``proof`` shows on each load that these are what the model computes with.
"""
