"""Does a board follow from its scores, and are its scores what they must be? What a reviewer asks of a board.

    for finding in verify(folder): ...        Finding(name, passed, detail)

Nothing is run again (see `reproduction` for that) and nothing of the board is believed but its scores, certificates and
configuration: marks, tables, claims and pages are computed anew from these, with the definitions of this checkout, and
compared. What a board says of its tasks (primary, controls, diagnoses) is compared with what they declare here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmark.boards import following  # noqa: F401 - its checks come behind those of the rows
from benchmark.boards.checks import CHECKS, Case
from benchmark.boards.kept import read
from benchmark.conformance.checks import Finding
from benchmark.errors import TouchstoneError
from benchmark.registry import Registry, plugins


def verify(folder: Path, *, allow_dirty: bool = False, registry: Registry | None = None) -> list[Finding]:
    """All findings about a published folder; a folder that cannot be read is a finding of its own.

    `allow_dirty` accepts a commit that is unknown or had uncommitted changes; it is said all the same.
    """
    found: list[Finding] = []
    try:
        kept = read(folder)
    except TouchstoneError as error:
        return [Finding("it can be read", False, str(error))]
    found.append(Finding("it can be read", True, f"{len(kept.scores)} rows of {len(kept.tasks)} task(s)"))
    case = Case(folder, kept, registry or plugins(), allow_dirty)
    CHECKS.run(case, lambda finding: found.append(Finding(**finding)))
    return found


def lines(findings: Iterable[Finding]) -> Iterator[str]:
    """One line for each check."""
    for finding in findings:
        yield f"{'ok    ' if finding.passed else 'FAILED'}  {finding.name}" + (
            f": {finding.detail}" if finding.detail else ""
        )
