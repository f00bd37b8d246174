"""Who poses the questions: a process of its own, which alone knows what the truth is made from.

    poser = Poser(pose, check)                       first thing; forks the poser
    with poser.session({"task": "blockmnist"}) as session:
        ... fork a child; there: session.questions[0] -> the posed question, with `Remote` functions inside
        plain, tensors = session.check(0, plain, tensors)        in the parent, with what the child sent
    poser.close()

Whoever holds a task and a trained subject can make the truth, and a forked child holds all that its parent held. So
neither the process that runs the methods nor any child of it ever loads a task or a subject:

    engine ---- control ----> poser                  knows where subjects lie and, if there is one, the secret
      | forks                   | forks one for each session
      v                         v
    method <--- service ----> desk                   poses, answers calls, checks explanations on the true question
                   engine <--- checks ---^

The desk sends a method plain data (`benchmark.handover`); what a method sends is read as JSON and raw arrays
(`benchmark.wire`), by a reader that believes nothing. Desks are forked from the poser and die with it, the poser dies
with the engine. What keeps a method from reading the memory of another process is not here but in the confinement of
its own.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import os
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, NoReturn

import psutil
from torch import Tensor

from benchmark import wire
from benchmark.errors import TouchstoneError
from benchmark.handover import Remote, pack, unpack
from benchmark.runtime import log, make_deterministic

Request = Mapping[str, Any]
Pose = Callable[[dict[str, Any], int], Any]
"""`pose(request, number)` makes question `number` of a session, in the session's desk."""
Check = Callable[[Any, dict[str, Any], dict[str, Tensor]], tuple[dict[str, Any], dict[str, Tensor]]]
"""`check(posed, plain, tensors)` validates an explanation on the true question; raises TouchstoneError."""

SECONDS = 600.0
"""So long a desk may take for one answer."""
CONTROL_SECONDS = 60.0
"""So long the poser may take to fork a desk, or to end one."""
MOST_BYTES = 1 << 30
"""The longest call that a method may send."""
MOST_QUESTIONS = 10_000
"""So many questions a session may have: each is kept for its check."""

_held: dict[socket.socket, int] = {}
"""The engine's ends of all connections: no child may have more of them than its own."""
_process = object()
"""Stands for this process; process numbers do not, since a child may have a numbering of its own."""


def _forked() -> None:
    global _process
    _process = object()


os.register_at_fork(after_in_child=_forked)


class PosingError(TouchstoneError):
    """A question could not be posed: the fault is the task's or the engine's, not the method's."""


class Poser:
    """The process that poses questions, seen from the one that started it.

    A desk may take `seconds` for one answer and `memory_mb` beyond what it was forked with; a call that needs more is
    answered with an error.
    """

    def __init__(self, pose: Pose, check: Check, *, seconds: float = SECONDS, memory_mb: float = math.inf) -> None:
        self.seconds = seconds
        self._owner = _process
        self._numbers = itertools.count()
        self._broken = ""
        self._control, theirs = socket.socketpair()
        self.pid = _fork(lambda: _keep_desks(theirs, pose, check, memory_mb), theirs)
        theirs.close()
        _held[self._control] = _inode(self._control)

    def session(self, request: Request) -> Session:
        """Begin a session: a desk of its own, which is forked now. `request` is JSON; its "seed" seeds the desk.

        One child may use it; whoever runs the method again opens another one.
        """
        return Session(self, next(self._numbers), dict(request))

    def close(self) -> None:
        """End the poser and all its desks."""
        if self._owner is _process and self._control in _held:
            _held.pop(self._control, None)
            self._control.close()
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(self.pid, 0)

    def __enter__(self) -> Poser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, body: dict[str, Any], connections: tuple[socket.socket, ...] = ()) -> dict[str, Any]:
        """Have the poser begin or end a session. Raises TouchstoneError if it cannot."""
        if self._owner is not _process:
            raise TouchstoneError("got a session asked for by another process, expected the one that made the poser")
        if self._broken:
            raise TouchstoneError(self._broken)
        deadline = time.monotonic() + CONTROL_SECONDS
        try:
            self._control.settimeout(CONTROL_SECONDS)
            socket.send_fds(self._control, [b"s"], [connection.fileno() for connection in connections])
            wire.send(self._control, body, deadline=deadline)
            answer, _ = wire.receive(self._control, deadline=deadline)
        except (OSError, EOFError, wire.Malformed) as error:
            self._broken = f"the process that poses questions does not answer any more ({type(error).__name__})"
            raise TouchstoneError(self._broken) from None
        if "error" in answer:
            raise TouchstoneError(str(answer["error"]))
        return dict(answer)


