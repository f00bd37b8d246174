"""What plugins declare, asked of a child process that imports them, and remembered by the content of their files.

    declare([Wanted(...), ...]) -> [{"found": [{"symbol": ..., "defaults": ...}]}, {"problem": ...}, ...]

The child (`python -m benchmark.declarations`) imports one plugin after the other and answers each with a line of JSON.
A plugin that raises, exits, hangs, crashes, exhausts memory or prints megabytes is answered for with a `problem`; a new
child goes on behind it. Whoever ends a child that had served others before is asked once more in a fresh one, so that
no plugin is blamed for another's threads. It is confined like a method and knows no secret, for a plugin's code runs
when it is imported.

The memory is a file for each plugin under `$XDG_CACHE_HOME/touchstone`. It holds what was declared and the contents of
the files that were imported for it; only where they are the same is it used, so that listing imports no torch. A memory
that cannot be read or written is no error.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from benchmark.confinement import Confinement, confine
from benchmark.declared import Unusable, Wanted, declarations
from benchmark.errors import TouchstoneError
from benchmark.seeds import DESCRIPTOR, VARIABLE

ENGINE = Path(__file__).resolve().parent
START_SECONDS = 300.0
"""How long the child may take for what all plugins import: torch, from a cold disk."""
SECONDS = 20.0
"""How long one plugin may take to be imported."""
MEMORY_MB = 4000.0
"""By how much the child's resident memory may grow at one plugin."""
POLL_SECONDS = 0.1
LONGEST = 1 << 20
"""Bytes of an answer."""
KEPT_SECONDS = 90 * 86400.0
"""How long the memory holds what no longer comes up."""
PROBLEM_SECONDS = 3600.0
"""How long the memory holds a problem: a busy machine may have been the reason."""
RECOLLECTIONS = 8
"""How many states of the imported files a plugin's memory holds: checkouts side by side share it."""
INSIDE = "TOUCHSTONE_DECLARING"
"""In the child's environment: the only folder in which it may write."""

Report = dict[str, Any]


def load_module(name: str, path: Path | None = None) -> types.ModuleType:
    """Import a module by name, or from a file outside of all packages."""
    if path is None:
        return importlib.import_module(name)
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise TouchstoneError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


def declare(asked: Sequence[Wanted], *, environment: str = "", afresh: bool = False) -> list[Report]:
    """One report for each, in their order: from the memory, or from a child that is started where one is needed.

    A problem is remembered for one `environment` alone: a package installed since may be what was missing. `afresh`
    asks the child whatever the memory holds.
    """
    hidden = [Path.cwd() / "results", Path.cwd() / "leaderboard"]
    memory, reader = _Memory(), Reader(SECONDS, MEMORY_MB, hidden)
    reports = []
    try:
        for one in asked:
            report = None if afresh else memory.recall(one, environment)
            if report is None:
                report = reader.ask(one)
                memory.keep(one, report, environment)
            reports.append(report)
    finally:
        reader.close()
    memory.forget()
    return reports


