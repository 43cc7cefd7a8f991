"""A tour of the example in six steps: a panel below the screen says what to press, and notices that it was pressed."""
