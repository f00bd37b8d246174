"""A published board: what its folder keeps, and what can be done with that without running anything again.

    kept             read(folder), write(kept, folder): scores, tables, provenance, pictures, and `board.json`
    tables           every table that follows from the scores
    showing          what is kept, as the `Board` that the site shows
    merging          families that ran on other days or machines, joined into one board
    verification     does every table follow from the scores, and are the scores what they must be?
    reproduction     run a board's configuration again, and compare row by row
    comparison       what changed between two boards beyond noise

The scores are the board; everything else is computed from them, and can be computed again by whoever doubts it.
"""
