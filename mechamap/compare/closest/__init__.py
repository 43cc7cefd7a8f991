"""For each neuron of a model the closest one in another: start in ``closest``."""
