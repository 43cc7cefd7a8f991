"""What a corpus says about each neuron, as values that grow batch by batch and can be merged in any order.

Every statistic has one contract: add a batch, merge another one, to arrays and back. What is drawn is drawn by a hash
of (document, position), so that it does not depend on how the corpus was cut.
"""
