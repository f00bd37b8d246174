"""Where questions are posed: the poser, which forks a desk for each session, and the desk itself."""

from __future__ import annotations

import math
import os
import resource
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil
from torch import Tensor

from benchmark.errors import TouchstoneError
from benchmark.log import log
from benchmark.posing import wire
from benchmark.posing.connections import fork
from benchmark.posing.handover import pack
from benchmark.runtime import make_deterministic

Pose = Callable[[dict[str, Any], int], Any]
"""`pose(request, number)` makes question `number` of a session, in the session's desk."""
Check = Callable[[Any, dict[str, Any], dict[str, Tensor]], tuple[dict[str, Any], dict[str, Tensor]]]
"""`check(posed, plain, tensors)` validates an explanation on the true question; raises TouchstoneError."""

MOST_BYTES = 1 << 30
"""The longest call that a method may send."""
MOST_QUESTIONS = 10_000
"""So many questions a session may have: each is kept for its check."""


class PosingError(TouchstoneError):
    """A question could not be posed: the fault is the task's or the engine's, not the method's."""


def keep_desks(
    control: socket.socket, *, pose: Pose, check: Check, memory_mb: float, prepare: Callable[[], None] | None = None
) -> None:
    """The poser: fork a desk for each session, and end it."""
    desks: dict[int, int] = {}
    if prepare is not None:
        prepare()
    while True:
        began, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if not began:
            return
        body, _ = wire.receive(control)
        if "open" in body:
            service, checks = (socket.socket(fileno=descriptor) for descriptor in descriptors)
            desk = _Desk(pose, check, body["request"])
            try:
                desks[body["open"]] = fork(lambda: _sit(control, desk, service, checks, memory_mb))  # noqa: B023 - called now
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
