"""Comparing runs: of one model, neuron by neuron; of different models, by depth, shares and closest neurons."""
