"""`benchmark.evaluate`: a method of a notebook, scored like any other.

The notebook's process asks and shows; it poses no question, holds no truth, and forks nobody. The engine is a process
of its own, in which the method's function is bytes until its confined child loads it.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from benchmark.errors import TouchstoneError
from benchmark.notebook.engine import Request, adapter_of
from benchmark.notebook.handing import hand_over
from benchmark.notebook.result import Evaluation
from benchmark.plugins import Definition
from benchmark.posing import wire
from benchmark.registry import ENGINE, PROJECT, plugins, safe_name

WIDTH = 100
"""Letters of the line that says what is being done."""
LAST = 20
"""Lines of the log that are shown where nothing else tells what happened."""
STOP_SECONDS = 30.0
"""So long the engine may take to end what it has started."""


def evaluate(
    method: Any, *, task: str, profile: str = "smoke", name: str = "", workers: int | None = None
) -> Evaluation:
    """Score a method on all instances of a task, between chance, blind and the planted truth.

    It runs as a method's file would: in a process of its own, confined, with the profile's limits, and without the
    truth. Subjects, controls and references of the profile are reused, and made where they are missing; what is made
    of the method lies apart, in `results/<profile>/notebook/`, and enters no board. Nothing of it is computed twice
    while the method, what it captures, the libraries and this project stay the same (`benchmark.notebook.handing`
    says when that can be told); what a notebook has changed inside of a library is not handed over.

    Args:
        method: a function of the family's question, or of parts of it by their names (`model, inputs, targets`). Or an
            attribution class of Captum; a classifier of scikit-learn for probing; a decomposition of scikit-learn or
            an object with `encode` and `decode` for dictionaries; a function of one `box` for descriptions.
        task: `family/task`, or the task's name where no other family has it.
        profile: a name in `config/`, or the path of a YAML file.
        name: how its rows are called; the function's own name if not given.
        workers: how many instances are scored at a time; as many as there are processors if not given.

    Returns:
        The rows, and how to show them. A method that fails, runs too long or raises `Unsupported` has rows that say so.

    Raises:
        TouchstoneError: no such task or profile, no method of this family, something that cannot leave the notebook,
            or another run at work in the results folder.
    """
    plugins.cache_clear()  # files may have come since
    registry = plugins()
    plugin = registry.find("task", task)
    family = registry.find("family", str(plugin.family))
    options = _declared(method, family.name)
    if not options.get("batched"):
        adapter_of(family)(method)
    handed = hand_over(method)
    request = Request(
        task=plugin.key,
        profile=str(Path(profile).resolve()) if profile.endswith((".yaml", ".yml")) else profile,
        name=_name(name, method),
        identity=handed.identity,
        folders=tuple(str(Path(entry).resolve()) for entry in sys.path),
        options=options,
        workers=workers or len(os.sched_getaffinity(0)),
    )
    answer, log = _asked(request, handed.payload)
    return Evaluation(
        table=pd.DataFrame(answer["columns"]),
        profile=Path(profile).stem,
        anew=handed.unknown,
        log=log,
        picture=answer["picture"].tobytes(),
        **{key: answer[key] for key in ("name", "title", "reused", "caption")},
    )


def _declared(method: Any, family: str) -> dict[str, Any]:
    """What a family's decorator says of it, if it has one."""
    definition = getattr(method, "__touchstone__", None)
    if not isinstance(definition, Definition):
        return {}
    if (definition.kind, definition.family) != ("method", family):
        raise TouchstoneError(f"got a {definition.kind} of {definition.family}, expected a method of {family}")
    return dict(definition.options)


def _name(given: str, method: Any) -> str:
    """A name that may stand in a table: `MyMethod` is `my_method`."""
    text = given or getattr(method, "__name__", "") or type(method).__name__
    name = safe_name(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text))
    return name if name[0].isalpha() else f"method_{name}"


def _base() -> Path:
    """Where results lie: with those of a checkout for whoever works in it, else in the working directory."""
    here = Path.cwd()
    return PROJECT if ENGINE.parent == PROJECT and here.resolve().is_relative_to(PROJECT.resolve()) else here


def _asked(request: Request, payload: bytes) -> tuple[dict[str, Any], str]:
    """Start an engine, ask it, and wait for its answer and its end. Returns the answer and what it logged."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = _engine(theirs.fileno())
    lines = _Lines(process.stdout)
    answer: dict[str, Any] = {}
    try:
        with ours, suppress(OSError, EOFError, wire.Malformed):  # an engine that died answers nothing
            wire.send(ours, asdict(request), [np.frombuffer(payload, np.uint8)])
            answer = wire.decode(*wire.receive(ours))
        process.wait()
    except BaseException:  # the cell was stopped
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        raise
    finally:
        log = lines.end()
    if not answer:
        last = "\n".join(log.splitlines()[-LAST:])
        raise TouchstoneError(f"the engine's process ended without an answer (status {process.returncode}):\n{last}")
    if "error" in answer:
        raise TouchstoneError(answer["error"])
    return answer, log


def _engine(descriptor: int) -> subprocess.Popen[bytes]:
    path = [str(ENGINE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}  # the kernel's own
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "benchmark.notebook", str(descriptor)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[descriptor],
        cwd=_base(),
        env=environment | {"PYTHONPATH": os.pathsep.join(path)},
        start_new_session=True,
    )


class _Lines:
    """What the engine says: all of it is kept, and the latest line shown while it works."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream is not None
        self.stream, self.lines = stream, list[str]()
        self.shows = sys.stdout.isatty() or "ipykernel" in sys.modules
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        for raw in self.stream:
            self.lines.append(raw.decode(errors="replace").rstrip())
            self._show(self.lines[-1])

    def _show(self, line: str) -> None:
        if self.shows:
            sys.stdout.write(f"\r{line[:WIDTH]:{WIDTH}}\r")
            sys.stdout.flush()

    def end(self) -> str:
        """All that was said, once nobody is left to say more."""
        self.thread.join()
        self.stream.close()
        self._show("")
        return "\n".join(self.lines)
