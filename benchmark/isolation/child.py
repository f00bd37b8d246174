"""One running job, seen from the parent: what it has sent, what it holds, and how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import psutil

from benchmark.isolation.keeper import REPORT, TEXT, Work, keep
from benchmark.isolation.messages import Ending, Inbox, Malformed, Message, Status
from benchmark.isolation.processes import family_of, held_mb, memory_mb

POLL_SECONDS = 0.05
SAMPLE_SECONDS = 0.1
GRACE_SECONDS = 10.0
"""So long a child that said goodbye may take to be gone."""
STOP_SECONDS = 30.0
"""So long a keeper that was told to stop may take; killing some hundred processes under load takes seconds."""
CHUNK = 2**20
CHUNKS_A_TURN = 16
"""So much of what a running child sends is read before its limits and the other children have their turn."""
PROCESSES = 256
"""So many processes a job may have at a time."""


class Child:
    """One running job, seen from the parent."""

    def __init__(self, work: Work, limit_mb: float) -> None:
        self.folder, self.log_bytes = work.folder, work.log_bytes
        self.inbox = Inbox((limit_mb * 2**20) if limit_mb < float("inf") else psutil.virtual_memory().total / 4)
        self.began = self.started = time.perf_counter()
        self.during = ""
        self.farewell: dict[str, Any] | None = None
        self.fault = ""
        self.report = b""
        self.silent = False
        self.ended: set[int] = set()
        self.printed = 0
        self.peak = self.sample = 0.0
        self.base = memory_mb("self")
        pipes = [os.pipe() for _ in range(3)]
        self.messages, self.output, self.status = (reading for reading, _ in pipes)
        writing = [end for _, end in pipes]
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        parent = os.getpid()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self.keeper = os.fork()
            if self.keeper == 0:
                keep(parent, work, *writing)
        except OSError:
            for reading, _ in pipes:
                os.close(reading)
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            for descriptor in writing:
                os.close(descriptor)
        for reading, _ in pipes:
            os.set_blocking(reading, False)

    def turn(self) -> Iterator[Message]:
        """What the child has sent so far; of one that is alive and may send without end, a limited amount."""
        self._listen()
        for chunk in self._chunks(self.output):
            self._print(chunk)
        try:
            for chunk in self._chunks(self.messages):
                for kind, message in self.inbox.feed(chunk):
                    if self.farewell is not None:
                        return
                    if kind == b"m":
                        yield message
                    elif kind == b"b":
                        self.during, self.began = str(message.header.get("label"))[:TEXT], time.perf_counter()
                    else:
                        self.farewell, self.began = message.header, time.perf_counter()
        except Malformed as error:
            self.fault = str(error)

    @property
    def descriptors(self) -> list[int]:
        """What to wait for: all from which something may still come."""
        return [each for each in (self.messages, self.output, self.status) if each not in self.ended]

    def _listen(self) -> None:
        """Hear whether the keeper has reported, and with that, that all the job's processes are dead."""
        with suppress(BlockingIOError):
            while not self.silent:
                data = os.read(self.status, REPORT.size)
                self.report += data
                self.silent = not data or len(self.report) == REPORT.size

    def _chunks(self, descriptor: int) -> Iterator[bytes]:
        left = CHUNKS_A_TURN
        with suppress(BlockingIOError):
            while self.silent or left:
                data = os.read(descriptor, CHUNK)
                if not data:
                    self.ended.add(descriptor)
                    return
                yield data
                left -= 1

    def _print(self, data: bytes) -> None:
        shown = (
            data if self.printed + len(data) <= self.log_bytes else data[: int(max(0, self.log_bytes - self.printed))]
        )
        self.printed += len(data)
        _write_log(shown.decode(errors="replace"))

    def ending(self, seconds_limit: float, memory_limit_mb: float) -> Ending | None:
        """The ending, if it has come or a limit is passed; None while the child may go on."""
        now = time.perf_counter()
        trouble = self._trouble(now, seconds_limit, memory_limit_mb)
        overdue = self.farewell is not None and now - self.began > GRACE_SECONDS
        if not (trouble or overdue or self.silent):
            return None
        self.stop()
        if self.printed > self.log_bytes:
            _write_log(f"\n[{self.printed - self.log_bytes:.0f} more bytes that this job printed are left out]\n")
        code, peak = REPORT.unpack(self.report) if len(self.report) == REPORT.size else (None, 0)
        error, trace = (str((self.farewell or {}).get(key) or "") for key in ("error", "trace"))
        if trouble is not None:
            status, reason = trouble
        elif self.farewell is None:
            status, reason = "failed", _death(code)
        else:
            status, reason = ("failed" if error else "ok"), error
        peak_mb = max(self.peak, peak / 1024)
        return Ending(status, reason, now - self.started, peak_mb, trace if reason == error else "", self.during)

    def _trouble(self, now: float, seconds_limit: float, memory_limit_mb: float) -> tuple[Status, str] | None:
        if self.fault:
            return "failed", self.fault
        if self.silent or self.farewell is not None:
            return None
        if now - self.began > seconds_limit:
            return "timeout", f"ran longer than the limit of {seconds_limit:g} s"
        if now > self.sample:
            family = family_of(self.keeper)[1:]
            if len(family) > PROCESSES:
                return "failed", f"had more than {PROCESSES} processes"
            held = held_mb(family, self.base)
            self.peak = max(self.peak, held)
            if held > memory_limit_mb:
                return "failed", f"needed more memory than the limit of {memory_limit_mb:g} MB (had {held:.0f} MB)"
            took = time.perf_counter() - now
            self.sample = now + max(SAMPLE_SECONDS, 5 * took)  # to look at many processes takes its time
        return None

    def stop(self) -> None:
        """End the child and all it started, and return when they are dead."""
        if not self.silent:
            os.kill(self.keeper, signal.SIGTERM)
            deadline = time.perf_counter() + STOP_SECONDS
            while not self.silent and time.perf_counter() < deadline:
                wait([self.status], timeout=POLL_SECONDS)
                self._listen()
        if len(self.report) < REPORT.size:  # the keeper itself was killed or stopped
            os.kill(self.keeper, signal.SIGKILL)
        for chunk in self._chunks(self.output):
            self._print(chunk)

    def close(self) -> None:
        """Give back what the child took: descriptors and its folder."""
        for descriptor in (self.messages, self.output, self.status):
            os.close(descriptor)
        if self.folder is not None:
            remove(self.folder)


def _death(code: int | None) -> str:
    if code is None:
        return "the process that kept it was killed"
    status = os.waitstatus_to_exitcode(code)
    if status < 0:
        known = {number.value: number.name for number in signal.Signals}
        return f"killed by {known.get(-status, f'signal {-status}')}"
    return f"the process ended with status {status} before it returned a result"


def _write_log(text: str) -> None:
    with suppress(OSError, ValueError):  # a full disk or a closed terminal ends no job
        sys.stderr.write(text)
        sys.stderr.flush()


def remove(folder: Path) -> None:
    """Remove a folder that may hold anything: closed to us, nested beyond all recursion."""
    with suppress(OSError):
        folder.rmdir()
        return
    for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
        subprocess.run([*command, "--", str(folder)], stdin=subprocess.DEVNULL, capture_output=True, check=False)
