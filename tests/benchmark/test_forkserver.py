"""Jobs that the fork server starts are as jobs that start themselves, and live as long as their launchers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmark.forkserver import ADDRESS, LAUNCHER, start
from benchmark.seeds import VARIABLE

PATIENCE = 60.0
COMMAND_LINE = """
import json, os, pathlib, signal, sys, time
word, *rest = sys.argv[1:]
if word == "state":
    loaded = "wave" in sys.modules
    mask = os.umask(0); os.umask(mask)
    print(json.dumps([rest, os.getcwd(), os.environ.get("OF_JOB"), mask, os.environ.get("TOUCHSTONE_FORKSERVER"),
                      sys.path[0], __name__, loaded, sys.stdin.read()]))
    print("said beside", file=sys.stderr)
elif word == "end":
    sys.exit(rest[0] if rest[0].startswith("because") else int(rest[0]))
elif word == "raise":
    raise ValueError("of the job's own")
elif word == "kill":
    os.kill(os.getpid(), int(rest[0]))
elif word == "wait":
    pathlib.Path(rest[0]).write_text(str(os.getpid()))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    time.sleep(600)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a package `benchmark` of its own, whose command line the jobs are."""
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / "__init__.py").write_text("")
    (tmp_path / "benchmark" / "__main__.py").write_text(COMMAND_LINE)
    return tmp_path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv(ADDRESS, "")
    found = start(["wave", "no_such_library"], ["chunk"])
    assert found is not None
    yield found
    assert found.stdin is not None
    found.stdin.close()
    assert found.wait(PATIENCE) == 0


def job(project: Path, *words: str, **settings: Any) -> subprocess.Popen[str]:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen([sys.executable, "-I", "-S", LAUNCHER, *words], cwd=project, text=True, **pipes, **settings)


def until(condition: Callable[[], Any]) -> Any:
    """What the condition returns once that is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def waiting(project: Path) -> tuple[subprocess.Popen[str], psutil.Process]:
    """A launcher whose job waits, and that job."""
    note = project / "process"
    launcher = job(project, "wait", str(note))
    return launcher, psutil.Process(int(until(lambda: note.is_file() and note.read_text())))


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("served", [True, False])
def test_a_job_gets_words_folder_environment_files_and_mask(
    project: Path, server: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, served: bool
) -> None:
    if not served:
        monkeypatch.setenv(ADDRESS, str(project / "nobody"))
    monkeypatch.setenv("OF_JOB", "a\udcffb")
    launcher = job(project, "state", "one", "", "d\u00e9j\u00e0 vu", umask=0o27)
    out, beside = launcher.communicate("read me", timeout=PATIENCE)
    words = ["one", "", "d\u00e9j\u00e0 vu"]
    here = str(project)
    assert json.loads(out) == [words, here, "a\udcffb", 0o27, None, here, "__main__", served, "read me"]
    assert beside == "said beside\n"
    assert launcher.returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("end", "0"), 0, ""),
        (("end", "3"), 3, ""),
        (("end", "because of that"), 1, "because of that"),
        (("raise",), 1, "ValueError: of the job's own"),
        (("kill", "9"), -9, ""),
        (("kill", "15"), -15, ""),
        (("kill", "2"), -2, "KeyboardInterrupt"),
    ],
)
def test_a_launcher_ends_as_its_job(
    project: Path, server: subprocess.Popen[bytes], words: tuple[str, ...], code: int, said: str
) -> None:
    launcher = job(project, *words)
    _, beside = launcher.communicate(timeout=PATIENCE)
    assert launcher.returncode == code
    assert said in beside


def test_a_job_reads_the_project_anew(project: Path, server: subprocess.Popen[bytes]) -> None:
    assert job(project, "end", "0").wait(PATIENCE) == 0
    (project / "benchmark" / "__main__.py").write_text("import sys\nsys.exit(5)\n")
    assert job(project, "end", "0").wait(PATIENCE) == 5


def test_a_job_dies_with_its_launcher(project: Path, server: subprocess.Popen[bytes]) -> None:
    launcher, process = waiting(project)
    launcher.kill()
    until(lambda: gone(process))


def test_a_job_is_told_what_its_launcher_is_told(project: Path, server: subprocess.Popen[bytes]) -> None:
    launcher, _ = waiting(project)
    launcher.terminate()
    assert launcher.wait(PATIENCE) == 7


def test_jobs_do_not_outlive_a_server_unseen(project: Path, server: subprocess.Popen[bytes]) -> None:
    launcher, process = waiting(project)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        process.kill()
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert launcher.wait(PATIENCE) == -signal.SIGKILL


def test_a_server_outlives_the_workflow_until_its_jobs_have_ended(
    project: Path, server: subprocess.Popen[bytes]
) -> None:
    launcher, _ = waiting(project)
    assert server.stdin is not None
    server.stdin.close()
    address = Path(os.environ[ADDRESS])
    with pytest.raises(subprocess.TimeoutExpired):
        server.wait(0.3)
    assert job(project, "end", "4").wait(PATIENCE) == 4, "served by nobody, a job is a process of its own"
    launcher.terminate()
    assert launcher.wait(PATIENCE) == 7
    assert server.wait(PATIENCE) == 0
    assert not address.parent.exists()


def test_what_a_job_starts_cannot_ask_for_jobs(project: Path, server: subprocess.Popen[bytes]) -> None:
    asking = f"""
import socket
server = socket.socket(socket.AF_UNIX)
server.connect({os.environ[ADDRESS]!r})
print("answer", server.recv(100))
"""
    (project / "benchmark" / "__main__.py").write_text(asking)
    out, _ = job(project).communicate(timeout=PATIENCE)
    assert out == "answer b''\n"


def test_nobody_else_can_ask_for_jobs(project: Path, server: subprocess.Popen[bytes]) -> None:
    """Not even the user's other programs: this one descends from the process that started the server, and may."""
    other = subprocess.run(
        [sys.executable, "-c", "import os, sys; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0);"
         "import time; time.sleep(0.5); import socket; s = socket.socket(socket.AF_UNIX);"
         "s.connect(sys.argv[1]); print(s.recv(100))", os.environ[ADDRESS]],
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert other.stdout == "b''\n", other.stderr


def test_a_server_that_dies_takes_its_jobs_along(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    server = start([])
    assert server is not None
    launcher, process = waiting(project)
    server.kill()
    server.wait(PATIENCE)
    assert launcher.wait(PATIENCE) == 1
    until(lambda: gone(process))
    monkeypatch.delenv(ADDRESS)


def test_there_is_no_server_where_there_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "a secret of more than enough letters")
    assert start(["wave"]) is None


def test_the_server_imports_nothing_of_the_project() -> None:
    text = Path(LAUNCHER).with_name("server.py").read_text() + LAUNCHER.read_text()
    assert "import benchmark" not in text
    assert "from benchmark" not in text


def test_a_connection_that_asks_nothing_holds_up_nobody(project: Path, server: subprocess.Popen[bytes]) -> None:
    with socket.socket(socket.AF_UNIX) as idle:
        idle.connect(os.environ[ADDRESS])
        assert job(project, "end", "6").wait(PATIENCE) == 6
