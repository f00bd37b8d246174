"""The process that imports libraries and forks jobs. A program of its own: it imports nothing of this project, whose
files may change while a run lasts; each job reads them anew."""

import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

LIBC = ctypes.CDLL(None, use_errno=True)
LIMIT = 1 << 24
"""The longest request, in bytes."""
LIFELINE = 0
"""Standard input: it ends with the workflow."""


class Server:
    """Forks jobs, and ends with the workflow and the last of them."""

    def __init__(self, workflow: int, listener: socket.socket, first: list[str], later: list[str]) -> None:
        self.workflow, self.listener, self.later = workflow, listener, later
        self.jobs: dict[int, socket.socket] = {}
        """Process to connection."""
        self.open = True
        self.woken, self.wakes = os.pipe()
        for each in (self.woken, self.wakes):
            os.set_blocking(each, False)
        signal.set_wakeup_fd(self.wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        gc.disable()  # what is imported is no garbage; to look for it would take a quarter of the time
        for name in first:
            _import(name)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells the jobs, whose end is reported here

    def serve(self) -> None:
        """Fork jobs as they are asked for; where nobody asks, import what is left to import."""
        while self.open or self.jobs:
            watch = select.poll()
            watch.register(self.woken, select.POLLIN)
            if self.open:
                watch.register(self.listener, select.POLLIN)
                watch.register(LIFELINE, select.POLLIN)
            for connection in self.jobs.values():
                watch.register(connection, 0)  # hanging up is always reported
            ready = {descriptor for descriptor, _ in watch.poll(0 if self.later else None)}
            if not ready and self.later:
                _import(self.later.pop(0))
            if self.woken in ready:
                with suppress(BlockingIOError):
                    os.read(self.woken, 4096)
            self._bury()
            for process, connection in self.jobs.items():
                if connection.fileno() in ready:  # the launcher was killed
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
            if LIFELINE in ready:
                self.open, self.later = False, []
                self.listener.close()
            elif self.open and self.listener.fileno() in ready:
                with suppress(OSError):
                    self._take()

    def _bury(self) -> None:
        """Report the ends of jobs to their launchers."""
        for process in list(self.jobs):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                connection = self.jobs.pop(process)
                with suppress(OSError), connection:
                    connection.sendall(b"%d\n" % status)

    def _take(self) -> None:
        connection, _ = self.listener.accept()
        if not self._may_ask(connection):
            connection.close()
            return
        gc.freeze()
        server, process = os.getpid(), os.fork()
        if process == 0:
            LIBC.prctl(1, signal.SIGKILL, 0, 0, 0)  # with the server, the way to tell how a job ends is gone
            if os.getppid() != server:
                os._exit(1)
            self._become(connection)
        self.jobs[process] = connection
        with suppress(OSError):
            connection.sendall(b"%d\n" % process)

    def _may_ask(self, connection: socket.socket) -> bool:
        """Whether this is a launcher of the workflow's: its descendant, and not through this process."""
        process, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        line = ancestors(process)
        return user == os.getuid() and self.workflow in line and os.getpid() not in line

    def _become(self, connection: socket.socket) -> NoReturn:
        """In the job: take over what the launcher has, and run the command line."""
        code = 1
        try:
            gc.enable()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for other in self.jobs.values():
                other.close()
            self.listener.close()
            os.close(self.woken)
            os.close(self.wakes)
            words = _received(connection)
            code = _run(words)
        except KeyboardInterrupt:
            traceback.print_exc()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                with suppress(Exception):
                    stream.flush()
            os._exit(code)


def _import(name: str) -> None:
    with suppress(Exception):  # whoever needs a missing library says so
        importlib.import_module(name)


def ancestors(process: int) -> list[int]:
    """A process and all that it descends from."""
    line = []
    while process > 0:
        line.append(process)
        try:
            process = int(Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[1])
        except OSError:
            break
    return line


def _received(connection: socket.socket) -> list[str]:
    """Read the request, and take over files, folder and environment; the words of the command line come back."""
    with connection:
        _, files, _, _ = socket.recv_fds(connection, 1, 3)
        text = b""
        while not text.endswith(b"\n"):
            part = connection.recv(1 << 16)
            if not part or len(text) > LIMIT:
                raise OSError("a request that does not end")
            text += part
    for target, source in enumerate(files):
        os.dup2(source, target)
        os.close(source)
    asked = json.loads(text)
    os.chdir(asked["folder"])
    os.umask(asked["mask"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    words: list[str] = asked["words"]
    return words


def _run(words: list[str]) -> int:
    """As `python -m benchmark` does."""
    tempfile.tempdir = None
    sys.stdout = open(1, "w", buffering=1 if os.isatty(1) else -1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    importlib.invalidate_caches()
    sys.path[:0] = [str(Path.cwd())]
    sys.argv = ["benchmark", *words]
    try:
        runpy.run_module("benchmark", run_name="__main__", alter_sys=True)
    except SystemExit as ending:
        if ending.code is None or isinstance(ending.code, int):
            return ending.code or 0
        sys.stderr.write(f"{ending.code}\n")
        return 1
    return 0


def main() -> None:
    """Serve the workflow that the command line names."""
    workflow, descriptor, address, *libraries = sys.argv[1:]
    first, later = map(json.loads, libraries)
    server = Server(int(workflow), socket.socket(fileno=int(descriptor)), first, later)
    try:
        server.serve()
    finally:
        with suppress(OSError):
            Path(address).unlink()
            Path(address).parent.rmdir()


if __name__ == "__main__":
    main()
