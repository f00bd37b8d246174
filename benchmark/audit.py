"""Finds results that are no longer what was written, and takes back the indexes that vouch for them.

    audit(layout) -> sentences about what was damaged

The workflow then makes exactly these again: a stage keeps what its own checks still find true. The audit runs whenever
the Snakefile is read (a dry run only reports); files of unchanged size and time are trusted then, and compared by
checksum once a reader has stumbled over a damaged one. Indexes of what was made from damaged files are taken back, too:
Snakemake makes no missing file again on which nothing missing depends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from benchmark.layout import Layout
from benchmark.store import damaged, read_entry

STAGES = ("subjects", "explanations", "scores", "pictures")


def audit(layout: Layout, *, by_checksum: bool = False, repair: bool = True) -> list[str]:
    """Check every index of a profile; take back those with damaged files, unless only looking. Says what is damaged."""
    found = {index: _problems(layout, index, by_checksum) for index in layout.indexes()}
    if repair:
        for index, problems in found.items():
            if problems:
                _forget_damaged(index, by_checksum=by_checksum)
                take_back(layout, index)
    return list(dict.fromkeys(problem for problems in found.values() for problem in problems))


def _problems(layout: Layout, index: Path, by_checksum: bool) -> list[str]:
    """What is wrong with an index; one that vouches for files elsewhere does not say that those are here."""
    problems = damaged(index, by_checksum=by_checksum)
    if not problems:
        files = (Path(os.path.normpath(index.parent / name)) for name in read_entry(index).files)
        outside = [file for file in files if not file.is_relative_to(layout.base)]
        problems = [f"{index} vouches for {file}, which lies outside {layout.base}" for file in outside[:1]]
    return problems


def _forget_damaged(index: Path, *, by_checksum: bool) -> None:
    """Remove the records whose own files are damaged though size and time are right: a reader would trust them."""
    if not by_checksum:
        return
    for record in index.parent.rglob("*.json"):
        if record != index and damaged(record, by_checksum=True):
            record.unlink(missing_ok=True)


def take_back(layout: Layout, index: Path) -> None:
    """Remove an index and those of everything that is made after it."""
    for path in [*_made_after(layout, index), index]:
        path.unlink(missing_ok=True)


def _made_after(layout: Layout, index: Path) -> Iterator[Path]:
    """Indexes of later stages; of the same task where the damage lies in one task's results."""
    kind, *rest = index.relative_to(layout.results).parts
    if kind not in STAGES:
        return
    task = None if kind == "subjects" else rest[0].removesuffix(".json")
    later = STAGES[STAGES.index(kind) + 1 :]
    for path in layout.indexes():
        stage, *names = path.relative_to(layout.results).parts
        if stage not in STAGES or (stage in later and task in (None, names[0].removesuffix(".json"))):
            yield path
