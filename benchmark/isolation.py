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
import fcntl
import itertools
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Literal, NoReturn

import psutil
import safetensors.torch
import torch
from torch import Tensor

from benchmark.confinement import LIBC, Confinement, confine, enter_namespaces, namespaces
from benchmark.errors import TouchstoneError

POLL_SECONDS = 0.05
SAMPLE_SECONDS = 0.1
GRACE_SECONDS = 10.0
"""So long a child that said goodbye may take to be gone."""
STOP_SECONDS = 30.0
"""So long a keeper that was told to stop may take; killing some hundred processes under load takes seconds."""
CHUNK = 2**20
CHUNKS_A_TURN = 16
"""So much of what a running child sends is read before its limits and the other children have their turn."""
LOG_BYTES = 2**16
"""So much of what a job prints reaches the log."""
HEADER_BYTES = 2**24
"""The longest header: parsed JSON takes many times the memory of its text."""
MESSAGE_COST = 1024
"""What a message counts beyond its bytes, so that endless empty ones meet the limit of memory as well."""
PROCESSES = 256
"""So many processes a job may have at a time."""
TEXT = 10_000

Status = Literal["ok", "failed", "timeout"]


@dataclass(frozen=True)
class Message:
    """What a job sent: a JSON object, and tensors on the CPU by name."""

    header: dict[str, Any]
    tensors: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Ending:
    """How a child ended."""

    status: Status
    reason: str = ""
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    """The most resident memory that it and all it started held beyond what it had when it was forked."""
    trace: str = ""
    during: str = ""
    """What had begun last (`Send.began`)."""


class Send:
    """A job's only way to its parent: `send(header, tensors)`; `send.began(label)` resets the clock of its limit.

    Raises TypeError for a header that is no JSON, OSError when the job closed the way itself.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __call__(self, header: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None) -> None:
        """Send a JSON object and tensors by name; they arrive as plain tensors on the CPU."""
        self._write(b"m", dict(header), tensors or {})

    def began(self, label: str) -> None:
        """Say what begins now; the limit on time counts from here."""
        self._write(b"b", {"label": label}, {})

    def _write(self, kind: bytes, header: dict[str, Any], tensors: Mapping[str, Tensor]) -> None:
        text = json.dumps(header).encode()
        data = safetensors.torch.save(_plain(tensors)) if tensors else b""
        for part in (FRAME.pack(kind, len(text), len(data)), text, data):
            view = memoryview(part)
            while view:
                view = view[os.write(self._descriptor, view) :]


Job = Callable[[Send], None]
FRAME = struct.Struct("<cQQ")
"""Kind, bytes of JSON, bytes of safetensors. Kinds: a message (m), something began (b), the end (e)."""
REPORT = struct.Struct("<qq")
"""The keeper's word on the job: wait status, most resident memory in kB."""


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The bytes of tensors, whatever their class says; each with storage of its own, as safetensors wants it."""
    plain: dict[str, Tensor] = {}
    taken = set()
    with torch._C.DisableTorchFunctionSubclass():
        for name, tensor in tensors.items():
            bare = tensor.detach().as_subclass(Tensor).cpu().contiguous()
            place = bare.untyped_storage().data_ptr()
            shared = place in taken or bare.untyped_storage().nbytes() != bare.numel() * bare.element_size()
            taken.add(place)
            plain[name] = bare.clone() if shared else bare
    return plain


class Malformed(Exception):
    """A child sent what is no message."""


class _Inbox:
    """What has come from a child, cut into messages; holds no more than `limit` bytes."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._spent = 0
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, Message]]:
        """Add bytes and take out the messages that are whole now; raises Malformed."""
        self._buffer += data
        while len(self._buffer) >= FRAME.size:
            kind, text, tensors = FRAME.unpack_from(self._buffer)
            if kind not in (b"m", b"b", b"e") or text > HEADER_BYTES:
                raise Malformed(f"expected a message, got {bytes(self._buffer[:40])!r}")
            if self._spent + MESSAGE_COST + text + tensors > self.limit:
                raise Malformed(f"sent more than the limit of {self.limit / 2**20:g} MB")
            end = FRAME.size + text + tensors
            if len(self._buffer) < end:
                return
            self._spent += MESSAGE_COST + text + tensors
            with memoryview(self._buffer) as whole:
                middle = FRAME.size + text
                parts = bytes(whole[FRAME.size : middle]), bytes(whole[middle:end])
            del self._buffer[:end]
            yield kind, _parsed(*parts)


def _parsed(text: bytes, data: bytes) -> Message:
    try:
        header = json.loads(text.decode())
        if b"\\ud" in text.lower():
            header = _escaped(header)
        if not isinstance(header, dict):
            raise ValueError(f"expected a JSON object, got {type(header).__name__}")
        if data and int.from_bytes(data[:8], "little") > HEADER_BYTES:
            raise ValueError("the tensors' header is too long")
        return Message(header, safetensors.torch.load(data) if data else {})
    except Exception as error:  # what a hostile child sends may fail in any way, but fails that child alone
        raise Malformed(f"expected a message, got one that cannot be read ({type(error).__name__}: {error})") from None


