"""Connections between the engine, the poser and its desks, and who may have which of them."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from benchmark.confinement import LIBC

held: dict[socket.socket, int] = {}
"""The engine's ends of all connections: no child may have more of them than its own."""
_process = object()
"""Stands for this process; process numbers do not, since a child may have a numbering of its own."""


def _forked() -> None:
    global _process
    _process = object()


os.register_at_fork(after_in_child=_forked)


def this_process() -> object:
    """Stands for this process, and for no other that is forked from it."""
    return _process


def close_all_but(*kept: socket.socket) -> None:
    """Give up the engine's connections that a fork has copied."""
    for connection in [each for each in held if each not in kept]:
        if inode(connection) == held.pop(connection):
            connection.close()
        else:  # whoever forked has closed it, and the number may be another file's by now
            connection.detach()


def inode(connection: socket.socket) -> int:
    """Which socket a descriptor stands for; -1 where it is closed."""
    try:
        return os.fstat(connection.fileno()).st_ino
    except OSError:
        return -1


def fork(work: Callable[[], None], *kept: socket.socket) -> int:
    """Fork a process that does `work` and dies with this one."""
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    return pid or _become(work, parent, kept)


def _become(work: Callable[[], None], parent: int, kept: tuple[socket.socket, ...]) -> NoReturn:
    code = 1
    try:
        gc.freeze()  # what was there before the fork is nobody's garbage: to look at it would copy its memory
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever interrupts the engine ends this by ending that
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if sys.platform == "linux":
            LIBC.prctl(1, signal.SIGKILL, 0, 0, 0)  # die with the parent
            LIBC.prctl(4, 0, 0, 0, 0)  # no core dumps, and no look into this memory for others of the same user
        if os.getppid() == parent:
            close_all_but(*kept)
            work()
            code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
