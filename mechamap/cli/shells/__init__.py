"""Completion of the command line in shells: what can follow which word, and a script for each shell that says so."""