class Reader:
    """A child that imports plugins and remembers nothing; started when first asked, and after a plugin has ended it."""

    def __init__(self, seconds: float = SECONDS, memory_mb: float = MEMORY_MB, hidden: Sequence[Path] = ()) -> None:
        self.seconds, self.memory_mb, self.hidden = seconds, memory_mb, hidden
        self.served = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._channel: socket.socket | None = None

    def ask(self, wanted: Wanted) -> Report:
        """What the plugin declares, or the problem with it."""
        served = self.served
        report, blamed = self._ask(wanted)
        if blamed and served:
            report, _ = self._ask(wanted)
        return report

    def _ask(self, wanted: Wanted) -> tuple[Report, bool]:
        """The report, and whether the child had to be ended."""
        if os.environ.get(INSIDE):
            raise TouchstoneError("a plugin asked for the list of plugins while it was imported for that list")
        if self._process is None:
            self._start()
        with suppress(OSError):  # a child that is gone is noticed when its answer is awaited
            assert self._channel is not None
            self._channel.sendall(json.dumps(asdict(wanted)).encode() + b"\n")
        answer, why = self._answer(self.seconds)
        with suppress(ValueError, RecursionError):
            if not why:
                report: Report = json.loads(answer)
                self.served += 1
                return report, False
        self.close()
        return {"problem": f"{wanted.file} cannot be read: {why or 'its answer makes no sense'}"}, True

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        path = [entry or str(Path.cwd()) for entry in sys.path]
        self._folder = tempfile.TemporaryDirectory(prefix="touchstone-", ignore_cleanup_errors=True)
        environment = {name: value for name, value in os.environ.items() if name not in (VARIABLE, DESCRIPTOR)}
        environment |= {"PYTHONPATH": os.pathsep.join([*path, str(ENGINE.parent)]), INSIDE: self._folder.name}
        environment |= dict.fromkeys(("TMPDIR", "NUMBA_CACHE_DIR"), self._folder.name)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "benchmark.declarations", str(theirs.fileno()), *map(str, self.hidden)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment,
                start_new_session=True,
            )
        self._channel, self.served = ours, 0
        _, why = self._answer(START_SECONDS)
        if why:
            self.close()
            raise TouchstoneError(
                f"the process that imports plugins does not start: {why} (try `python -m benchmark.declarations`)"
            )

    def _answer(self, seconds: float) -> tuple[bytes, str]:
        """The next line from the child, or the reason why there is none."""
        assert self._process is not None
        assert self._channel is not None
        child = psutil.Process(self._process.pid)
        deadline, base, received = time.monotonic() + seconds, _resident_mb(child), b""
        while True:
            alive = self._process.poll() is None
            if select.select([self._channel], [], [], POLL_SECONDS if alive else 0)[0]:
                part = b""
                with suppress(OSError):
                    part = self._channel.recv(1 << 16)
                received += part
                if received.endswith(b"\n"):
                    return received, ""
                alive = alive and bool(part)
                if not part:
                    with suppress(subprocess.TimeoutExpired):
                        self._process.wait(5)
            if not alive:
                return b"", f"importing it ended the process ({_status(self._process.poll())})"
            if time.monotonic() > deadline:
                return b"", f"importing it took longer than the limit of {seconds:g} s"
            if _resident_mb(child) - base > self.memory_mb:
                return b"", f"importing it needed more memory than the limit of {self.memory_mb:g} MB"
            if len(received) > LONGEST:
                return b"", f"it declares more than {LONGEST} bytes"

    def close(self) -> None:
        """End the child and all that it started."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        if self._channel is not None:
            self._channel.close()
        if self._folder is not None:
            self._folder.cleanup()
        self._process = self._channel = self._folder = None


def _resident_mb(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 2**20
    except psutil.Error:
        return 0.0


def _status(code: int | None) -> str:
    if code is not None and code < 0:
        known = {number.value: number.name for number in signal.Signals}
        return f"killed by {known.get(-code, f'signal {-code}')}"
    return f"status {code}"


class _Memory:
    """What was declared, as long as the files say the same."""

    def __init__(self) -> None:
        given = Path(os.environ.get("XDG_CACHE_HOME", ""))
        self.folder: Path | None = None
        with suppress(RuntimeError):  # nobody's home
            self.folder = (given if given.is_absolute() else Path("~/.cache").expanduser()) / "touchstone"
        self._contents: dict[str, str] = {}
        self._written = False

    def recall(self, wanted: Wanted, environment: str) -> Report | None:
        """The report of a plugin whose files all say what they said then; None where there is none."""
        for kept in self._read(wanted):
            with suppress(KeyError, TypeError, AttributeError, ValueError):
                same = all(self._content(_there(name)) == content for name, content in kept["files"].items())
                if same and ("problem" not in kept["report"] or self._still_a_problem(kept, wanted, environment)):
                    return dict(kept["report"])
        return None

    def _still_a_problem(self, kept: dict[str, Any], wanted: Wanted, environment: str) -> bool:
        """Whether nothing has come that may have been missing."""
        recent = 0 <= time.time() - float(kept["time"]) < PROBLEM_SECONDS
        return recent and kept["environment"] == environment and set(kept["files"]) == self._files(wanted)

    def keep(self, wanted: Wanted, report: Report, environment: str) -> None:
        """Remember a report, unless the plugin's file was not found or the folder cannot be written."""
        if self.folder is None or not wanted.path:
            return
        files = {name: self._content(_there(name)) for name in self._files(wanted)}
        others = [kept for kept in self._read(wanted) if isinstance(kept, dict) and kept.get("files") != files]
        kept = {"time": time.time(), "environment": environment, "files": files, "report": report}
        text = json.dumps([kept, *others][:RECOLLECTIONS])
        self._written = True
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            file, name = tempfile.mkstemp(dir=self.folder)
            try:
                with os.fdopen(file, "w", encoding="utf-8") as stream:
                    stream.write(text)
                Path(name).replace(self.folder / self._name(wanted))
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    def forget(self) -> None:
        """Remove what was written long ago, if anything was written now: its plugins may be gone."""
        with suppress(OSError):
            for path in self.folder.iterdir() if self.folder and self._written else ():
                if path.stat().st_mtime < time.time() - KEPT_SECONDS:
                    path.unlink(missing_ok=True)

    def _read(self, wanted: Wanted) -> list[Any]:
        if self.folder is None or not wanted.path:
            return []
        try:
            found = json.loads((self.folder / self._name(wanted)).read_bytes())
        except (OSError, ValueError, RecursionError):
            return []
        return found if isinstance(found, list) else []

    def _name(self, wanted: Wanted) -> str:
        """The file for a plugin: from its content, what is asked of it, and what asks."""
        asked = asdict(wanted) | {"path": _here(Path(wanted.path)), "content": self._content(Path(wanted.path))}
        text = json.dumps([asked, _versions(), _code()], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32] + ".json"

    def _files(self, wanted: Wanted) -> set[str]:
        from benchmark.sources import closure  # which itself asks the registry for the project's folders

        return {_here(path) for path in (Path(wanted.path), *closure(Path(wanted.path)))}

    def _content(self, path: Path) -> str:
        name = str(path)
        if name not in self._contents:
            try:
                self._contents[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            except (OSError, ValueError):
                self._contents[name] = ""
        return self._contents[name]


def _here(path: Path) -> str:
    """A file's name wherever the project lies; outside of it, where the file lies."""
    path = path.resolve()
    return f"project:{path.relative_to(ENGINE.parent).as_posix()}" if path.is_relative_to(ENGINE.parent) else str(path)


def _there(name: str) -> Path:
    return ENGINE.parent / name.removeprefix("project:") if name.startswith("project:") else Path(name)


@functools.cache
def _versions() -> str:
    try:
        torch = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        torch = "none"
    return f"python {platform.python_implementation()} {platform.python_version()}, torch {torch}"


@functools.cache
def _code() -> str:
    """The content of what reads declarations: other code may read them otherwise."""
    readers = b"".join((ENGINE / name).read_bytes() for name in ("declarations.py", "declared.py", "plugins.py"))
    return hashlib.sha256(readers).hexdigest()


def environment_of(places: Iterable[str]) -> str:
    """What a problem may depend on besides files: where modules are looked for, and what was last installed there."""
    stamps = {place: Path(place).stat().st_mtime_ns for place in places if Path(place).is_dir()}
    return hashlib.sha256(json.dumps(stamps).encode()).hexdigest()


def _report(wanted: Wanted) -> Report:
    try:
        module = load_module(wanted.module, Path(wanted.path) if wanted.origin == "file" else None)
        found = declarations(module, wanted)
    except BaseException as error:  # also SystemExit: a plugin must not end the list
        text = ""
        with suppress(BaseException):
            text = str(error)
        kind = type(error).__name__
        problem = str(error) if isinstance(error, Unusable) else f"cannot be read: {kind}: {text}".strip().rstrip(":")
        return {"problem": f"{wanted.file} {problem}"[:1000]}
    return {"found": found}


def main() -> None:
    """Answer requests, one line of JSON each, until there are no more."""
    if len(sys.argv) < 2:
        sys.exit(
            "expected the number of a socket on which requests come, one line of JSON each, and what it must not see"
        )
    if sys.platform == "linux":  # die with the parent, which may be killed while a plugin hangs
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    with suppress(ImportError):
        importlib.import_module("torch")  # before the first plugin's time begins to run
    if sys.platform == "linux":
        confine(
            Confinement(
                [Path(path) for path in sys.argv[2:]], [Path(folder) for folder in [os.environ.get(INSIDE)] if folder]
            ),
            own=False,
        )
    channel.sendall(b"{}\n")
    with channel.makefile("rb") as requests:
        for line in requests:
            report = _report(Wanted(**json.loads(line)))
            channel.sendall(json.dumps(report, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
    os._exit(0)  # threads that plugins began hold nobody up


if __name__ == "__main__":
    main()
