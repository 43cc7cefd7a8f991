"""Loading a language model: start in ``load``; the others are each about one source or one way of holding weights."""
