"""How large one unit of a neuron is: the 99.9 % quantile of its size, and what a run keeps of it."""
