"""Who poses the questions: a process of its own, which alone knows what the truth is made from.

    poser = Poser(pose, check)                       forks the poser, with the libraries that are imported by now
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

The desk sends a method plain data (`handover`); what a method sends is read as JSON and raw arrays (`wire`), by a
reader that believes nothing. Desks are forked from the poser and die with it, the poser dies with the engine. What
keeps a method from reading the memory of another process is not here but in the confinement of its own.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from benchmark.errors import TouchstoneError
from benchmark.posing import wire
from benchmark.posing.connections import fork, held, inode, this_process
from benchmark.posing.desk import Check, Pose, PosingError, keep_desks
from benchmark.posing.session import SECONDS, Session

__all__ = ["Check", "Pose", "Poser", "PosingError", "Request", "Session"]

Request = Mapping[str, Any]
CONTROL_SECONDS = 60.0
"""So long the poser may take to fork a desk, or to end one."""


class Poser:
    """The process that poses questions, seen from the one that started it.

    A desk may take `seconds` for one answer and `memory_mb` beyond what it was forked with; a call that needs more is
    answered with an error. `prepare` is called once in the poser, so that not every desk does the same again; where it
    ends the process, another one begins without it.
    """

    def __init__(
        self,
        pose: Pose,
        check: Check,
        *,
        prepare: Callable[[], None] | None = None,
        seconds: float = SECONDS,
        memory_mb: float = math.inf,
    ) -> None:
        self.seconds = seconds
        self._keep = functools.partial(keep_desks, pose=pose, check=check, memory_mb=memory_mb)
        self._owner = this_process()
        self._numbers = itertools.count()
        self._broken = ""
        self._start(prepare)

    def _start(self, prepare: Callable[[], None] | None) -> None:
        """Fork the poser; `prepare` runs in it before any desk is forked, and may end it."""
        self._preparing = prepare is not None
        self._control, theirs = socket.socketpair()
        self.pid = fork(lambda: self._keep(theirs, prepare=prepare), theirs)
        theirs.close()
        held[self._control] = inode(self._control)

    def session(self, request: Request) -> Session:
        """Begin a session: a desk of its own, which is forked now. `request` is JSON; its "seed" seeds the desk.

        One child may use it; whoever runs the method again opens another one.
        """
        return Session(self, next(self._numbers), dict(request))

    def close(self) -> None:
        """End the poser and all its desks."""
        if self._owner is this_process():
            self._end()

    def _end(self) -> None:
        if self._control in held:
            held.pop(self._control, None)
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
        if self._owner is not this_process():
            raise TouchstoneError("got a session asked for by another process, expected the one that made the poser")
        if self._broken:
            raise TouchstoneError(self._broken)
        if self._preparing:
            try:
                answer = self._asked(body, connections, self.seconds)
            except (OSError, EOFError, wire.Malformed):  # what it prepared has ended it: the desks will meet that, too
                self._end()
                self._start(None)
            else:
                self._preparing = False
                return _unless_error(answer)
        try:
            answer = self._asked(body, connections, CONTROL_SECONDS)
        except (OSError, EOFError, wire.Malformed) as error:
            self._broken = f"the process that poses questions does not answer any more ({type(error).__name__})"
            raise TouchstoneError(self._broken) from None
        return _unless_error(answer)

    def _asked(self, body: dict[str, Any], connections: tuple[socket.socket, ...], seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        self._control.settimeout(seconds)
        socket.send_fds(self._control, [b"s"], [connection.fileno() for connection in connections])
        wire.send(self._control, body, deadline=deadline)
        answer, _ = wire.receive(self._control, deadline=deadline)
        return dict(answer)


def _unless_error(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise TouchstoneError(str(answer["error"]))
    return answer
