"""Dialogs: errors, questions, the export, help, and what is known about a run."""
