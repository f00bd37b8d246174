"""A Python that has imported the heavy libraries, forked for each command of the workflow tests.

    python = zygote()        a program to call in the place of sys.executable: `python -m benchmark list`

What is forked is a process of its own, with the caller's arguments, folder, environment and open files. Only libraries
are imported beforehand, never the project, of which every tree has its own copy. Importing torch anew for each of some
hundred jobs took most of the suite's time. One such process serves all that run tests beside each other, and ends with
the one that started them. Tests that kill processes, or look at who descends from whom, call the real interpreter.
"""

from __future__ import annotations

import array
import fcntl
import functools
import gc
import importlib
import json
import os
import runpy
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path

LIBRARIES = (
    *("torch", "numpy", "pandas", "pyarrow.parquet", "scipy.stats", "scipy.optimize", "scipy.sparse", "sklearn.tree"),
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "PIL.Image", "pydantic", "typer", "rich.table", "jinja2"),
    *("yaml", "psutil", "safetensors.torch", "jaxtyping", "threadpoolctl", "snakemake.cli", "snakemake.workflow"),
    *("torch._dynamo", "captum.attr", "captum.attr._utils.lrp_rules", "numba", "ot", "gplearn.genetic", "cloudpickle"),
    *("scipy.ndimage", "sklearn.cluster", "sklearn.decomposition", "sklearn.neural_network"),
)
CLIENT = """
import array, json, os, signal, socket, sys
place = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
place.connect({address!r})
fds = array.array("i", [0, 1, 2])
place.sendmsg([b"f"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
asked = json.dumps({{"arguments": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}}).encode()
place.sendall(len(asked).to_bytes(8, "big") + asked)
answers = place.makefile("rb")
child = int(answers.readline() or 0)
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, _frame: os.kill(child, number))
sys.exit(int(answers.readline() or 70))
"""


@functools.cache
def zygote() -> str:
    """The path of a program that stands for its Python; the first to ask starts it, and others wait until it serves."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    folder = Path(tempfile.gettempdir()) / f"zygote-{os.getuid()}-{run or os.getpid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    client = folder / "python"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not client.exists():
            _start(folder, until=os.getppid() if run else os.getpid())
            (folder / "client.py").write_text(CLIENT.format(address=str(folder / "socket")))
            client.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -S -E {folder}/client.py "$@"\n')
            client.chmod(0o755)
    return str(client)


def _start(folder: Path, until: int) -> None:
    """Start the process; it serves when this returns, and ends with the process `until`."""
    server = subprocess.Popen(
        [sys.executable, "-P", __file__, str(folder / "socket"), str(until)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd="/", start_new_session=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"


def serve(address: str, until: int) -> None:
    """Fork a process for everyone who connects, until a process ends."""
    gc.disable()  # what is imported is no garbage
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # no fork looks for garbage among what was imported, which would copy it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    ended = os.pidfd_open(until)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(address)
    listening.listen(64)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while ended not in select.select([listening, ended], [], [])[0]:
        connection, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            os.close(ended)
            os._exit(_become(connection))
        connection.close()
    shutil.rmtree(Path(address).parent, ignore_errors=True)


def _become(connection: socket.socket) -> int:
    """In the fork: do what was asked, and say how it ended."""
    gc.enable()
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    descriptors = array.array("i")
    _, ancillary, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(3 * descriptors.itemsize))
    descriptors.frombytes(ancillary[0][2])
    for target, given in enumerate(descriptors):
        os.dup2(given, target)
        os.close(given)
    stream = connection.makefile("rb")
    asked = json.loads(stream.read(int.from_bytes(stream.read(8), "big")))
    connection.sendall(f"{os.getpid()}\n".encode())
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    given = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = [asked["folder"], *given, *sys.path]
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    _, module, *arguments = asked["arguments"]
    sys.argv = [module, *arguments]
    sys.stdin, sys.stdout, sys.stderr = (open(fd, mode, closefd=False) for fd, mode in ((0, "r"), (1, "w"), (2, "w")))  # noqa: SIM115
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            sys.stderr.write(f"{error.code}\n")
    except BaseException:
        traceback.print_exc()
        code = 1
    with suppress(Exception):
        for end in (sys.stdout, sys.stderr):
            end.flush()
    connection.sendall(f"{code}\n".encode())
    return code


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