class Session:
    """One method's way to its questions, and the engine's way to have its explanations checked."""

    def __init__(self, poser: Poser, number: int, request: dict[str, Any]) -> None:
        self._poser, self._number, self._owner = poser, number, _process
        self._broken = ""
        self._service, service = socket.socketpair()
        self._checks, checks = socket.socketpair()
        _held.update((end, _inode(end)) for end in (self._service, self._checks))
        try:
            poser.ask({"open": number, "request": request}, (service, checks))
        except BaseException:
            self._release()
            raise
        finally:
            service.close()
            checks.close()
        self.questions = Questions(self, self._service, poser.seconds)

    @property
    def descriptors(self) -> list[int]:
        """What a child needs of this process to reach its questions."""
        return [self._service.fileno()]

    def keep_only(self) -> None:
        """In the child: close every connection that it inherited and that is not this session's; call this first."""
        if self._owner is _process:
            raise TouchstoneError("keep_only: got a call in the engine's own process, expected one in a child")
        _close_all_but(self._service)

    def check(
        self, number: int, plain: Mapping[str, Any], tensors: Mapping[str, Tensor], *, seconds: float = SECONDS
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Have an explanation checked on the true question, in the desk.

        Raises:
            TouchstoneError: what the check raised; or the desk did not answer within `seconds`, or has died.
        """
        if self._owner is not _process:
            raise TouchstoneError("check: got a call in a child, expected one in the engine's own process")
        if self._broken:
            raise TouchstoneError(self._broken)
        body, buffers = wire.encode({"number": number, "plain": dict(plain), "tensors": dict(tensors)})
        deadline = time.monotonic() + seconds
        try:
            wire.send(self._checks, body, buffers, deadline=deadline)
            answer, buffers = wire.receive(self._checks, deadline=deadline)
        except TimeoutError:
            self._broken = f"the process that poses did not check an explanation within {seconds:g} s"
        except (OSError, EOFError, wire.Malformed):
            self._broken = f"the process that poses has ended ({self._death()})"
        if self._broken:
            raise TouchstoneError(self._broken)
        if "error" in answer:
            raise wire.retold(answer["error"])
        found, checked = wire.decode(answer["value"], buffers)
        return found, checked

    def _death(self) -> str:
        try:
            code = int(self._poser.ask({"close": self._number})["code"])
        except TouchstoneError as error:
            return str(error)
        known = {number.value: number.name for number in signal.Signals}
        return f"killed by {known.get(-code, -code)}" if code < 0 else f"with status {code}"

    def close(self) -> None:
        """End the session; its desk is dead afterwards."""
        if self._owner is _process and self._service in _held:
            self._release()
            with suppress(TouchstoneError):
                self._poser.ask({"close": self._number})

    def _release(self) -> None:
        for connection in (self._service, self._checks):
            _held.pop(connection, None)
            connection.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


class Questions:
    """What a method's process has of its session: `questions[number]` is a fresh copy of a posed question."""

    def __init__(self, session: Session, service: socket.socket, seconds: float) -> None:
        self._session, self._service, self._seconds = session, service, seconds
        self._engine, self._user = _process, _process
        self._broken = ""
        self._lock = threading.Lock()

    def __getitem__(self, number: int) -> Any:
        """Ask for a question.

        Raises:
            PosingError: it could not be posed, for the reason that the message gives.
        """
        if self._user is self._engine is not _process:
            self._user = _process
            self._session.keep_only()
        with self._lock:
            try:
                answer, buffers = self._asked({"question": number}, [])
                if "error" in answer:
                    raise wire.retold(answer["error"])
                return unpack(answer["question"], buffers, lambda function: Remote(self._call, function))
            except PosingError:
                raise
            except TouchstoneError as error:
                raise PosingError(str(error)) from None
            except Exception as error:  # a class whose module is not to be had here, or that cannot be made again
                raise PosingError(f"the posed question cannot be read: {type(error).__name__}: {error}") from None

    def _call(self, function: int, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        body, buffers = wire.encode([function, arguments, named])
        with self._lock:
            answer, buffers = self._asked({"call": body}, buffers)
            if "error" in answer:
                raise wire.retold(answer["error"])
            return wire.decode(answer["value"], buffers)

    def _asked(self, body: dict[str, Any], buffers: list[wire.Buffer]) -> tuple[dict[str, Any], list[wire.Buffer]]:
        if self._user is not _process:
            raise TouchstoneError(
                "got a call from another process, expected one from the process that got the question"
            )
        if self._broken:
            raise PosingError(self._broken)
        deadline = time.monotonic() + self._seconds
        try:
            wire.send(self._service, body, buffers, deadline=deadline)
            return wire.receive(self._service, deadline=deadline)
        except TimeoutError:
            self._broken = f"the process that poses did not answer within {self._seconds:g} s"
        except (OSError, EOFError):
            self._broken = "the process that poses has ended"
        raise PosingError(self._broken)


def _close_all_but(*kept: socket.socket) -> None:
    """Give up the engine's connections that a fork has copied."""
    for connection in [held for held in _held if held not in kept]:
        if _inode(connection) == _held.pop(connection):
            connection.close()
        else:  # whoever forked has closed it, and the number may be another file's by now
            connection.detach()


def _inode(connection: socket.socket) -> int:
    """Which socket a descriptor stands for; -1 where it is closed."""
    try:
        return os.fstat(connection.fileno()).st_ino
    except OSError:
        return -1


def _fork(work: Callable[[], None], *kept: socket.socket) -> int:
    """Fork a process that does `work` and dies with this one."""
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    return pid or _become(work, parent, kept)


def _become(work: Callable[[], None], parent: int, kept: tuple[socket.socket, ...]) -> NoReturn:
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever interrupts the engine ends this by ending that
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if sys.platform == "linux":
            libc = ctypes.CDLL(None)
            libc.prctl(1, signal.SIGKILL)  # die with the parent
            libc.prctl(4, 0)  # no core dumps, and no look into this memory for others of the same user
        if os.getppid() == parent:
            _close_all_but(*kept)
            work()
            code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _keep_desks(control: socket.socket, pose: Pose, check: Check, memory_mb: float) -> None:
    """The poser: fork a desk for each session, and end it."""
    desks: dict[int, int] = {}
    while True:
        began, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if not began:
            return
        body, _ = wire.receive(control)
        if "open" in body:
            service, checks = (socket.socket(fileno=descriptor) for descriptor in descriptors)
            desk = _Desk(pose, check, body["request"])
            try:
                desks[body["open"]] = _fork(lambda: _sit(control, desk, service, checks, memory_mb))  # noqa: B023 - called now
                answer: dict[str, Any] = {}
            except OSError as error:
                answer = {"error": f"no process can be made to pose questions: {error}"}
            service.close()
            checks.close()
        else:
            answer = {"code": _ended(desks.pop(body["close"], None))}
        wire.send(control, answer)


def _ended(pid: int | None) -> int:
    """End a desk; the status with which it ended, now or before."""
    if pid is None:
        return 0
    os.kill(pid, signal.SIGKILL)  # one that is dead already stays what it was: nobody has waited for it yet
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _sit(control: socket.socket, desk: _Desk, service: socket.socket, checks: socket.socket, memory_mb: float) -> None:
    control.close()
    make_deterministic(desk.seed)
    if memory_mb < math.inf and sys.platform == "linux":
        held = psutil.Process().memory_info().data
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (held + int(memory_mb * 2**20), most))
    threading.Thread(target=desk.serve, args=(service,), daemon=True).start()
    desk.check_all(checks)


class _Desk:
    """One session where its questions are posed. Two threads: a method that does not listen must not keep the engine
    from having earlier explanations checked."""

    def __init__(self, pose: Pose, check: Check, request: dict[str, Any]) -> None:
        self.pose, self.check, self.request = pose, check, request
        self.seed = int(request.get("seed", 0))
        self.lock = threading.Lock()
        self.posed: dict[int, Any] = {}
        self.failed: dict[int, dict[str, Any]] = {}
        self.functions: list[Callable[..., Any]] = []

    def question(self, number: Any) -> Any:
        """The true question, made once, from the same state of the generators whenever it is asked for."""
        if type(number) is not int or number < 0:
            raise PosingError(f"got question {str(number)[:40]!r}, expected a number from 0")
        if number in self.failed:
            raise wire.retold(self.failed[number])
        if number not in self.posed:
            if len(self.posed) + len(self.failed) >= MOST_QUESTIONS:
                raise PosingError(f"got more than {MOST_QUESTIONS} questions in one session")
            make_deterministic(self.seed)
            try:
                self.posed[number] = self.pose(self.request, number)
            except Exception as error:
                if not isinstance(error, TouchstoneError):
                    log.info("%s", traceback.format_exc().rstrip())
                self.failed[number] = wire.told(PosingError(wire.told(error)["text"]))
                raise wire.retold(self.failed[number]) from None
        return self.posed[number]

    def serve(self, service: socket.socket) -> None:
        """Answer the method until one of its messages cannot be read."""
        with suppress(OSError, EOFError, wire.Malformed), service:
            while True:
                request, buffers = wire.receive(service, limit=MOST_BYTES)
                with self.lock:
                    answer, buffers = self.answered(request, buffers)
                del request
                wire.send(service, answer, buffers)

    def answered(self, request: Any, buffers: list[wire.Buffer]) -> tuple[Any, list[wire.Buffer]]:
        """The answer to a question or a call; whatever goes wrong with it is told."""
        try:
            if isinstance(request, dict) and "question" in request:
                body, packed = pack(self.question(request["question"]), self.number_of)
                return {"question": body}, packed
            if isinstance(request, dict) and "call" in request:
                value, answers = wire.encode(self.called(wire.decode(request["call"], buffers)))
                return {"value": value}, answers
            raise wire.Malformed("expected a question or a call")
        except Exception as error:
            return {"error": wire.told(error)}, []

    def number_of(self, function: Callable[..., Any]) -> int:
        """The number under which a function is served."""
        for number, known in enumerate(self.functions):
            if known is function:
                return number
        self.functions.append(function)
        return len(self.functions) - 1

    def called(self, call: Any) -> Any:
        """The result of a served function."""
        if not isinstance(call, list) or len(call) != 3:
            raise wire.Malformed("expected a function's number, its arguments and its named arguments")
        number, arguments, named = call
        if type(number) is not int or not 0 <= number < len(self.functions):
            raise wire.Malformed(f"got function {str(number)[:40]!r}, expected a number below {len(self.functions)}")
        if not isinstance(arguments, tuple) or not isinstance(named, dict):
            raise wire.Malformed("got arguments that are none")
        return self.functions[number](*arguments, **named)

    def check_all(self, checks: socket.socket) -> None:
        """Check explanations until the engine closes the session."""
        while True:
            try:
                body, buffers = wire.receive(checks)
            except EOFError:
                return
            try:
                content = wire.decode(body, buffers)
                with self.lock:
                    posed = self.question(content["number"])
                    value, buffers = wire.encode(self.check(posed, content["plain"], content["tensors"]))
                answer = {"value": value}
            except Exception as error:
                if not isinstance(error, TouchstoneError):
                    log.info("%s", traceback.format_exc().rstrip())
                answer, buffers = {"error": wire.told(error)}, []
            wire.send(checks, answer, buffers, deadline=math.inf)
