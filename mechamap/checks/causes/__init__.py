"""What a model loses without a neuron, in the log probability of each category's words: estimated, then measured.

``target_words`` says which words are predicted where. ``attribution`` gives the first-order effect of all neurons by
gradients, or by the rules of ``relevance`` patching, among them the ``gate_rule``. ``ablator`` measures that of chosen
neurons by reading each ``ablated_window`` without them; ``ablation`` does so for a run, with controls, and
``large_writers`` for the neurons of which the gradient says little.
"""
