"""What is asked of a finished run: are its findings confirmed on other words, and what do neurons cause and write?

``confirm`` (by one ``confirmation_pass``) and ``second_text`` check readings, and ``strength`` puts together what they
find. ``target_words`` says which words are predicted where, ``attribution`` gives the first-order effect of all neurons
by gradients (or by the rules of ``relevance`` patching, among them the ``gate_rule``), ``ablator`` measures that of
chosen ones by reading each ``ablated_window`` without them, ``ablation`` does so for a run, with controls, and
``large_writers`` for those of which the gradient says little. ``lens`` reads a neuron's output weights.
"""
