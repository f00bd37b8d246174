"""Work in forked children, with limits on time and memory, so that nothing a plugin does can take others with it.

    for number, message in run_isolated(jobs, workers=2, seconds=60, memory_mb=4000): ...

Each job is a function that gets `send` and reports with it as it goes: a header that is plain JSON, and tensors by
name. The parent yields the messages and, at the end of each job, its `Ending`. A child that hangs, exhausts memory,
crashes or sends rubbish ends as an `Ending` with a status and a reason.

Forking keeps what the parent imported (0.05 s a job instead of over a second for torch); therefore the parent never
runs autograd nor touches CUDA. Between parent and job stands a *keeper*, forked first: it forks the job into process
numbers of its own (a PID namespace) where the system has them, and tells the parent how the job ended only when all
that the job started is dead as well. What comes from a job is never unpickled: that would run its code in the parent.
"""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path

from benchmark.confinement import LIBC, Confinement, namespaces
from benchmark.errors import TouchstoneError
from benchmark.isolation.child import POLL_SECONDS, Child, remove
from benchmark.isolation.keeper import INIT, LOG_BYTES, REPORT, Work
from benchmark.isolation.messages import Ending, Job, Message, Send, Status
from benchmark.isolation.processes import family_of, kill_all

__all__ = ["LOG_BYTES", "Ending", "Job", "Message", "Send", "Status", "run_isolated"]


def run_isolated(
    jobs: list[Job],
    *,
    workers: int = 1,
    seconds: float = float("inf"),
    memory_mb: float = float("inf"),
    confinement: Confinement | None = None,
    kept: Callable[[int], Sequence[int]] = lambda _number: (),
    log_bytes: float = LOG_BYTES,
) -> Iterator[tuple[int, Message | Ending]]:
    """Run jobs in forked children, `workers` at a time; yield (job number, message) and at last (number, Ending).

    The caller may append to `jobs` while it iterates. `seconds` limits what lies between one `send.began` and the
    next, `memory_mb` what a job and all it started hold beyond what they were forked with, and also what it sends. A
    confined job has a temporary folder of its own besides what the confinement names, as TMPDIR and working folder.
    Of what a job prints `log_bytes` reach the log. All descriptors are closed in it but those `kept(job number)`.
    """
    running: dict[int, Child] = {}
    leaving: list[int] = []
    others = set(family_of(os.getpid()))
    own = Path(INIT).exists() and namespaces()
    LIBC.prctl(36, 1, 0, 0, 0)  # orphans of a killed keeper come to this process
    base: Path | None = None
    started = 0
    try:
        if confinement is not None:
            base = _temporary()
            confinement = dataclasses.replace(confinement, hidden=[*confinement.hidden, base])
        while running or started < len(jobs):
            while started < len(jobs) and len(running) < max(1, workers):
                number, started = started, started + 1
                try:
                    work = Work(jobs[number], own, kept=kept(number), log_bytes=log_bytes)
                    if confinement is not None and base is not None:
                        work = _with_folder(work, confinement, base / str(number))
                    running[number] = Child(work, memory_mb)
                except OSError as error:
                    yield number, Ending("failed", f"could not be started: {error}")
            wait([each for child in running.values() for each in child.descriptors], timeout=POLL_SECONDS)
            for number, child in list(running.items()):
                for message in child.turn():
                    yield number, message
                ending = child.ending(seconds, memory_mb)
                if ending is not None:
                    del running[number]
                    _bury(child, leaving, others | {each.keeper for each in running.values()})
                    yield number, ending
    finally:
        while running:
            child = running.popitem()[1]
            child.stop()
            _bury(child, leaving, others | {each.keeper for each in running.values()})
        for keeper in leaving:
            os.waitpid(keeper, 0)
        LIBC.prctl(36, 0, 0, 0, 0)
        if base is not None:
            remove(base)


def _temporary() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="touchstone-")).resolve()
    except OSError as error:
        raise TouchstoneError(f"no temporary folder could be made (see TMPDIR): {error}") from error


def _with_folder(work: Work, confinement: Confinement, folder: Path) -> Work:
    folder.mkdir()
    own = dataclasses.replace(confinement, writable=[*confinement.writable, folder])
    return dataclasses.replace(work, confinement=own, folder=folder)


def _bury(child: Child, leaving: list[int], others: set[int]) -> None:
    """Give back what a dead child took; reap keepers, and kill what one that was killed has left behind."""
    child.close()
    if len(child.report) < REPORT.size:
        os.waitpid(child.keeper, 0)
        kill_all({*others, *leaving})
    else:
        leaving.append(child.keeper)
    for keeper in list(leaving):  # a keeper's memory is torn down meanwhile; nobody waits for that
        if os.waitpid(keeper, os.WNOHANG)[0]:
            leaving.remove(keeper)
