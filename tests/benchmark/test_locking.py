"""One run at a time, no lock that outlives its run, and no job that works beside another run unseen."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.errors import TouchstoneError
from benchmark.locking import RUN_VARIABLE, at_work, hold, holder_of

HEAD = """
import os, subprocess, sys
from pathlib import Path
from benchmark.locking import at_work, hold
folder = Path(sys.argv[1])
"""
RUN = HEAD + 'held = hold(folder, "first", "snakemake"); print("held", flush=True); sys.stdin.read()'
JOB = HEAD + 'with at_work(folder, "train s"): print("works", flush=True); sys.stdin.read()'
RUN_WITH_A_JOB = HEAD + (
    'held = hold(folder, "first", "snakemake")\n'
    "os.environ['TOUCHSTONE_RUN'] = 'first'\n"
    f"job = subprocess.Popen([sys.executable, '-c', {JOB!r}, str(folder)])\n"
    "print(job.pid, flush=True)\n"
    "job.wait()"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    return tmp_path / "results" / "small"


@pytest.fixture
def start(folder: Path) -> Iterator[object]:
    """A function that starts a Python program on the folder and waits for its first line; all end with the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(code: str, **environment: str) -> tuple[subprocess.Popen[str], str]:
        program = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], env=os.environ | environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(program)
        assert program.stdout is not None
        return program, program.stdout.readline().strip()

    yield begin
    for program in started:
        program.kill()
        program.communicate()


def contents(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_second_run_is_told_of_the_first_and_a_kill_frees_the_lock(folder: Path, start) -> None:
    run, _ = start(RUN)
    with pytest.raises(TouchstoneError, match=rf"another run is at work in .*small: snakemake \(pid {run.pid} on "):
        hold(folder, "second", "snakemake")
    assert holder_of(folder / ".lock").run == "first", "a refused run leaves the name of the one at work"
    run.kill()
    run.communicate()
    hold(folder, "second", "snakemake").close()
    hold(folder, "third", "snakemake").close()


def test_a_job_that_outlives_its_killed_run_keeps_the_next_one_out_until_it_ends(folder: Path, start) -> None:
    run, pid = start(RUN_WITH_A_JOB)
    assert run.stdout.readline() == "works\n"
    run.send_signal(signal.SIGKILL)
    run.wait()
    with pytest.raises(TouchstoneError, match=rf"still at work in .*small: train s \(pid {pid} on .*\); wait"):
        hold(folder, "second", "snakemake")
    os.kill(int(pid), signal.SIGKILL)
    run.stdout.read()  # ends when the job has ended, for the pipe is its own, too
    hold(folder, "second", "snakemake").close()
    assert list((folder / ".jobs").iterdir()) == []


def test_the_jobs_of_a_run_work_side_by_side_and_leave_nothing(folder: Path, start) -> None:
    with hold(folder, "first", "snakemake"):
        one, _ = start(JOB, TOUCHSTONE_RUN="first")
        two, said = start(JOB, TOUCHSTONE_RUN="first")
        assert said == "works"
        signed = {holder_of(path).pid for path in (folder / ".jobs").iterdir()}
        assert signed == {one.pid, two.pid}
        assert [program.communicate("")[1] for program in (one, two)] == ["", ""]
    assert list((folder / ".jobs").iterdir()) == []


@pytest.mark.parametrize("earlier", ["none", "another", "ended"])
def test_a_job_whose_run_is_over_writes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch, earlier: str) -> None:
    """As when a cluster starts a job that has waited in its queue."""
    if earlier != "none":
        held = hold(folder, "second" if earlier == "another" else "first", "snakemake")
        if earlier == "ended":
            held.close()
    before = contents(folder)
    monkeypatch.setenv(RUN_VARIABLE, "first")
    reasons = {"none": "no run has begun there", "another": "the latest is second", "ended": "has ended"}
    with (
        pytest.raises(TouchstoneError, match=f"belongs to run first in .*, which is over .*{reasons[earlier]}"),
        at_work(folder, "train s"),
    ):
        pytest.fail("it worked")
    assert contents(folder) == before
    assert not (folder / ".jobs").exists()


def test_a_job_on_another_machine_goes_by_the_name_of_the_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There the lock of the main process may not be seen."""
    hold(folder, "first", "snakemake").close()
    signature = json.loads((folder / ".lock").read_text())
    (folder / ".lock").write_text(json.dumps(signature | {"host": f"not-{socket.gethostname()}"}))
    monkeypatch.setenv(RUN_VARIABLE, "first")
    with at_work(folder, "train s"):
        assert len(list((folder / ".jobs").iterdir())) == 1
    monkeypatch.setenv(RUN_VARIABLE, "zeroth")
    with pytest.raises(TouchstoneError, match="belongs to run zeroth"), at_work(folder, "train s"):
        pytest.fail("it worked")


def test_a_stage_called_by_hand_is_a_run_of_its_own(folder: Path) -> None:
    with at_work(folder, "train s"):
        with pytest.raises(TouchstoneError, match=rf"another run is at work in .*: train s \(pid {os.getpid()} on"):
            hold(folder, "second", "snakemake")
        with pytest.raises(TouchstoneError, match="another run is at work"), at_work(folder, "train t"):
            pytest.fail("it worked")
    hold(folder, "second", "snakemake").close()


def test_a_file_that_a_killed_job_left_is_removed_and_no_obstacle(folder: Path, start) -> None:
    with hold(folder, "first", "snakemake"):
        job, _ = start(JOB, TOUCHSTONE_RUN="first")
        job.kill()
        job.communicate()
    assert len(list((folder / ".jobs").iterdir())) == 1
    hold(folder, "second", "snakemake").close()
    assert list((folder / ".jobs").iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"run": 1}', "\xff"])
def test_a_lock_file_that_says_nothing_is_no_obstacle(folder: Path, content: str) -> None:
    folder.mkdir(parents=True)
    (folder / ".lock").write_text(content, encoding="latin-1")
    assert holder_of(folder / ".lock") is None
    hold(folder, "first", "snakemake").close()
    assert holder_of(folder / ".lock").run == "first"


def test_where_there_are_no_locks_a_run_says_so_and_its_jobs_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As Lustre mounted without `flock` answers, of which there is none here."""

    def refuse(stream: object, kind: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", refuse)
    logging.getLogger("touchstone").propagate = True
    held = hold(folder, "first", "snakemake")
    assert "has no locks" in caplog.text
    monkeypatch.setenv(RUN_VARIABLE, "first")
    with at_work(folder, "train s"):
        pass
    monkeypatch.setenv(RUN_VARIABLE, "zeroth")
    with pytest.raises(TouchstoneError, match="belongs to run zeroth"), at_work(folder, "train s"):
        pytest.fail("it worked")
    held.close()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TouchstoneError, match=r"cannot write in .*file/small: Not a directory \(\.lock\)"):
        hold(tmp_path / "file" / "small", "first", "snakemake")
