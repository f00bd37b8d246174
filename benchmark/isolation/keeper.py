"""What runs between parent and job: the keeper, which forks the job and outlives all that the job started."""

from __future__ import annotations

import fcntl
import gc
import itertools
import os
import resource
import signal
import struct
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from benchmark.confinement import LIBC, Confinement, confine, enter_namespaces
from benchmark.errors import TouchstoneError
from benchmark.isolation.messages import Job, Send
from benchmark.isolation.processes import kill_all

LOG_BYTES = 2**16
"""So much of what a job prints reaches the log."""
TEXT = 10_000
REPORT = struct.Struct("<qq")
"""The keeper's word on the job: wait status, most resident memory in kB."""
INIT = "/bin/cat"
"""The first process of a job's process numbers: it reads until the keeper is gone, and all others end with it."""


@dataclass(frozen=True)
class Work:
    """What a child is to do, and within what."""

    job: Job
    own: bool
    """Whether it has process numbers of its own."""
    confinement: Confinement | None = None
    folder: Path | None = None
    """A confined job's own, removed after it."""
    kept: Sequence[int] = ()
    """Descriptors that stay open."""
    log_bytes: float = LOG_BYTES


def keep(parent: int, work: Work, messages: int, output: int, status: int) -> NoReturn:
    """In the keeper: fork the job, wait for its end, kill all that it left, and report."""
    try:
        os.setsid()
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            with suppress(OSError, ValueError):  # two belong to the C library
                signal.signal(number, signal.SIG_DFL)
        LIBC.prctl(1, signal.SIGTERM, 0, 0, 0)  # told to stop when the parent dies, even if that was killed
        if os.getppid() != parent:
            os._exit(1)
        LIBC.prctl(36, 1, 0, 0, 0)
        _close_but(messages, output, status, *work.kept)
        before = _peak_kb(resource.getrusage(resource.RUSAGE_SELF))
        init = _start_init() if work.own and enter_namespaces(work.confinement) else 0
        gc.freeze()  # what was there before the fork is nobody's garbage: to look at it would copy its memory
        worker = os.fork()
        if worker == 0:
            _do(work, messages, output)
        os.close(messages)
        signal.signal(signal.SIGTERM, lambda *_: os.kill(init or worker, signal.SIGKILL))
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        _, code, usage = os.wait4(worker, 0)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        if init:
            os.kill(init, signal.SIGKILL)
            os.waitpid(init, 0)  # which returns when all its process numbers are free
        else:
            kill_all(set())
        os.write(status, REPORT.pack(code, max(0, _peak_kb(usage) - before)))
    except BaseException:
        os.write(output, traceback.format_exc().encode())
    finally:
        os._exit(0)


def _start_init() -> int:
    leash, _ = os.pipe()
    actions = [
        (os.POSIX_SPAWN_DUP2, leash, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    return os.posix_spawn(INIT, [INIT], {}, file_actions=actions, setsigmask=[])


def _close_but(*kept: int) -> None:
    """Close all descriptors but the standard ones and these."""
    limits = sorted({2, *kept})
    for low, high in itertools.pairwise([*limits, 2**31 - 1]):
        os.closerange(low + 1, high)


def _do(work: Work, messages: int, output: int) -> NoReturn:
    """In the child: give up what it must not have, do the job, say how it ended."""
    try:
        LIBC.prctl(1, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # as Python has them: an OSError says it
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.setsid()
        send = Send(_arrange(messages, output, work.kept))
        error = trace = ""
        try:
            _settle(work)
            confine(work.confinement, work.own)
            work.job(send)
        except TouchstoneError as caught:
            error = _text(caught)
        except MemoryError:
            error = "ran out of memory"
        except BaseException as caught:  # also SystemExit: a plugin must not end the run
            error = f"{type(caught).__name__}: {_text(caught)}".strip().rstrip(":")
            trace = _trace()
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        LIBC.fflush(None)
        send._write(b"e", {"error": error[:TEXT], "trace": trace[-TEXT:]}, {})
    finally:
        os._exit(0)


def _arrange(messages: int, output: int, kept: Sequence[int]) -> int:
    """Put the pipes where they belong, close everything else, and print line by line."""
    messages, output = (fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 10) for each in (messages, output))
    nothing = os.open(os.devnull, os.O_RDWR)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    _close_but(messages, *kept)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout, sys.stderr = (
        os.fdopen(each, "w", buffering=1, errors="backslashreplace", closefd=False) for each in (1, 2)
    )
    return messages


def _settle(work: Work) -> None:
    """What a job finds around it: its temporary folder, no core dumps, and to be the first to go."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # when memory runs out all the same
        Path("/proc/self/oom_score_adj").write_text("1000")
    if (folder := work.folder) is not None:
        os.environ.update(TMPDIR=str(folder), NUMBA_CACHE_DIR=str(folder), TRITON_CACHE_DIR=str(folder))
        tempfile.tempdir = str(folder)
        if caching := sys.modules.get("numba.core.caching"):  # a cache that cannot be written is no error
            caching.Cache._guard_against_spurious_io_errors = lambda _self: suppress(OSError)


def _text(caught: BaseException) -> str:
    try:
        return str(caught)
    except BaseException:
        return "(its message cannot be printed)"


def _trace() -> str:
    try:
        return traceback.format_exc()
    except BaseException:
        return ""


def _peak_kb(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss
