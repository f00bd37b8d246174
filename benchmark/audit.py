"""Finds results that are no longer what was written, and takes back the indexes that vouch for them.

    audit(layout) -> sentences about what was damaged
    take_back(layout, index)

The workflow then makes exactly these again: a stage keeps what its own checks still find true. The indexes of what was
made from a damaged file are taken back, too: Snakemake makes no missing file again on which nothing missing depends.
The audit runs when a run begins (a dry run only reports), and after a stage stumbled over a damaged file. Files of
unchanged size and time are trusted; others are compared by checksum.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmark.artifacts import damaged, read_json
from benchmark.errors import DamagedArtifactError
from benchmark.layout import Layout


def audit(layout: Layout, *, repair: bool = True) -> list[str]:
    """Check every index of a profile and say what is damaged; take back indexes with damaged files if `repair`."""
    found = {index: damaged(index) for index in layout.indexes()}
    for index, problems in found.items():
        if problems and repair:
            take_back(layout, index)
    return [problem for problems in found.values() for problem in problems]


def take_back(layout: Layout, index: Path) -> None:
    """Remove an index and those of everything that was made from what it vouches for."""
    for path in [*_made_from(layout, index), index]:
        path.unlink(missing_ok=True)


def _made_from(layout: Layout, index: Path) -> Iterator[Path]:
    kind = index.relative_to(layout.results).parts[0]
    if kind == "subjects":
        for later in layout.indexes():
            if later.relative_to(layout.results).parts[0] in ("explanations", "scores") and _needs(
                later, index.parent.name
            ):
                yield later
    if kind == "explanations":
        yield layout.score_index(index.parent.name)
    yield layout.published


def _needs(index: Path, subject: str) -> bool:
    try:
        return subject in read_json(index)["needs"]
    except (DamagedArtifactError, KeyError, TypeError):
        return True