def _escaped(value: Any) -> Any:
    """The same JSON with lone surrogates written out, which no file or terminal takes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, dict):
        return {_escaped(key): _escaped(item) for key, item in value.items()}
    return value


@dataclass(frozen=True)
class _Work:
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


class _Child:
    """One running job, seen from the parent."""

    def __init__(self, work: _Work, limit_mb: float) -> None:
        self.folder, self.log_bytes = work.folder, work.log_bytes
        self.inbox = _Inbox((limit_mb * 2**20) if limit_mb < float("inf") else psutil.virtual_memory().total / 4)
        self.began = self.started = time.perf_counter()
        self.during = ""
        self.farewell: dict[str, Any] | None = None
        self.fault = ""
        self.report = b""
        self.silent = False
        self.ended: set[int] = set()
        self.printed = 0
        self.peak = self.sample = 0.0
        self.base = _memory_mb("self")
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
                _keep(parent, work, *writing)
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
            family = _family(self.keeper)[1:]
            if len(family) > PROCESSES:
                return "failed", f"had more than {PROCESSES} processes"
            held = _held_mb(family, self.base)
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
            _remove(self.folder)


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


def _remove(folder: Path) -> None:
    """Remove a folder that may hold anything: closed to us, nested beyond all recursion."""
    with suppress(OSError):
        folder.rmdir()
        return
    for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
        subprocess.run([*command, "--", str(folder)], stdin=subprocess.DEVNULL, capture_output=True, check=False)


def _children(process: int | str) -> list[int]:
    with suppress(OSError):
        lists = Path(f"/proc/{process}/task").glob("*/children")
        return [int(child) for each in lists for child in each.read_text().split()]
    return []


def _family(process: int) -> list[int]:
    """A process and all that descend from it, as far as they live."""
    found = [process]
    for each in found:
        found += _children(each)
    return found


def _memory_mb(process: int | str, file: str = "status", names: tuple[str, str] = ("RssAnon", "RssShmem")) -> float:
    """Resident memory of one process in MB that no file could give back; 0 if it is gone."""
    with suppress(OSError):
        lines = dict(
            line.split(":") for line in Path(f"/proc/{process}/{file}").read_text().splitlines() if line.count(":") == 1
        )
        return sum(int(lines[name].split()[0]) for name in names if name in lines) / 1024
    return 0.0


def _held_mb(family: list[int], base: float) -> float:
    """What a job's processes hold together beyond the `base` that the job was forked with.

    Processes forked from one another share pages: their sum counts those again and again. Each page divided by the
    number of its owners (PSS) is right, but slow, and has a share of what belongs to the parent. Both are at least
    what is held, so the smaller one is taken.
    """
    each = [_memory_mb(process) for process in family]
    held = max(0.0, sum(each) - base)
    if sum(memory > 1 for memory in each) <= 1 or held == 0:  # the init of its process numbers holds next to nothing
        return held
    shares = sum(_memory_mb(process, "smaps_rollup", ("Pss_Anon", "Pss_Shmem")) for process in family)
    return min(held, shares) if shares else held


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
    running: dict[int, _Child] = {}
    leaving: list[int] = []
    others = set(_family(os.getpid()))
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
                    work = _Work(jobs[number], own, kept=kept(number), log_bytes=log_bytes)
                    if confinement is not None and base is not None:
                        work = _with_folder(work, confinement, base / str(number))
                    running[number] = _Child(work, memory_mb)
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
            _remove(base)


def _temporary() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="touchstone-")).resolve()
    except OSError as error:
        raise TouchstoneError(f"no temporary folder could be made (see TMPDIR): {error}") from error


def _with_folder(work: _Work, confinement: Confinement, folder: Path) -> _Work:
    folder.mkdir()
    own = dataclasses.replace(confinement, writable=[*confinement.writable, folder])
    return dataclasses.replace(work, confinement=own, folder=folder)


def _bury(child: _Child, leaving: list[int], others: set[int]) -> None:
    """Give back what a dead child took; reap keepers, and kill what one that was killed has left behind."""
    child.close()
    if len(child.report) < REPORT.size:
        os.waitpid(child.keeper, 0)
        _kill_all({*others, *leaving})
    else:
        leaving.append(child.keeper)
    for keeper in list(leaving):  # a keeper's memory is torn down meanwhile; nobody waits for that
        if os.waitpid(keeper, os.WNOHANG)[0]:
            leaving.remove(keeper)


def _kill_all(spared: set[int]) -> None:
    """Kill whatever this process has for children, orphans that were given to it included, until there are none."""
    while True:
        alive = set(_children("self")) - spared
        if not alive:
            return
        for process in alive:
            for each in _family(process):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(each, signal.SIGKILL)
        for process in alive:  # none is waited for alone: an init ends only after others of these were reaped
            with suppress(ChildProcessError):
                os.waitpid(process, os.WNOHANG)
        time.sleep(0.01)


def _keep(parent: int, work: _Work, messages: int, output: int, status: int) -> NoReturn:
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
            _kill_all(set())
        os.write(status, REPORT.pack(code, max(0, _peak_kb(usage) - before)))
    except BaseException:
        os.write(output, traceback.format_exc().encode())
    finally:
        os._exit(0)


INIT = "/bin/cat"
"""The first process of a job's process numbers: it reads until the keeper is gone, and all others end with it."""


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


def _do(work: _Work, messages: int, output: int) -> NoReturn:
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


def _settle(work: _Work) -> None:
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
