"""CSV files read back as runs, whoever wrote them: of any size, in both layouts, each mistake named by row and column.

Start in ``run``, which reads a file from its header on.
"""
