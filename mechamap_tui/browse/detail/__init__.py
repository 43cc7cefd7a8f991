"""One neuron from all sides: start in ``pane``; each tab has a file of its own."""
