"""What is asked of a finished run: are its findings confirmed on other words, and what do neurons cause and write?

``confirm`` (by one ``confirmation_pass``) and ``second_text`` check readings, and ``strength`` puts together what they
find. ``causes`` are in a room of their own. ``lens`` reads a neuron's output weights.
"""
