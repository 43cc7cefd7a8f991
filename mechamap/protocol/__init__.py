"""Both ends of the engine process: ``rpc`` is the format of its lines, ``messages`` what they carry. No torch."""
