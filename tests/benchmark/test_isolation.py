"""Forked children: whatever one of them does, it ends with a reason and the others do not notice."""

from __future__ import annotations

import ctypes
import faulthandler
import functools
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from benchmark import isolation
from benchmark.errors import TouchstoneError
from benchmark.isolation import Ending, Job, Message, Send, run_isolated

SLEEP = "import time; time.sleep(600)"


@pytest.fixture(params=["namespaces", "none"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A system with process numbers for each job, and one that has none to give."""
    if request.param == "none":
        monkeypatch.setattr(isolation, "namespaces", lambda: False)
    return str(request.param)


def endings(jobs: list[Any], **limits: Any) -> tuple[list[list[Message]], list[Ending]]:
    """The messages and the ending of each job."""
    messages: dict[int, list[Message]] = {}
    ends: dict[int, Ending] = {}
    for number, message in run_isolated(jobs, **limits):
        assert number not in ends, "nothing may follow an ending"
        if isinstance(message, Ending):
            ends[number] = message
        else:
            messages.setdefault(number, []).append(message)
    return [messages.get(number, []) for number in range(len(jobs))], [ends[number] for number in range(len(jobs))]


def headers(messages: list[Message]) -> list[dict[str, Any]]:
    return [message.header for message in messages]


def good(send: Send) -> None:
    send({"step": "begun"})
    send({"answer": 42}, {"vector": torch.arange(3)})


def assert_good(messages: list[Message], end: Ending) -> None:
    assert end.status == "ok", end
    assert headers(messages) == [{"step": "begun"}, {"answer": 42}]
    assert messages[1].tensors["vector"].tolist() == [0, 1, 2]


def raises(send: Send) -> None:
    send({"step": "first"})
    raise ValueError("seven is not a colour")


def says(send: Send) -> None:
    raise TouchstoneError("got 3, expected 4")


def hangs(send: Send) -> None:
    send({"step": "first"})
    time.sleep(600)


def spins(send: Send) -> None:
    while True:
        pass


def stops_itself(send: Send) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def ignores_sigterm(send: Send) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)


def blocks_all_signals(send: Send) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(600)


def leaves(send: Send) -> None:
    send({"step": "first"})
    os._exit(0)


def exits(send: Send) -> None:
    sys.exit(3)


def interrupts(send: Send) -> None:
    raise KeyboardInterrupt


def dies(number: int, send: Send) -> None:
    faulthandler.disable()
    os.kill(os.getpid(), number)
    time.sleep(600)


def overflows_the_stack(send: Send) -> None:
    faulthandler.disable()
    sys.setrecursionlimit(10**9)
    nested: list[Any] = []
    for _ in range(10**6):
        nested = [nested]
    repr(nested)


def rings_an_alarm(send: Send) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(600)


def floods(send: Send) -> None:
    while True:
        send({"text": "x" * 100})


def sends_the_unsendable(send: Send) -> None:
    send({"function": lambda: None})


def closes_everything(send: Send) -> None:
    os.closerange(0, 4096)
    send({"step": "lost"})


def writes(*chunks: bytes) -> Job:
    """A job that writes bytes of its own where messages go."""

    def job(send: Send) -> None:
        for chunk in chunks:
            view = memoryview(chunk)
            while view:
                view = view[os.write(send._descriptor, view) :]
        time.sleep(600)

    return job


def frame(text: bytes, tensors: bytes = b"", kind: bytes = b"m") -> bytes:
    return struct.pack("<cQQ", kind, len(text), len(tensors)) + text + tensors


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def raises_the_unprintable(send: Send) -> None:
    raise Unprintable


def kills_its_parent(send: Send) -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    send({"step": "alive"})


def kills_everyone(send: Send) -> None:
    os.kill(-1, signal.SIGKILL)
    send({"step": "alive"})


HOSTILE: dict[str, tuple[Any, str, str]] = {
    "raises": (raises, "failed", "ValueError: seven is not a colour"),
    "says": (says, "failed", "got 3, expected 4"),
    "leaves": (leaves, "failed", "the process ended with status 0 before it returned a result"),
    "exits": (exits, "failed", "SystemExit: 3"),
    "interrupts": (interrupts, "failed", "KeyboardInterrupt"),
    "runs out": (lambda _send: bytearray(2**60), "failed", "ran out of memory"),
    "unsendable": (sends_the_unsendable, "failed", "not JSON serializable"),
    "closes everything": (closes_everything, "failed", "before it returned a result"),
    "unprintable": (raises_the_unprintable, "failed", "Unprintable: (its message cannot be printed)"),
    "segfault": (functools.partial(dies, signal.SIGSEGV), "failed", "killed by SIGSEGV"),
    "abort": (lambda _send: os.abort(), "failed", "killed by SIGABRT"),
    "kill": (functools.partial(dies, signal.SIGKILL), "failed", "killed by SIGKILL"),
    "real-time signal": (functools.partial(dies, 40), "failed", "killed by signal 40"),
    "stack": (overflows_the_stack, "failed", "killed by SIGSEGV"),
    "alarm": (rings_an_alarm, "failed", "killed by SIGALRM"),
    "hangs": (hangs, "timeout", "ran longer than the limit of 3 s"),
    "spins": (spins, "timeout", "ran longer than the limit of 3 s"),
    "stops itself": (stops_itself, "timeout", "ran longer than the limit of 3 s"),
    "ignores SIGTERM": (ignores_sigterm, "timeout", "ran longer than the limit of 3 s"),
    "blocks signals": (blocks_all_signals, "timeout", "ran longer than the limit of 3 s"),
    "begins a message": (writes(frame(b"{}")[:-1]), "timeout", "ran longer than the limit of 3 s"),
    "rubbish": (writes(b"rubbish" * 1000), "failed", "expected a message, got b'rubbish"),
    "no JSON": (writes(frame(b"{")), "failed", "cannot be read (JSONDecodeError"),
    "no text": (writes(frame(b"\xff\xfe")), "failed", "cannot be read (UnicodeDecodeError"),
    "no object": (writes(frame(b"[1]")), "failed", "expected a JSON object, got list"),
    "nested": (writes(frame(b"[" * 10**6)), "failed", "cannot be read (RecursionError"),
    "long number": (writes(frame(b'{"a": ' + b"9" * 10**6 + b"}")), "failed", "cannot be read (ValueError"),
    "no tensors": (writes(frame(b"{}", b"\x08" + bytes(15))), "failed", "cannot be read (SafetensorError"),
    "pickle": (writes(b"\x80\x04\x95" + bytes(100)), "failed", "expected a message"),
    "long header": (writes(struct.pack("<cQQ", b"m", 2**60, 0)), "failed", "expected a message"),
    "huge message": (writes(struct.pack("<cQQ", b"m", 2, 2**60)), "failed", "sent more than the limit of 2000 MB"),
}


@pytest.mark.parametrize("workers", [1, 3])
def test_messages_come_in_order_before_the_ending(workers: int, system: str) -> None:
    messages, ends = endings([good] * 5, workers=workers)
    for sent, end in zip(messages, ends, strict=True):
        assert_good(sent, end)
        assert end.seconds > 0
        assert end.peak_memory_mb >= 0
        assert not end.reason


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_job_ends_with_a_reason_and_the_others_do_not_notice(name: str) -> None:
    job, status, reason = HOSTILE[name]
    seconds = 3 if status == "timeout" else 120
    messages, ends = endings([job, good], workers=2, seconds=seconds, memory_mb=2000)
    assert ends[0].status == status, ends[0]
    assert reason in ends[0].reason
    assert_good(messages[1], ends[1])


@pytest.mark.parametrize("name", ["raises", "leaves", "kill", "closes everything", "hangs", "stops itself", "rubbish"])
def test_so_it_does_without_namespaces(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "namespaces", lambda: False)
    test_a_hostile_job_ends_with_a_reason_and_the_others_do_not_notice(name)


def test_what_a_job_sent_before_its_end_is_kept(system: str) -> None:
    messages, _ = endings([raises, leaves, hangs], workers=3, seconds=5)
    assert [headers(sent) for sent in messages] == [[{"step": "first"}]] * 3


def test_endless_messages_meet_the_limit_of_memory() -> None:
    messages, (end, idle) = endings([floods, good], workers=2, memory_mb=20, seconds=300)
    assert end.status == "failed"
    assert "sent more than the limit of 20 MB" in end.reason
    assert len(messages[0]) > 1000
    assert_good(messages[1], idle)


def test_a_job_that_says_goodbye_twice_or_for_others_speaks_for_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation.child, "GRACE_SECONDS", 1.0)
    goodbye = frame(json.dumps({"error": "forged", "job": 1}).encode(), kind=b"e")
    messages, ends = endings([writes(goodbye, frame(b'{"late": 1}'), goodbye), good], workers=2)
    assert ends[0].reason == "forged"
    assert messages[0] == []
    assert_good(messages[1], ends[1])


def test_an_exception_comes_with_its_trace_and_a_user_error_without() -> None:
    _, (bug, user) = endings([raises, says])
    assert "in raises" in bug.trace
    assert user.trace == ""


def test_a_lone_surrogate_is_written_out() -> None:
    def job(send: Send) -> None:
        send({"text \ud800": ["half \udfff", {"deep": "\ud83d"}], "whole": "\N{SNAKE}"})
        send.began("label \ud800")
        sys.stdout.write("printed \ud800\n")
        raise ValueError("broken \udc80")

    messages, (end,) = endings([job])
    assert headers(messages[0]) == [{"text \\ud800": ["half \\udfff", {"deep": "\\ud83d"}], "whole": "\N{SNAKE}"}]
    assert end.reason == "ValueError: broken \\udc80"
    assert end.during == "label \\ud800"
    (end.reason + end.trace + end.during).encode()


class Liar(torch.Tensor):
    """Claims to be finite whatever it holds."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.isfinite:
            return torch.ones(args[0].shape, dtype=torch.bool)
        return super().__torch_function__(func, types, args, kwargs or {})


def test_a_tensor_arrives_as_its_plain_bytes() -> None:
    def job(send: Send) -> None:
        base = torch.arange(6.0).reshape(2, 3)
        nan = torch.full((2,), torch.nan)
        assert torch.isfinite(nan.as_subclass(Liar)).all()
        send(
            {},
            {
                "subclass": nan.as_subclass(Liar),
                "transposed": base.T,
                "row": base[1],
                "all": base,
                "again": base,
                "graph": torch.ones(2, requires_grad=True) * 2,
                "parameter": torch.nn.Parameter(torch.ones(1)),
                "empty": torch.zeros(0, 4),
                "scalar": torch.tensor(True),
                "half": torch.ones(2, dtype=torch.bfloat16),
            },
        )

    (sent,), (end,) = endings([job])
    assert end.status == "ok", end
    got = sent[0].tensors
    base = torch.arange(6.0).reshape(2, 3)
    expected = {"transposed": base.T, "row": base[1], "all": base, "again": base, "graph": torch.full((2,), 2.0)}
    assert all(torch.equal(got[name], expected[name]) for name in expected)
    assert type(got["subclass"]) is torch.Tensor
    assert not torch.isfinite(got["subclass"]).any()
    assert not any(tensor.requires_grad for tensor in got.values())
    assert got["empty"].shape == (0, 4)
    assert got["scalar"].item() is True
    assert got["half"].dtype == torch.bfloat16


def test_a_large_message_arrives_whole() -> None:
    def large(send: Send) -> None:
        send({"text": "x" * 5_000_000}, {"large": torch.arange(5_000_000)})

    messages, (end, other) = endings([large, good], workers=2)
    assert end.status == "ok", end
    assert len(messages[0][0].header["text"]) == 5_000_000
    assert torch.equal(messages[0][0].tensors["large"], torch.arange(5_000_000))
    assert_good(messages[1], other)


def test_the_clock_begins_anew_with_what_begins() -> None:
    def steps(send: Send) -> None:
        for number in range(4):
            send.began(f"step {number}")
            time.sleep(1.5)
        send.began("last")
        time.sleep(600)

    _, (end,) = endings([steps], seconds=4)
    assert end.status == "timeout"
    assert end.during == "last"
    assert end.seconds > 8, "4 steps of 1.5 s, then the limit of 4 s"


def test_jobs_may_be_added_while_others_run() -> None:
    jobs: list[Job] = [good]
    ended = []
    for number, message in run_isolated(jobs):
        if isinstance(message, Ending):
            ended.append(number)
            if len(jobs) < 4:
                jobs.append(good)
    assert ended == [0, 1, 2, 3]


# Memory


def eats(send: Send) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(20 * 2**20))
        time.sleep(0.02)


def feeds_children(send: Send) -> None:
    for _ in range(4):
        if os.fork() == 0:
            hoard = os.urandom(2**20) * 150
            time.sleep(600 + len(hoard))
    time.sleep(600)


@pytest.mark.parametrize("job", [eats, feeds_children])
def test_a_job_beyond_the_memory_limit_is_stopped(job: Job, system: str) -> None:
    messages, ends = endings([good, job, good], workers=2, memory_mb=400, seconds=120)
    assert ends[1].status == "failed", ends[1]
    assert "more memory than the limit of 400 MB" in ends[1].reason
    assert ends[1].peak_memory_mb > 400
    assert_good(messages[0], ends[0])
    assert_good(messages[2], ends[2])


def test_the_peak_of_memory_is_what_the_job_took() -> None:
    def takes(send: Send) -> None:
        block = bytearray(os.urandom(2**20) * 150)
        send({"size": len(block)})

    _, (end, idle) = endings([takes, good])
    assert 140 < end.peak_memory_mb < 450
    assert idle.peak_memory_mb < 60


def test_memory_that_processes_share_counts_once() -> None:
    def shares(send: Send) -> None:
        block = os.urandom(2**20) * 200
        for _ in range(5):
            if os.fork() == 0:
                time.sleep(600)
        time.sleep(2 + 0 * len(block))

    _, (end,) = endings([shares], memory_mb=900, seconds=120)
    assert end.status == "ok", end
    assert 150 < end.peak_memory_mb < 900


# Processes


def gone(pid: int) -> bool:
    """Whether there is no such process, or only what its parent has not yet asked about."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def marked(mark: str) -> list[int]:
    """The living processes that were started with a mark on their command line."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if mark in (process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


def daemon(mark: str) -> None:
    """A process that has left its session and its parents."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, "-c", SLEEP, mark])
        os._exit(0)
    os.wait()


def stopped(mark: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", SLEEP, mark], start_new_session=True)
    child.send_signal(signal.SIGSTOP)


def plain(mark: str) -> None:
    subprocess.Popen([sys.executable, "-c", SLEEP, mark])


def holds_the_pipes(mark: str) -> None:
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        plain(mark)
        time.sleep(600)


@pytest.mark.parametrize("start", [plain, daemon, stopped, holds_the_pipes])
@pytest.mark.parametrize("end", ["returns", "hangs", "crashes"])
def test_nothing_survives_a_job(start: Callable[[str], None], end: str, system: str, tmp_path: Path) -> None:
    mark = str(tmp_path)

    def job(send: Send) -> None:
        start(mark)
        time.sleep(1)
        send({"started": True})
        if end == "hangs":
            time.sleep(600)
        if end == "crashes":
            os.kill(os.getpid(), signal.SIGKILL)

    seen = 0
    for _, message in run_isolated([job], seconds=5 if end == "hangs" else 120):
        if isinstance(message, Ending):
            assert marked(mark) == []
            assert message.status == {"returns": "ok", "hangs": "timeout", "crashes": "failed"}[end]
        else:
            seen += 1
    assert seen == 1


@pytest.mark.parametrize("job", [kills_its_parent, kills_everyone])
def test_the_parent_outlives_a_child_that_kills_its_own(job: Job) -> None:
    messages, ends = endings([good, job, good], workers=2, seconds=60)
    assert_good(messages[0], ends[0])
    assert_good(messages[2], ends[2])
    assert ends[1].status in ("ok", "failed")


def test_a_killed_keeper_is_told_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(isolation, "namespaces", lambda: False)
    monkeypatch.setattr(isolation.keeper, "confine", lambda _confinement, _own: None)  # a system without Landlock
    mark = str(tmp_path)

    def job(send: Send) -> None:
        daemon(mark)
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)

    messages, ends = endings([job, good], workers=2, seconds=60)
    assert ends[0].status == "failed"
    assert "kept it was killed" in ends[0].reason
    assert marked(mark) == []
    assert_good(messages[1], ends[1])


def test_a_keeper_that_is_killed_with_namespaces_leaves_nothing_either(tmp_path: Path) -> None:
    """An init and the job are both orphans then, and the one does not end before the other is reaped."""
    mark = str(tmp_path)

    def job(send: Send) -> None:
        daemon(mark)
        time.sleep(1)
        send({"started": True})
        time.sleep(600)

    others = {child.pid for child in psutil.Process().children()}
    for _, message in run_isolated([job], seconds=120):
        if isinstance(message, Ending):
            assert message.status == "failed"
            assert marked(mark) == []
        else:
            (keeper,) = [child for child in psutil.Process().children() if child.pid not in others]
            keeper.kill()


def forks_without_end(send: Send) -> None:
    while True:
        if os.fork() == 0:
            time.sleep(600)
        time.sleep(0.01)


def test_a_fork_bomb_ends(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation.child, "PROCESSES", 24)  # the machine has other work
    messages, ends = endings([forks_without_end, good], workers=2, seconds=120)
    assert ends[0].status == "failed", ends[0]
    assert "more than 24 processes" in ends[0].reason
    assert_good(messages[1], ends[1])


def test_a_job_without_a_working_folder_concerns_nobody_else(tmp_path: Path) -> None:
    here = Path.cwd()
    lost = tmp_path / "lost"
    lost.mkdir()

    def job(send: Send) -> None:
        os.chdir(lost)
        lost.rmdir()
        send({"step": "lost"})

    messages, ends = endings([job, good])
    assert ends[0].status == "ok"
    assert_good(messages[1], ends[1])
    assert Path.cwd() == here


def test_a_reader_that_stops_early_leaves_no_child(system: str, tmp_path: Path) -> None:
    mark = str(tmp_path)

    def job(send: Send) -> None:
        plain(mark)
        send({"step": "started"})
        time.sleep(600)

    others = {child.pid for child in psutil.Process().children()}
    running = run_isolated([job, job], workers=2)
    next(running)
    running.close()
    assert marked(mark) == []
    left = [child for child in psutil.Process().children() if child.pid not in others]
    assert not [child for child in left if child.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("own", [True, False])
def test_children_die_with_a_killed_parent(own: bool, tmp_path: Path) -> None:
    mark = str(tmp_path)
    program = (
        "import os, subprocess, sys, time\n"
        "from benchmark import isolation\n"
        f"{'' if own else 'isolation.namespaces = lambda: False'}\n"
        "def job(send):\n"
        "    for signal in (15, 1):\n"
        "        __import__('signal').signal(signal, 1)\n"
        f"    subprocess.Popen([sys.executable, '-c', {SLEEP!r}, {mark!r}], start_new_session=True)\n"
        "    time.sleep(1)\n"
        "    send({})\n    time.sleep(600)\n"
        "for _ in isolation.run_isolated([job]):\n    print('begun', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == "begun\n"
        assert marked(mark)
        parent.kill()
    deadline = time.monotonic() + 60
    while marked(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert marked(mark) == []


def test_a_broken_pipe_is_an_error_as_elsewhere() -> None:
    def job(send: Send) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        with pytest.raises(BrokenPipeError):
            os.write(writing, b"x")
        send({"caught": True})

    messages, (end,) = endings([job])
    assert end.status == "ok", end
    assert headers(messages[0]) == [{"caught": True}]


def test_a_child_has_no_descriptor_but_its_own(tmp_path: Path) -> None:
    path = tmp_path / "open"
    with path.open("w"):

        def job(send: Send) -> None:
            taken = [each for each in range(3, 4096) if Path(f"/proc/self/fd/{each}").is_symlink()]
            send({"open": [str(Path(f"/proc/self/fd/{each}").readlink()) for each in taken]})

        (sent,), _ = endings([job])
    (link,) = sent[0].header["open"]
    assert link.startswith("pipe:")


def test_descriptors_and_processes_are_given_back() -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    endings([good])
    before, others = count(), set(psutil.Process().children())
    endings([good, raises, leaves] * 5, workers=3)
    assert count() == before
    assert not set(psutil.Process().children()) - others


def test_a_child_cannot_change_its_parent() -> None:
    table = {"value": 1}

    def meddles(send: Send) -> None:
        table["value"] = 2
        os.environ["TOUCHSTONE_MEDDLED"] = "1"
        send(table)

    messages, _ = endings([meddles])
    assert headers(messages[0]) == [{"value": 2}]
    assert table == {"value": 1}
    assert "TOUCHSTONE_MEDDLED" not in os.environ


# Output


def test_what_a_job_prints_reaches_the_log_up_to_a_limit(capfd: pytest.CaptureFixture[str]) -> None:
    def prints(send: Send) -> None:
        sys.stdout.write("first line\n")
        os.write(2, b"to standard error\n")
        subprocess.run(["echo", "of a child"], check=True)
        for _ in range(400):
            os.write(1, b"x" * 2**20)

    _, (end,) = endings([prints], seconds=300)
    assert end.status == "ok", end
    captured = capfd.readouterr()
    text = captured.out + captured.err
    for line in ("first line", "to standard error", "of a child"):
        assert f"{line}\n" in text
    assert f"[{400 * 2**20 + 40 - isolation.LOG_BYTES} more bytes that this job printed are left out]" in text
    assert len(text) < isolation.LOG_BYTES + 200


def test_a_person_sees_a_line_while_the_job_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = threading.Event()
    monkeypatch.setattr(isolation.child, "_write_log", lambda text: shown.set() if "step 1" in text else None)

    def job(send: Send) -> None:
        sys.stdout.write("step 1\n")
        time.sleep(1)
        send({})
        time.sleep(600)

    for message in run_isolated([job], seconds=120):
        assert isinstance(message[1], Message)
        break
    assert shown.is_set()


def test_a_closed_log_ends_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        messages, ends = endings([lambda _send: sys.stdout.write("lost\n"), good])
        assert ends[0].status == "ok"
        assert_good(messages[1], ends[1])
        monkeypatch.undo()
        with pytest.raises(OSError, match="No space left"):
            full.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


# Without being root


def as_nobody(job: Callable[[], Any]) -> Any:
    """What a function returns (as JSON) in a process of a user without rights."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as a process that was never root
            tempfile.tempdir = "/tmp"
            os.write(writing, json.dumps(job()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return json.loads(text)


def test_it_works_without_being_root(system: str) -> None:
    def run() -> Any:
        def who(send: Send) -> None:
            send({"user": os.getuid(), "number": os.getpid()})

        messages, ends = endings([who, hangs, who], workers=2, seconds=5)
        return [[headers(sent) for sent in messages], [end.status for end in ends]]

    (first, _, last), statuses = as_nobody(run)
    assert statuses == ["ok", "timeout", "ok"]
    for sent in (first, last):
        assert sent[0]["user"] == (65534 if os.getuid() == 0 else os.getuid())


def test_no_jobs() -> None:
    assert endings([]) == ([], [])
