"""What neurons read in carrier sentences, word by word, and what chance makes of it: start in ``word_ranks``.

``null`` shuffles the words' labels, ``strata`` only among words that are alike in all but meaning, ``max_t`` and
``tail`` give the p of a search; ``held_out`` scores halves of the words that chose nothing, ``controls`` compares with
matched words and near relatives, ``explained`` says what the words' features alone give a neuron.
"""
