"""What is asked of a finished run: are its findings confirmed on other words, and what do neurons cause and write?

``confirm`` (by one ``confirmation_pass``) and ``second_text`` check readings, and ``strength`` puts together what they
find. ``target_words`` says which words are predicted where, ``attribution`` gives the first-order effect of all neurons
by gradients, ``ablator`` measures that of chosen ones by reading each ``ablated_window`` without them, and ``ablation``
does so for a run, with controls. ``lens`` reads a neuron's output weights.
"""
