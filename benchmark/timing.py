"""What each job took, and how much of it was the work itself: the base of `make speed`'s breakdown.

A job appends one line to `results/<profile>/timing.jsonl` when it ends. The line also clears the way for the next run
after a damaged file: the index that vouched for it is taken back.
"""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmark.audit import audit
from benchmark.errors import DamagedArtifactError
from benchmark.layout import Layout
from benchmark.locking import at_work


def timing_file(layout: Layout) -> Path:
    """Where the lines are."""
    return layout.results / "timing.jsonl"


@contextmanager
def timed(layout: Layout, stage: str, name: str) -> Iterator[None]:
    """Hold a place among the run's jobs, log the stage's lines, measure it, and keep the measurement."""
    from benchmark.log import log, start_logging

    start_logging()
    began = time.time()
    started = psutil.Process().create_time()
    try:
        with at_work(layout.results, f"{stage} {name}"):
            yield
    except DamagedArtifactError as error:
        found = audit(layout, by_checksum=True)
        listed = "".join(f"\n  - {problem}" for problem in found if problem not in str(error))
        raise DamagedArtifactError(
            f"{error}{listed}\n  run the same command again: what is damaged is made anew"
        ) from None
    ended = time.time()
    line = {
        "run": os.environ.get("TOUCHSTONE_RUN"),
        "stage": stage,
        "name": name,
        "started": started,
        "startup": began - started,
        "work": ended - began,
        "cpu": processor_seconds(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path = timing_file(layout)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
    except OSError as error:  # what the job made is written; only `make speed` misses a line
        log.warning("%s: no line about this job's time could be written (%s)", path, error.strerror)


def clock_of(*, gpu: bool) -> Callable[[], float]:
    """The clock for the cost of a computation: processor time, which no neighbour lengthens, unless a GPU does it."""
    return time.perf_counter if gpu else processor_seconds


def processor_seconds() -> float:
    """Processor time of this process, all its threads, and all that it has started and seen end."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def timings(layout: Layout) -> list[dict[str, Any]]:
    """All lines so far, oldest first; a line that was cut off (a full disk, a kill) is no measurement."""
    path = timing_file(layout)
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError):
            found.append(json.loads(line))
    return found
