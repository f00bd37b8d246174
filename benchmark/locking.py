"""One run at a time in a results folder, and no job of a run that is over.

    held = hold(folder, run_name(), "snakemake")     a run: keep the result as long as it lasts
    with at_work(folder, "train blockmnist"): ...    a stage: a job of the run in TOUCHSTONE_RUN, or a run of its own

A run holds `<folder>/.lock` and writes its name into it; its jobs get the name in the environment and hold a file each
in `<folder>/.jobs/`. So a job that starts after its run is over (from a cluster's queue, say) ends before it writes,
and a run that is started while such a job still works names it and ends. A job looks for the name after it has taken
its file, a run looks for files after it has written its name: one of the two always sees the other.

The locks are the operating system's (`flock`), which no kill can leave behind; Snakemake's own survives a kill and then
stops the next run. On one machine all of the above is certain. Between machines the names are compared on every shared
file system, so a job that starts late is always refused once another run has begun; whether a run sees another run, or
a job that is still at work, on another machine is up to the file system: NFS 4, GPFS, CephFS and Lustre mounted with
`flock` show it, Lustre with `localflock` and NFS 3 without a lock service do not. Where there are no locks at all a run
says so and goes on.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import psutil

from benchmark.errors import TouchstoneError

RUN_VARIABLE = "TOUCHSTONE_RUN"
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
PATIENCE_SECONDS = 1.0
"""A job that asks whether its run still lasts may hold the run's lock for an instant."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as its file says."""

    run: str
    what: str
    pid: int
    host: str
    slurm_job: str | None = None

    @classmethod
    def this_process(cls, run: str, what: str) -> Holder:
        """The process that asks."""
        return cls(run, what, os.getpid(), socket.gethostname(), os.environ.get("SLURM_JOB_ID"))

    def __str__(self) -> str:
        slurm = f", Slurm job {self.slurm_job}" if self.slurm_job else ""
        return f"{self.what} (pid {self.pid} on {self.host}{slurm})"


def run_name() -> str:
    """A new name for a run: the moment this process began, from which `make speed` counts, and random digits."""
    return f"{psutil.Process().create_time():.2f}-{uuid.uuid4().hex[:8]}"


def hold(folder: Path, run: str, what: str) -> TextIO:
    """Make `run` the folder's only run until the result is closed or the process ends, or raise `TouchstoneError`.

    Two runs in one folder would remove each other's unfinished files; so would a job that outlived its run.
    """
    lock = folder / ".lock"
    stream = _opened(lock)
    locked = _flock(stream, fcntl.LOCK_EX)
    patience_ends = time.monotonic() + PATIENCE_SECONDS
    while locked is False and time.monotonic() < patience_ends:
        time.sleep(0.05)
        locked = _flock(stream, fcntl.LOCK_EX)
    if locked is False:
        stream.close()
        raise TouchstoneError(
            f"another run is at work in {folder}: {holder_of(lock) or 'it has not said which'}; "
            "wait for it, or run in another folder"
        )
    if locked is None:
        logging.getLogger("touchstone").warning(
            "the file system of %s has no locks: start no second run there, and end the jobs of one that was killed",
            folder,
        )
    _sign(stream, Holder.this_process(run, what))
    if left := [str(orphan) for orphan in _left_behind(folder / ".jobs")]:
        stream.close()
        raise TouchstoneError(
            f"jobs of a run that is over are still at work in {folder}: {', '.join(left)}; "
            "wait until they have ended, or end them (kill; scancel where they are Slurm's)"
        )
    return stream


@contextmanager
def at_work(folder: Path, what: str) -> Iterator[None]:
    """Write in `folder` as a job of the run that the environment names; without one, as a run of its own.

    Raises `TouchstoneError` before anything is written if that run is over, or another one is at work.
    """
    run = os.environ.get(RUN_VARIABLE)
    if run is None:
        with hold(folder, run_name(), what):
            yield
        return
    _require_present(folder, run)
    path = folder / ".jobs" / f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    with _opened(path) as stream:
        try:
            _flock(stream, fcntl.LOCK_EX)
            _sign(stream, Holder.this_process(run, what))
            _require_present(folder, run)
            yield
        finally:
            path.unlink(missing_ok=True)


def holder_of(path: Path) -> Holder | None:
    """Who signed a lock file last; None if nobody has, or the file cannot be read."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _require_present(folder: Path, run: str) -> None:
    """Raise unless `run` is the run at work in the folder, as far as this machine can see."""
    lock = folder / ".lock"
    over = f"this job belongs to run {run} in {folder}, which is over"
    present = holder_of(lock)
    if present is None or present.run != run:
        latest = f"the latest is {present.run}: {present}" if present else "no run has begun there"
        raise TouchstoneError(f"{over} ({latest}); nothing was written")
    if present.host != socket.gethostname():
        return  # another machine's lock may not be seen from here
    with lock.open(encoding="utf-8") as stream:
        if _flock(stream, fcntl.LOCK_SH):
            raise TouchstoneError(f"{over} ({present} has ended); nothing was written")


def _left_behind(jobs: Path) -> Iterator[Holder]:
    """The holders of files that are still locked; files that nobody holds any more are removed."""
    for path in sorted(jobs.glob("*")):
        with suppress(FileNotFoundError), path.open("r+", encoding="utf-8") as stream:
            locked = _flock(stream, fcntl.LOCK_EX)
            if locked is False:
                yield holder_of(path) or Holder("", f"a job that holds {path.name}", 0, "an unknown machine")
            elif locked:
                path.unlink()


def _opened(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise TouchstoneError(f"cannot write in {path.parent}: {error.strerror} ({path.name})") from None


def _sign(stream: TextIO, holder: Holder) -> None:
    stream.seek(0)
    stream.truncate()
    json.dump(asdict(holder), stream)
    stream.flush()
    os.fsync(stream.fileno())  # so that other machines read it


def _flock(stream: TextIO, kind: int) -> bool | None:
    """Try to lock: True if it is ours now, False if another process has it, None where the file system has no locks."""
    try:
        fcntl.flock(stream, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return None
    return True
