"""Work in forked children, with limits on time and memory, so that nothing a plugin does can take others with it.

    for job, message in run_isolated(jobs, workers=2, limits=...): ...

Each job is a function that gets `send` and reports with it as it goes; the parent yields the messages and, at the end
of each job, its `Ending`. A child that hangs, exhausts memory, crashes or calls `os._exit` ends as an `Ending` with a
status and a reason. Forking keeps what the parent imported (0.05 s a cell instead of over a second for torch);
therefore the parent never runs autograd nor touches CUDA.
"""

from __future__ import annotations

import ctypes
import itertools
import multiprocessing
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Literal

import psutil

from benchmark.errors import TouchstoneError

POLL_SECONDS = 0.05
SAMPLE_SECONDS = 0.1
MESSAGES_A_TURN = 100
"""So many messages of a running child are read before its limits and the other children have their turn."""
Status = Literal["ok", "failed", "timeout"]
Job = Callable[[Callable[[Any], None]], None]


@dataclass(frozen=True)
class Ending:
    """How a child ended."""

    status: Status
    reason: str = ""
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    """The most resident memory it held beyond what it had when it was forked."""
    trace: str = ""


@dataclass(frozen=True)
class _Bye:
    """The last message of a child that came to its end, well or with an exception."""

    error: str = ""
    trace: str = ""
    peak_memory_mb: float = 0.0


class _Child:
    """One running child."""

    def __init__(self, job: Job) -> None:
        context = multiprocessing.get_context("fork")
        self.receive, send = context.Pipe(duplex=False)
        self.process = context.Process(target=_child, args=(job, send), daemon=False)
        self.started = time.perf_counter()
        self.process.start()
        send.close()
        self.peak = self.base = 0.0
        self.sampled = 0.0
        self.mute = False
        self.bye: _Bye | None = None
        with suppress(psutil.Error):
            self.watched = psutil.Process(self.process.pid)
            self.base = self._memory()

    def _memory(self) -> float:
        with suppress(psutil.Error):
            family = [self.watched, *self.watched.children(recursive=True)]
            return float(sum(p.memory_info().rss for p in family)) / 2**20
        return 0.0

    def messages(self, alive: bool) -> Iterator[Any]:
        """What the child has sent so far; of one that is alive and may send without end, a limited number."""
        turns: Iterable[int] = range(MESSAGES_A_TURN) if alive else itertools.count()
        try:
            for _ in turns:
                if not self.receive.poll():
                    return
                message = self.receive.recv()
                if isinstance(message, _Bye):
                    self.bye = message
                else:
                    yield message
        except (EOFError, OSError):
            self.mute = True

    def ending(self, alive: bool, seconds_limit: float, memory_limit_mb: float) -> Ending | None:
        """The ending, if it has come or a limit is passed; None while the child may go on.

        `alive` was asked before the last messages were read, so that a farewell cannot be missed.
        """
        seconds = time.perf_counter() - self.started
        memory = 0.0
        if seconds - self.sampled > SAMPLE_SECONDS:
            self.sampled = seconds
            memory = self._memory()
            self.peak = max(self.peak, memory)
        if self.bye is not None:
            self.process.join(timeout=5)
            self.stop()
            peak = max(self.bye.peak_memory_mb, self.peak - self.base)
            return Ending("failed" if self.bye.error else "ok", self.bye.error, seconds, peak, self.bye.trace)
        if not alive:
            self.stop()
            return Ending("failed", _death(self.process.exitcode), seconds, self.peak - self.base)
        if seconds > seconds_limit:
            self.stop()
            return Ending(
                "timeout", f"ran longer than the limit of {seconds_limit:g} s", seconds, self.peak - self.base
            )
        if memory > memory_limit_mb:
            self.stop()
            reason = f"needed more memory than the limit of {memory_limit_mb:g} MB (had {memory:.0f} MB)"
            return Ending("failed", reason, seconds, self.peak - self.base)
        return None

    def stop(self) -> None:
        """End the child and all it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        self.process.kill()
        self.process.join()


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        known = {number.value: number.name for number in signal.Signals}
        return f"killed by {known.get(-code, f'signal {-code}')}"
    return f"the process ended with status {code} before it returned a result"


def _child(job: Job, send: Connection) -> None:
    os.setsid()
    if sys.platform == "linux":  # die with the parent, which may be killed without a chance to clean up
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    before = _peak_mb()
    error = trace = ""
    try:
        job(send.send)
    except TouchstoneError as caught:
        error = str(caught)
    except MemoryError:
        error = "ran out of memory"
    except BaseException as caught:  # also SystemExit: a plugin must not end the run
        error = f"{type(caught).__name__}: {caught}".strip().rstrip(":")
        trace = traceback.format_exc()
    send.send(_Bye(error, trace, max(0.0, _peak_mb() - before)))
    send.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run_isolated(
    jobs: Sequence[Job], *, workers: int = 1, seconds: float = float("inf"), memory_mb: float = float("inf")
) -> Iterator[tuple[int, Any]]:
    """Run jobs in forked children, `workers` at a time; yield (job number, message) and at last (number, Ending)."""
    waiting = list(enumerate(jobs))[::-1]
    running: dict[int, _Child] = {}
    try:
        while waiting or running:
            while waiting and len(running) < max(1, workers):
                number, job = waiting.pop()
                running[number] = _Child(job)
            wait([child.receive for child in running.values() if not child.mute], timeout=POLL_SECONDS)
            for number, child in list(running.items()):
                alive = child.process.is_alive()
                yield from ((number, message) for message in child.messages(alive))
                ending = child.ending(alive, seconds, memory_mb)
                if ending is not None:
                    child.receive.close()
                    del running[number]
                    yield number, ending
    finally:
        for child in running.values():
            child.stop()
