"""What a session did, as commands in a file that can be done again: ``session_log`` writes it, ``read_log`` reads it,
``allowed`` says which commands a file may have.
"""
