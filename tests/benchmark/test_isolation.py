"""Forked children: whatever one of them does, it ends with a reason and the others do not notice."""

from __future__ import annotations

import faulthandler
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmark.errors import TouchstoneError
from benchmark.isolation import Ending, run_isolated

Send = Callable[[Any], None]


def good(send: Send) -> None:
    send("begun")
    send({"answer": 42})


def endings(jobs: list[Any], **limits: Any) -> tuple[list[list[Any]], list[Ending]]:
    """The messages and the ending of each job."""
    messages: list[list[Any]] = [[] for _ in jobs]
    ends: dict[int, Ending] = {}
    for number, message in run_isolated(jobs, **limits):
        assert number not in ends, "nothing may follow an ending"
        if isinstance(message, Ending):
            ends[number] = message
        else:
            messages[number].append(message)
    return messages, [ends[number] for number in range(len(jobs))]


def raises(send: Send) -> None:
    send("first")
    raise ValueError("seven is not a colour")


def says(send: Send) -> None:
    raise TouchstoneError("got 3, expected 4")


def hangs(send: Send) -> None:
    send("first")
    time.sleep(600)


def spins(send: Send) -> None:
    while True:
        pass


def stops_itself(send: Send) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def ignores_sigterm(send: Send) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)


def leaves(send: Send) -> None:
    send("first")
    os._exit(0)


def exits(send: Send) -> None:
    sys.exit(3)


def interrupts(send: Send) -> None:
    raise KeyboardInterrupt


def dies(number: int, send: Send) -> None:
    faulthandler.disable()
    os.kill(os.getpid(), number)
    time.sleep(600)


def eats(send: Send) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(20 * 2**20))
        time.sleep(0.01)


def runs_out(send: Send) -> None:
    raise MemoryError


def floods(send: Send) -> None:
    while True:
        send("x" * 100)


def sends_the_unsendable(send: Send) -> None:
    send(lambda: None)


def closes_everything(send: Send) -> None:
    os.closerange(3, 256)


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def raises_the_unprintable(send: Send) -> None:
    raise Unprintable


HOSTILE = {
    raises: ("failed", "ValueError: seven is not a colour"),
    says: ("failed", "got 3, expected 4"),
    leaves: ("failed", "the process ended with status 0 before it returned a result"),
    exits: ("failed", "SystemExit: 3"),
    interrupts: ("failed", "KeyboardInterrupt"),
    runs_out: ("failed", "ran out of memory"),
    sends_the_unsendable: ("failed", "pickle"),
    closes_everything: ("failed", "before it returned a result"),
    raises_the_unprintable: ("failed", "before it returned a result"),
    functools.partial(dies, signal.SIGSEGV): ("failed", "killed by SIGSEGV"),
    functools.partial(dies, signal.SIGKILL): ("failed", "killed by SIGKILL"),
    functools.partial(dies, 40): ("failed", "killed by signal 40"),
    hangs: ("timeout", "ran longer than the limit of 1 s"),
    spins: ("timeout", "ran longer than the limit of 1 s"),
    stops_itself: ("timeout", "ran longer than the limit of 1 s"),
    ignores_sigterm: ("timeout", "ran longer than the limit of 1 s"),
    floods: ("timeout", "ran longer than the limit of 1 s"),
}


def name_of(job: Any) -> str:
    return f"{job.func.__name__}-{job.args[0]}" if isinstance(job, functools.partial) else job.__name__


@pytest.mark.parametrize("workers", [1, 3])
def test_messages_come_in_order_before_the_ending(workers: int) -> None:
    messages, ends = endings([good] * 5, workers=workers)
    assert messages == [["begun", {"answer": 42}]] * 5
    assert [end.status for end in ends] == ["ok"] * 5
    assert all(end.seconds > 0 and end.peak_memory_mb >= 0 and not end.reason for end in ends)


@pytest.mark.parametrize("job", HOSTILE, ids=name_of)
def test_a_hostile_job_ends_with_a_reason_and_the_others_do_not_notice(job: Any) -> None:
    messages, ends = endings([good, job, good], workers=2, seconds=1)
    status, reason = HOSTILE[job]
    assert ends[1].status == status
    assert reason in ends[1].reason
    for number in (0, 2):
        assert messages[number] == ["begun", {"answer": 42}]
        assert ends[number].status == "ok"


def test_what_a_job_sent_before_its_end_is_kept() -> None:
    messages, _ = endings([raises, leaves, hangs], workers=3, seconds=1)
    assert messages == [["first"]] * 3


def test_an_exception_comes_with_its_trace_and_a_user_error_without() -> None:
    _, (bug, user) = endings([raises, says])
    assert "in raises" in bug.trace
    assert user.trace == ""


def test_a_job_beyond_the_memory_limit_is_stopped() -> None:
    own = psutil.Process().memory_info().rss / 2**20
    messages, ends = endings([good, eats, good], workers=2, memory_mb=own + 300)
    assert ends[1].status == "failed"
    assert "more memory than the limit" in ends[1].reason
    assert ends[1].peak_memory_mb > 100
    assert messages[0] == messages[2] == ["begun", {"answer": 42}]


def test_the_peak_of_memory_is_what_the_job_took() -> None:
    def takes(send: Send) -> None:
        block = bytearray(os.urandom(2**20) * 150)
        send(len(block))

    _, (end, idle) = endings([takes, good])
    assert 140 < end.peak_memory_mb < 400
    assert idle.peak_memory_mb < 50


def test_a_grandchild_dies_with_the_job(tmp_path: Path) -> None:
    def spawns(send: Send) -> None:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        send(child.pid)

    def spawns_and_hangs(send: Send) -> None:
        spawns(send)
        time.sleep(600)

    messages, ends = endings([spawns, spawns_and_hangs], workers=2, seconds=5)
    assert [end.status for end in ends] == ["ok", "timeout"]
    for (pid,) in messages:
        assert gone(pid)


def gone(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_a_large_message_arrives_whole() -> None:
    def large(send: Send) -> None:
        send(b"x" * 5_000_000)

    messages, _ = endings([large, good])
    assert messages[0] == [b"x" * 5_000_000]


def test_a_reader_that_stops_early_leaves_no_child(tmp_path: Path) -> None:
    def tells(send: Send) -> None:
        send(os.getpid())
        time.sleep(600)

    running = run_isolated([tells, tells], workers=2)
    _, pid = next(running)
    running.close()
    assert gone(pid)


def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import os, sys, time\n"
        "from benchmark.isolation import run_isolated\n"
        "def job(send):\n    send(os.getpid())\n    time.sleep(600)\n"
        "for _, pid in run_isolated([job]):\n    print(pid, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()
    assert gone(pid)


def test_a_child_cannot_change_its_parent() -> None:
    table = {"value": 1}

    def meddles(send: Send) -> None:
        table["value"] = 2
        os.environ["TOUCHSTONE_MEDDLED"] = "1"
        send(table["value"])

    messages, _ = endings([meddles])
    assert messages == [[2]]
    assert table == {"value": 1}
    assert "TOUCHSTONE_MEDDLED" not in os.environ


def test_no_jobs() -> None:
    assert endings([]) == ([], [])
