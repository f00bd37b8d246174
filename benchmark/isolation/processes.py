"""Processes as the system knows them: what descends from one, what memory they hold, and their end."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def children_of(process: int | str) -> list[int]:
    """The processes that a process, or one of its threads, has started and that live."""
    with suppress(OSError):
        lists = Path(f"/proc/{process}/task").glob("*/children")
        return [int(child) for each in lists for child in each.read_text().split()]
    return []


def family_of(process: int) -> list[int]:
    """A process and all that descend from it, as far as they live."""
    found = [process]
    for each in found:
        found += children_of(each)
    return found


def memory_mb(process: int | str, file: str = "status", names: tuple[str, str] = ("RssAnon", "RssShmem")) -> float:
    """Resident memory of one process in MB that no file could give back; 0 if it is gone."""
    with suppress(OSError):
        lines = dict(
            line.split(":") for line in Path(f"/proc/{process}/{file}").read_text().splitlines() if line.count(":") == 1
        )
        return sum(int(lines[name].split()[0]) for name in names if name in lines) / 1024
    return 0.0


def held_mb(family: list[int], base: float) -> float:
    """What a job's processes hold together beyond the `base` that the job was forked with.

    Processes forked from one another share pages: their sum counts those again and again. Each page divided by the
    number of its owners (PSS) is right, but slow, and has a share of what belongs to the parent. Both are at least
    what is held, so the smaller one is taken.
    """
    each = [memory_mb(process) for process in family]
    held = max(0.0, sum(each) - base)
    if sum(memory > 1 for memory in each) <= 1 or held == 0:  # the init of its process numbers holds next to nothing
        return held
    shares = sum(memory_mb(process, "smaps_rollup", ("Pss_Anon", "Pss_Shmem")) for process in family)
    return min(held, shares) if shares else held


def kill_all(spared: set[int]) -> None:
    """Kill whatever this process has for children, orphans that were given to it included, until there are none."""
    while True:
        alive = set(children_of("self")) - spared
        if not alive:
            return
        for process in alive:
            for each in family_of(process):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(each, signal.SIGKILL)
        for process in alive:  # none is waited for alone: an init ends only after others of these were reaped
            with suppress(ChildProcessError):
                os.waitpid(process, os.WNOHANG)
        time.sleep(0.01)
