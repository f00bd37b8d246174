"""A session from both sides: the engine's way to have explanations checked, the method's way to its questions."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from torch import Tensor

from benchmark.errors import TouchstoneError
from benchmark.posing import wire
from benchmark.posing.connections import close_all_but, held, inode, this_process
from benchmark.posing.desk import PosingError
from benchmark.posing.handover import Remote, unpack

if TYPE_CHECKING:
    from benchmark.posing import Poser

SECONDS = 600.0
"""So long a desk may take for one answer."""


class Session:
    """One method's way to its questions, and the engine's way to have its explanations checked."""

    def __init__(self, poser: Poser, number: int, request: dict[str, Any]) -> None:
        self._poser, self._number, self._owner = poser, number, this_process()
        self._broken = ""
        self._service, service = socket.socketpair()
        self._checks, checks = socket.socketpair()
        held.update((end, inode(end)) for end in (self._service, self._checks))
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
        if self._owner is this_process():
            raise TouchstoneError("keep_only: got a call in the engine's own process, expected one in a child")
        close_all_but(self._service)

    def check(
        self, number: int, plain: Mapping[str, Any], tensors: Mapping[str, Tensor], *, seconds: float = SECONDS
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Have an explanation checked on the true question, in the desk.

        Raises:
            TouchstoneError: what the check raised; or the desk did not answer within `seconds`, or has died.
        """
        if self._owner is not this_process():
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
        if self._owner is this_process() and self._service in held:
            self._release()
            with suppress(TouchstoneError):
                self._poser.ask({"close": self._number})

    def _release(self) -> None:
        for connection in (self._service, self._checks):
            held.pop(connection, None)
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
        self._engine, self._user = this_process(), this_process()
        self._broken = ""
        self._lock = threading.Lock()

    def __getitem__(self, number: int) -> Any:
        """Ask for a question.

        Raises:
            PosingError: it could not be posed, for the reason that the message gives.
        """
        if self._user is self._engine is not this_process():
            self._user = this_process()
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
        if self._user is not this_process():
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
