"""Finds results that are no longer what was written, and takes back the index that vouches for them.

    audit(layout) -> sentences about what was damaged

The workflow then makes exactly these again: a stage keeps what its own checks still find true. It runs whenever the
Snakefile is read, and after a stage stumbled over a damaged file. Files of unchanged size and time are trusted;
others are compared by checksum.
"""

from __future__ import annotations

from benchmark.artifacts import damaged
from benchmark.layout import Layout


def audit(layout: Layout) -> list[str]:
    """Check every index of a profile; remove those with damaged files and say what is damaged."""
    problems = []
    for index in layout.indexes():
        found = damaged(index)
        if found:
            index.unlink(missing_ok=True)
            problems.extend(found)
    return problems
