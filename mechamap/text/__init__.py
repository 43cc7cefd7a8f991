"""From texts to tokens with known characters: ``tokenize`` first, then ``windows`` and the ``occurrences`` of words."""
