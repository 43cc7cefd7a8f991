"""The templated half of the bundled model's training text: word lists, templates and the generator."""
