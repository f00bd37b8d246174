"""One run at a time in a results folder, by a lock of the operating system's that no kill can leave behind.

    held = hold(Path("results/smoke/.lock"))     keep the result as long as the run lasts

Snakemake's own lock survives a kill and then stops the next run; this one ends with the process that holds it.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO

from benchmark.errors import TouchstoneError


def hold(path: Path) -> TextIO:
    """Take the lock or raise: two runs in one folder would remove each other's unfinished files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = path.open("w", encoding="utf-8")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        raise TouchstoneError(
            f"another run is at work in {path.parent} (it holds {path.name}); wait for it, or run in another folder"
        ) from None
    return stream
