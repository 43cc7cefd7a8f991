"""Asking a neuron with a sentence: start in ``screen``; ``asking`` says when the engine is asked what."""
