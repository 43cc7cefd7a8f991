"""Turning neurons up, down or off while a model reads and writes, beside controls.

``hooks`` changes neurons, each row of a batch in its own way; ``subject`` says how large one unit of each neuron is;
``controls`` draws the neurons that stand beside; ``ladder`` puts strengths, controls and generated text together;
``set_effects`` measures what a model loses without a set, and ``control_vector`` writes one for llama.cpp.
"""
